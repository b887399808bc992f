# Tables: averages of the rows, as CSV, Markdown, LaTeX and HTML.
rule table:
    input:
        code("benchmark.tables"),
        "config/metrics.yaml",
        rows=expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=bench.main["methods"],
            test_set=bench.main["test_sets"],
        ),
    output:
        csv="results/{table}.csv",
        md=report("results/{table}.md", caption="../report/table.rst", category="Tables"),
        tex="results/{table}.tex",
        html="results/{table}.html",
    log:
        f"{RUNS}/logs/table/{{table}}.log",
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: json.dumps(bench.table(w.table)),
    shell:
        "python -m benchmark.tables --spec {params.spec:q} --rows {input.rows} --out results/{wildcards.table}"
        " > {log} 2>&1"
