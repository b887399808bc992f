# What differences between methods are worth: intervals, pairwise tests, who is really better.
rule statistics:
    input:
        code("benchmark.statistics"),
        "config/metrics.yaml",
        rows=expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=bench.main["methods"],
            test_set=bench.main["test_sets"],
        ),
    output:
        means="results/statistics.csv",
        pairs="results/pairwise.csv",
        ranking=report("results/ranking.md", caption="../report/table.rst", category="Tables"),
    log:
        f"{RUNS}/logs/statistics.log",
    conda:
        "../../environment.yml"
    params:
        spec=json.dumps(bench.comparison()),
    shell:
        "python -m benchmark.statistics --spec {params.spec:q} --rows {input.rows} --out results > {log} 2>&1"
