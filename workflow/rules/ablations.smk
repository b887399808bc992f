# Ablations: tables of variants with their spread over seeds, beside the published rows.
rule ablation:
    input:
        code("benchmark.ablation_table"),
        "config/metrics.yaml",
        rows=lambda w: ablations.evaluations(bench, w.ablation),
        published="config/published/osediff-tables-2-7.csv",
    output:
        csv="results/{ablation}.csv",
        md=report("results/{ablation}.md", caption="../report/table.rst", category="Ablations"),
        tex="results/{ablation}.tex",
        html="results/{ablation}.html",
    log:
        f"{RUNS}/logs/ablation/{{ablation}}.log",
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: json.dumps(ablations.spec(bench, w.ablation)),
    shell:
        "python -m benchmark.ablation_table --spec {params.spec:q} --rows {input.rows} --published {input.published}"
        " --out results/{wildcards.ablation} > {log} 2>&1"


# All active ablations. Apart from `all`: at demo scale they take most of an hour.
rule ablations:
    input:
        expand("results/{ablation}.{form}", ablation=bench.main["ablations"], form=["csv", "md", "tex", "html"]),
