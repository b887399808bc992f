# Tables: averages of the rows, as CSV, Markdown, LaTeX and HTML.
TABLE_SPECS = {
    name: specs.write_spec(bench.specs, f"table/{name}", specs.table_spec(bench, name)) for name in bench.tables
}


# What other papers print for methods of one step; it depends on no preset.
rule published_onestep:
    input:
        code("benchmark.tables.published_onestep"),
        "config/metrics.yaml",
        published=["config/published/osediff.csv", "config/published/others.csv", *PUBLISHED_ONESTEP],
        disagreements="config/published/onestep/disagreements.yaml",
    output:
        csv="results/published_onestep.csv",
        md="results/published_onestep.md",
        html=report(
            "results/published_onestep.html",
            caption="../report/table.rst",
            category="Tables",
            labels={"table": "published, one step"},
        ),
    log:
        "runs/logs/published_onestep.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.tables.published_onestep --published {input.published:q}"
        " --disagreements {input.disagreements:q} --out results > {log:q} 2>&1"


rule table:
    input:
        code("benchmark.tables.quality"),
        "config/metrics.yaml",
        spec=lambda w: TABLE_SPECS[w.table],
        rows=lambda w: expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=methods.of_table(bench, w.table),
            test_set=methods.test_sets_of_table(bench, w.table),
        ),
        statistics=["results/statistics.csv"] if bench.main.intervals else [],
        published=[*PUBLISHED, *PUBLISHED_ONESTEP] if bench.main.show_published else [],
    output:
        csv="results/{table}.csv",
        md="results/{table}.md",
        tex="results/{table}.tex",
        html=report(
            "results/{table}.html", caption="../report/table.rst", category="Tables", labels={"table": "{table}"}
        ),
    log:
        f"{RUNS}/logs/table/{{table}}.log",
    conda:
        "../../environment.yml"
    params:
        statistics=lambda w, input: ["--statistics", input.statistics] if input.statistics else [],
        published=lambda w, input: ["--published", *input.published] if input.published else [],
    shell:
        "python -m benchmark.tables.quality --spec {input.spec:q} --rows {input.rows:q} {params.statistics:q} {params.published:q}"
        " --out results/{wildcards.table:q}"
        " > {log:q} 2>&1"
