# Table 2: the cost of methods. Networks are counted without weights or devices; baselines are counted if their code is here.
rule count_flops:
    input:
        code("benchmark.complexity.flops"),
        lambda w: code_of(profiling.counted_code(bench, w.model)),
        lambda w: profiling.entry_files(bench, w.model),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"count_flops/{w.model}/spec", profiling.count_spec(bench, w.model)
        ),
    output:
        "runs/complexity/{model}.json",
    log:
        "runs/logs/complexity/{model}.log",
    wildcard_constraints:
        model=names([*bench.complexity, *bench.baselines]),
    conda:
        lambda w: environment_of(w.model) if w.model in bench.baselines else "../../environment.yml"
    params:
        python=lambda w: methods.interpreter(bench, w.model),
    shell:
        "{params.python:q} -m benchmark.complexity.flops --spec {input.spec:q} --out {output:q} > {log:q} 2>&1"


rule profile_time:
    input:
        code("benchmark.complexity.timing"),
        lambda w: code_of(profiling.timed_code(bench, w.model)),
        lambda w: profiling.entry_files(bench, w.model),
        sources=lambda w: paths.baseline_input(bench, w.model) if w.model in bench.baselines else [],
        spec=lambda w: specs.write_spec(
            bench.specs, f"profile_time/{w.protocol}/{w.model}/spec", profiling.timing_spec(bench, w.protocol, w.model)
        ),
    output:
        f"{RUNS}/timing/{{protocol}}/{{model}}.json",
    log:
        f"{RUNS}/logs/timing/{{protocol}}/{{model}}.log",
    wildcard_constraints:
        model=names([*bench.complexity, *bench.baselines]),
        protocol=names(profiling.timing_protocols(bench)),
    conda:
        lambda w: environment_of(w.model) if w.model in bench.baselines else "../../environment.yml"
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        python=lambda w: methods.interpreter(bench, w.model),
        device=bench.main.device,
    shell:
        f"{LEASE}{{params.python:q}} -m benchmark.complexity.timing --spec {{input.spec:q}} --device {{params.device:q}}"
        " --threads {threads} --out {output:q} > {log:q} 2>&1"


rule table2:
    input:
        code("benchmark.tables.complexity"),
        "config/metrics.yaml",
        spec=specs.write_spec(specs.SHARED, "table2", profiling.table2_spec(bench)),
        counts=expand("runs/complexity/{model}.json", model=[*bench.complexity, *profiling.countable_baselines(bench)]),
        timings=profiling.timed_files(bench) + list(bench.main.timings),
        published="config/published/osediff-tables-2-7.csv",
    output:
        csv="results/table2.csv",
        md="results/table2.md",
        tex="results/table2.tex",
        html=report("results/table2.html", caption="../report/table.rst", category="Tables", labels={"table": "table2"}),
    log:
        f"{RUNS}/logs/table2.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.tables.complexity --spec {input.spec:q} --counts {input.counts:q} --timings {input.timings:q}"
        " --published {input.published:q} --out results/table2 > {log:q} 2>&1"


rule efficiency:
    input:
        code("benchmark.figures.efficiency"),
        "config/metrics.yaml",
        table2="results/table2.csv",
        table1="results/table1.csv",
        published="config/published/osediff.csv",
    output:
        png=report(
            "results/efficiency.png",
            caption="../report/efficiency.rst",
            category="Figures",
            labels={"figure": "efficiency", "of": "all methods"},
        ),
        svg="results/efficiency.svg",
    log:
        f"{RUNS}/logs/efficiency.log",
    conda:
        "../../environment.yml"
    params:
        by=profiling.efficiency_axis(bench),
    shell:
        "python -m benchmark.figures.efficiency --table2 {input.table2:q} --quality {input.table1:q} --published {input.published:q}"
        " --by {params.by:q} --out results/efficiency > {log:q} 2>&1"


# The paper's Figure 1(b): inference steps over time, and trainable parameters as areas.
rule efficiency_steps:
    input:
        code("benchmark.figures.efficiency"),
        "config/metrics.yaml",
        table2="results/table2.csv",
        published="config/published/osediff.csv",
    output:
        png=report(
            "results/efficiency_steps.png",
            caption="../report/efficiency.rst",
            category="Figures",
            labels={"figure": "efficiency", "of": "steps"},
        ),
        svg="results/efficiency_steps.svg",
    log:
        f"{RUNS}/logs/efficiency_steps.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.efficiency --table2 {input.table2:q} --published {input.published:q} --by steps"
        " --out results/efficiency_steps > {log:q} 2>&1"


rule efficiency_bars:
    input:
        code("benchmark.figures.efficiency_bars"),
        "config/metrics.yaml",
        table2="results/table2.csv",
    output:
        png=report(
            "results/efficiency_bars.png",
            caption="../report/efficiency.rst",
            category="Figures",
            labels={"figure": "efficiency", "of": "bars"},
        ),
        svg="results/efficiency_bars.svg",
    log:
        f"{RUNS}/logs/efficiency_bars.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.efficiency_bars --table2 {input.table2:q} --out results/efficiency_bars > {log:q} 2>&1"


# Time and memory against size and batch, each point in a separate process. It takes minutes, and runs only if it is a target.
rule scaling:
    input:
        code("benchmark.complexity.scaling"),
        code("benchmark.complexity.timing"),
        code_of(profiling.timed_code(bench, profiling.scaling_entry(bench).model)),
        spec=specs.write_spec(bench.specs, "scaling", profiling.scaling_spec(bench)),
    output:
        csv="results/scaling.csv",
        md="results/scaling.md",
        png=report(
            "results/scaling.png",
            caption="../report/efficiency.rst",
            category="Figures",
            labels={"figure": "scaling", "of": "OSEDiff"},
        ),
        svg="results/scaling.svg",
    log:
        f"{RUNS}/logs/scaling.log",
    conda:
        "../../environment.yml"
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        device=bench.main.device,
    shell:
        f"{LEASE}python -m benchmark.complexity.scaling --spec {{input.spec:q}} --device {{params.device:q}}"
        " --out results/scaling > {log:q} 2>&1"


rule roofline:
    input:
        code("benchmark.complexity.roofline"),
        code_of(profiling.counted_code(bench, profiling.scaling_entry(bench).model)),
        spec=specs.write_spec(bench.specs, "roofline", profiling.roofline_spec(bench)),
    output:
        "results/roofline.md",
    log:
        f"{RUNS}/logs/roofline.log",
    conda:
        "../../environment.yml"
    threads: CORES  # alone on the machine
    resources:
        gpu=GPU,
    params:
        device=bench.main.device,
    shell:
        f"{LEASE}python -m benchmark.complexity.roofline --spec {{input.spec:q}} --device {{params.device:q}}"
        " --threads {threads} --out {output:q} > {log:q} 2>&1"
