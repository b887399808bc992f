# Intervals and pairwise tests of measured values, and their comparison with published values.


rule statistics:
    input:
        code("benchmark.statistics.pairwise"),
        "config/metrics.yaml",
        spec=specs.write_spec(bench.specs, "statistics", specs.comparison_spec(bench)),
        rows=expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=methods.compared(bench),
            test_set=bench.main.test_sets,
        ),
    output:
        means="results/statistics.csv",
        pairs="results/pairwise.csv",
        ranking="results/ranking.md",
        html=report(
            "results/ranking.html", caption="../report/table.rst", category="Tables", labels={"table": "ranking"}
        ),
    log:
        f"{RUNS}/logs/statistics.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.statistics.pairwise --spec {input.spec:q} --rows {input.rows:q} --out results > {log:q} 2>&1"


# How far the metrics agree, which conclusions depend on them, and mean ranks with their critical difference.
rule agreement:
    input:
        code("benchmark.figures.agreement"),
        "config/metrics.yaml",
        spec=specs.write_spec(bench.specs, "statistics", specs.comparison_spec(bench)),
        rows=expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=methods.compared(bench),
            test_set=bench.main.test_sets,
        ),
        pairs="results/pairwise.csv",
    output:
        png=report(
            "results/agreement.png",
            caption="../report/agreement.rst",
            category="Figures",
            labels={"figure": "agreement of metrics", "of": "all test sets"},
        ),
        svg="results/agreement.svg",
        md="results/agreement.md",
        csv="results/agreement.csv",
        ranks=report(
            "results/critical_difference.png",
            caption="../report/critical_difference.rst",
            category="Figures",
            labels={"figure": "mean ranks", "of": "all test sets"},
        ),
        ranks_svg="results/critical_difference.svg",
    log:
        f"{RUNS}/logs/agreement.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.agreement --spec {input.spec:q} --rows {input.rows:q} --pairs {input.pairs:q}"
        " --out results > {log:q} 2>&1"


rule compare_published:
    input:
        code("benchmark.tables.published"),
        "config/metrics.yaml",
        spec=specs.write_spec(bench.specs, "compare_published", specs.comparison_spec(bench)),
        rows=expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=methods.compared(bench),
            test_set=bench.main.test_sets,
        ),
        published=PUBLISHED,
    output:
        csv="results/compare_published.csv",
        md="results/compare_published.md",
        html=report(
            "results/compare_published.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "measured beside published"},
        ),
    log:
        f"{RUNS}/logs/compare_published.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.tables.published --spec {input.spec:q} --rows {input.rows:q} --published {input.published:q}"
        " --out results > {log:q} 2>&1"
