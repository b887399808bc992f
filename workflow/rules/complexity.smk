# Table 2: what methods cost, counted without weights or devices. Baselines are counted where their code is.
rule count:
    input:
        code("benchmark.complexity.complexity"),
        lambda w: code(bench.complexity[w.model].parts.split(":")[0]),
    output:
        "runs/complexity/{model}.json",
    log:
        "runs/logs/complexity/{model}.log",
    wildcard_constraints:
        model=names(bench.complexity),
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: json.dumps(profiling.count(bench, w.model)),
    shell:
        "python -m benchmark.complexity.complexity --spec {params.spec:q} --out {output} > {log} 2>&1"


rule count_baseline:
    input:
        code("baselines.runner.counting"),
        lambda w: code(bench.baselines[w.baseline].runs.entry.split(":")[0]),
        "baselines/{baseline}/descriptor.yaml",
    output:
        "runs/complexity/baselines/{baseline}.json",
    log:
        "runs/logs/complexity/baselines/{baseline}.log",
    wildcard_constraints:
        baseline=names(bench.baselines),
    conda:
        lambda w: environment_of(w.baseline)
    params:
        python=lambda w: methods.interpreter(bench, w.baseline),
        sources=bench.main.baselines.sources,
    shell:
        "{params.python:q} -m baselines.runner.counting --baseline {wildcards.baseline} --sources {params.sources:q}"
        " --out {output} > {log} 2>&1"


rule time:
    input:
        code("benchmark.complexity.timing"),
        lambda w: code(bench.complexity[w.model].pipeline.split(":")[0]),
        "config/timing.yaml",
    output:
        f"{RUNS}/timing/{{model}}.json",
    log:
        f"{RUNS}/logs/timing/{{model}}.log",
    wildcard_constraints:
        model=names(bench.complexity),
    conda:
        "../../environment.yml"
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        spec=lambda w: json.dumps(profiling.count(bench, w.model)),
        size=lambda w: bench.complexity[w.model].size,
        device=bench.main.device,
    shell:
        f"{LEASE}python -m benchmark.complexity.timing --spec {{params.spec:q}} --size {{params.size}} --device {{params.device}}"
        " --threads {threads} --out {output} > {log} 2>&1"


rule time_baseline:
    input:
        code("benchmark.complexity.timing"),
        code("baselines.runner.timing"),
        lambda w: code(bench.baselines[w.baseline].runs.entry.split(":")[0]),
        "baselines/{baseline}/descriptor.yaml",
        "config/timing.yaml",
        sources=lambda w: paths.baseline_input(bench, w.baseline),
    output:
        f"{RUNS}/timing/baselines/{{baseline}}.json",
    log:
        f"{RUNS}/logs/timing/baselines/{{baseline}}.log",
    wildcard_constraints:
        baseline=names(bench.baselines),
    conda:
        lambda w: environment_of(w.baseline)
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        python=lambda w: methods.interpreter(bench, w.baseline),
        spec=lambda w: json.dumps(profiling.baseline_timing(bench, w.baseline)),
        device=bench.main.device,
    shell:
        f"{LEASE}{{params.python:q}} -m benchmark.complexity.timing --spec {{params.spec:q}} --device {{params.device}} --contain"
        " --threads {threads} --out {output} > {log} 2>&1"


rule table2:
    input:
        code("benchmark.tables.complexity"),
        counts=expand("runs/complexity/{model}.json", model=bench.complexity),
        baselines=expand("runs/complexity/baselines/{baseline}.json", baseline=profiling.table2(bench)["baselines"]),
        timings=expand(f"{RUNS}/timing/{{model}}.json", model=profiling.timed(bench))
        + expand(f"{RUNS}/timing/baselines/{{baseline}}.json", baseline=profiling.timed_baselines(bench))
        + list(bench.main.timings),
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
        spec=json.dumps(profiling.table2(bench)),
    shell:
        "python -m benchmark.tables.complexity --spec {params.spec:q} --counts {input.counts} {input.baselines}"
        " --timings {input.timings}"
        " --published {input.published} --out results/table2 > {log} 2>&1"


rule efficiency:
    input:
        code("benchmark.figures.efficiency"),
        table2="results/table2.csv",
        table1="results/table1.csv",
        published="config/published/osediff.csv",
    output:
        png=report("results/efficiency.png", caption="../report/efficiency.rst", category="Figures"),
        svg="results/efficiency.svg",
    log:
        f"{RUNS}/logs/efficiency.log",
    conda:
        "../../environment.yml"
    params:
        # The demo's quality compares with nothing that was published.
        by="quality" if bench.main.preset == "paper" else "parameters",
    shell:
        "python -m benchmark.figures.efficiency --table2 {input.table2} --quality {input.table1} --published {input.published}"
        " --by {params.by} --out results/efficiency > {log} 2>&1"


# Time and memory against size and batch; each point a process of its own. Minutes; asked for by name only.
rule scaling:
    input:
        code("benchmark.complexity.scaling"),
        code("benchmark.complexity.timing"),
        code("osediff.models.profiled"),
        "config/timing.yaml",
    output:
        csv="results/scaling.csv",
        md="results/scaling.md",
        png=report("results/scaling.png", caption="../report/efficiency.rst", category="Figures"),
        svg="results/scaling.svg",
    log:
        f"{RUNS}/logs/scaling.log",
    conda:
        "../../environment.yml"
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        spec=json.dumps(profiling.scaled(bench)),
        device=bench.main.device,
    shell:
        f"{LEASE}python -m benchmark.complexity.scaling --spec {{params.spec:q}} --device {{params.device}} --out results/scaling"
        " > {log} 2>&1"


rule roofline:
    input:
        code("benchmark.complexity.roofline"),
        code("osediff.models.profiled"),
    output:
        report("results/roofline.md", caption="../report/efficiency.rst", category="Tables"),
    log:
        f"{RUNS}/logs/roofline.log",
    conda:
        "../../environment.yml"
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        spec=json.dumps(profiling.count(bench, bench.scaling[bench.main.preset].model)),
        device=bench.main.device,
        dtype=bench.scaling[bench.main.preset].precision,
    shell:
        f"{LEASE}python -m benchmark.complexity.roofline --spec {{params.spec:q}} --device {{params.device}} --dtype {{params.dtype}}"
        " --threads {threads} --out {output} > {log} 2>&1"
