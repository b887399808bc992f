# Ablations: tables of variants with their spread over seeds, beside the published rows.
ABLATION_SPECS = {
    name: specs.write_spec(bench.specs, f"ablation/{name}", ablations.table_spec(bench, name))
    for name in ablations.active(bench)
}
CURVES_SPECS = {
    name: specs.write_spec(bench.specs, f"curves/{name}", ablations.curves_spec(bench, name))
    for name in ablations.active(bench)
}


rule ablation:
    input:
        code("benchmark.tables.ablation"),
        "config/metrics.yaml",
        spec=lambda w: ABLATION_SPECS[w.ablation],
        rows=lambda w: ablations.evaluations(bench, w.ablation),
        published="config/published/osediff-tables-2-7.csv",
    output:
        csv="results/{ablation}.csv",
        md="results/{ablation}.md",
        tex="results/{ablation}.tex",
        html=report(
            "results/{ablation}.html",
            caption="../report/table.rst",
            category="Ablations",
            labels={"ablation": "{ablation}", "form": "table"},
        ),
    log:
        f"{RUNS}/logs/ablation/{{ablation}}.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.tables.ablation --spec {input.spec:q} --rows {input.rows:q} --published {input.published:q}"
        " --out results/{wildcards.ablation:q} > {log:q} 2>&1"


rule curves:
    input:
        code("benchmark.figures.curves"),
        spec=lambda w: CURVES_SPECS[w.ablation],
        logs=lambda w: [f"{folder}/log.jsonl" for folder in ablations.trainings(bench, w.ablation)],
    output:
        png=report(
            "results/curves_{ablation}.png",
            caption="../report/curves.rst",
            category="Ablations",
            labels={"ablation": "{ablation}", "form": "curves"},
        ),
        svg="results/curves_{ablation}.svg",
    log:
        f"{RUNS}/logs/curves/{{ablation}}.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.curves --spec {input.spec:q} --out results/curves_{wildcards.ablation:q} > {log:q} 2>&1"


# All ablations of the preset. They are not part of `all`: at demo preset they take most of an hour.
rule ablations:
    input:
        expand("results/{ablation}.{form}", ablation=ablations.active(bench), form=["csv", "md", "tex", "html"]),
        expand("results/curves_{ablation}.{form}", ablation=ablations.active(bench), form=["png", "svg"]),
        expand("results/picture_{picture}.png", picture=pictures.of_ablations(bench)),


# The estimated cost of the ablations, before anything runs.
rule training_cost:
    input:
        code("benchmark.tables.training_cost"),
        "config/metrics.yaml",
        published="config/published/osediff-tables-2-7.csv",
        spec=specs.write_spec(bench.specs, "training_cost", ablations.training_cost_spec(bench)),
    output:
        "results/training_cost.md",
    log:
        f"{RUNS}/logs/training_cost.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.tables.training_cost --spec {input.spec:q} --published {input.published:q} --out {output:q} 2>&1 | tee -i {log:q}"
