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


rule time:
    input:
        code("benchmark.timing"),
        lambda w: code(bench.complexity[w.model]["pipeline"].split(":")[0]),
        "config/timing.yaml",
    output:
        f"{RUNS}/timing/{{model}}.json",
    log:
        f"{RUNS}/logs/timing/{{model}}.log",
    wildcard_constraints:
        model=names(bench.complexity),
    conda:
        "../../environment.yml"
    threads: workflow.cores  # alone on the machine
    resources:
        gpu=GPU,
    params:
        spec=lambda w: json.dumps(bench.count(w.model)),
        size=lambda w: bench.complexity[w.model]["size"],
        device=bench.main["device"],
    shell:
        f"{LEASE}python -m benchmark.timing --spec {{params.spec:q}} --size {{params.size}} --device {{params.device}}"
        " --threads {threads} --out {output} > {log} 2>&1"


rule table2:
    input:
        code("benchmark.table2"),
        counts=expand("runs/complexity/{model}.json", model=bench.complexity),
        baselines=expand("runs/complexity/baselines/{baseline}.json", baseline=bench.table2()["baselines"]),
        timings=expand(f"{RUNS}/timing/{{model}}.json", model=bench.timed()),
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
        " --timings {input.timings}"
        " --published {input.published} --out results/table2 > {log} 2>&1"
