# Table 2: what methods cost, counted without weights or devices. Baselines are counted where their code is.
rule count:
    input:
        code("benchmark.complexity"),
        lambda w: code(bench.complexity[w.model]["parts"].split(":")[0]),
    output:
        "runs/complexity/{model}.json",
    log:
        "runs/logs/complexity/{model}.log",
    wildcard_constraints:
        model=names(bench.complexity),
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: json.dumps(bench.count(w.model)),
    shell:
        "python -m benchmark.complexity --spec {params.spec:q} --out {output} > {log} 2>&1"


rule count_baseline:
    input:
        code("baselines.counting"),
        lambda w: code(bench.baselines[w.baseline]["runs"]["entry"].split(":")[0]),
        "baselines/{baseline}/descriptor.yaml",
    output:
        "runs/complexity/baselines/{baseline}.json",
    log:
        "runs/logs/complexity/baselines/{baseline}.log",
    wildcard_constraints:
        baseline=names(bench.baselines),
    conda:
        "../../environment.yml"
    params:
        sources=bench.main["baselines"]["sources"],
    shell:
        "python -m baselines.counting --baseline {wildcards.baseline} --sources {params.sources:q} > {output} 2> {log}"


rule table2:
    input:
        code("benchmark.table2"),
        counts=expand("runs/complexity/{model}.json", model=bench.complexity),
        baselines=expand("runs/complexity/baselines/{baseline}.json", baseline=bench.table2()["baselines"]),
        published="config/published/osediff-tables-2-7.csv",
    output:
        csv="results/table2.csv",
        md=report("results/table2.md", caption="../report/table.rst", category="Tables"),
        tex="results/table2.tex",
        html="results/table2.html",
    log:
        f"{RUNS}/logs/table2.log",
    conda:
        "../../environment.yml"
    params:
        spec=json.dumps(bench.table2()),
    shell:
        "python -m benchmark.table2 --spec {params.spec:q} --counts {input.counts} {input.baselines}"
        " --published {input.published} --out results/table2 > {log} 2>&1"
