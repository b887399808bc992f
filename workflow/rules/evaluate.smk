SUBMITTED = methods.of_kind(bench, settings.ResultsMethod)


# Rows of every method on every test set: a value for each image and metric.
rule evaluate:
    input:
        code("benchmark.evaluation.evaluate"),
        manifest="data/testsets/{test_set}/manifest.json",
        images=lambda w: paths.images_input(bench, w.method, w.test_set),
        folders=lambda w: read_folders(w.test_set, [w.method]),
        measured=lambda w: parts(w.test_set, f"{RUNS}/evaluate/{w.method}/{w.test_set}/shards/{{scatteritem}}.jsonl"),
        weights=paths.BROUGHT,
        spec=specs.write_spec(bench.specs, "evaluate", specs.evaluation_spec(bench)),
    output:
        f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
    log:
        f"{RUNS}/logs/evaluate/{{method}}/{{test_set}}.log",
    benchmark:
        f"{RUNS}/logs/evaluate/{{method}}/{{test_set}}.tsv"
    wildcard_constraints:
        method=names([name for name in bench.methods if name not in SUBMITTED]),
    conda:
        "../../environment.yml"
    threads: lambda w: methods.evaluation_threads(bench, w.test_set, CORES)
    resources:
        gpu=GPU,
    params:
        sr=lambda w: paths.images_folder(bench, w.method, w.test_set),
        reference=lambda w: methods.reference_options(bench, w.test_set),
        record=lambda w: methods.record_options(bench, w.method, w.test_set),
        measured=lambda w, input: ["--measured", *input.measured] if input.measured else [],
        device=bench.main.device,
    shell:
        f"{LEASE}python -m benchmark.evaluation.evaluate --sr {{params.sr:q}} {{params.reference:q}} --method {{wildcards.method:q}}"
        " --test-set {wildcards.test_set:q} --spec {input.spec:q} --device {params.device:q}"
        " {params.record:q} {params.measured:q} --workers {threads} --out {output:q} > {log:q} 2>&1"


# The values of a part of the images, where a test set is split; `evaluate` takes them and adds metrics of the whole set.
rule evaluate_shard:
    input:
        code("benchmark.evaluation.evaluate"),
        manifest="data/testsets/{test_set}/manifest.json",
        images=lambda w: paths.images_input(bench, w.method, w.test_set),
        folders=lambda w: read_folders(w.test_set, [w.method]),
        weights=paths.BROUGHT,
        spec=specs.write_spec(bench.specs, "evaluate", specs.evaluation_spec(bench)),
    output:
        f"{RUNS}/evaluate/{{method}}/{{test_set}}/shards/{{scatteritem}}.jsonl",
    log:
        f"{RUNS}/logs/evaluate/{{method}}/{{test_set}}/{{scatteritem}}.log",
    conda:
        "../../environment.yml"
    threads: lambda w: methods.evaluation_threads(bench, w.test_set, CORES)
    resources:
        gpu=GPU,
    params:
        sr=lambda w: paths.images_folder(bench, w.method, w.test_set),
        reference=lambda w: methods.reference_options(bench, w.test_set),
        record=lambda w: methods.record_options(bench, w.method, w.test_set),
        device=bench.main.device,
    shell:
        f"{LEASE}python -m benchmark.evaluation.evaluate --sr {{params.sr:q}} {{params.reference:q}} --method {{wildcards.method:q}}"
        " --test-set {wildcards.test_set:q} --spec {input.spec:q} --device {params.device:q}"
        " {params.record:q} --shard {wildcards.scatteritem:q} --workers {threads} --out {output:q} > {log:q} 2>&1"


# Rows of another person's submission, if its protocol and images are those of this run.
rule take_submission:
    input:
        code("benchmark.data.take_submission"),
        submission=lambda w: paths.submission_input(bench, w.method),
        manifest="data/testsets/{test_set}/manifest.json",
        spec=specs.write_spec(bench.specs, "evaluate", specs.evaluation_spec(bench)),
    output:
        f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
    log:
        f"{RUNS}/logs/evaluate/{{method}}/{{test_set}}.log",
    wildcard_constraints:
        method=names(SUBMITTED),
    conda:
        "../../environment.yml"
    params:
        submission=lambda w: bench.methods[w.method].submission,
        images=lambda w: paths.images_folder(bench, w.method, w.test_set),
    shell:
        "python -m benchmark.data.take_submission --submission {params.submission:q} --method {wildcards.method:q}"
        " --test-set {wildcards.test_set:q} --spec {input.spec:q} --manifest {input.manifest:q}"
        " --images {params.images:q} --out {output:q} > {log:q} 2>&1"


# A page that says how every number is measured.
rule protocol:
    input:
        code("benchmark.tables.protocol"),
        registry="config/metrics.yaml",
    output:
        md="results/protocol.md",
        html=report(
            "results/protocol.html", caption="../report/table.rst", category="Tables", labels={"table": "protocol"}
        ),
    log:
        f"{RUNS}/logs/protocol.log",
    conda:
        "../../environment.yml"
    params:
        protocol=lambda w: bench.main.protocol,
    shell:
        "python -m benchmark.tables.protocol --registry {input.registry:q} --protocol {params.protocol:q} --out {output.md:q}"
        " > {log:q} 2>&1"


# Weights of the learned metrics that `metric_weights` of the main file asks for. Files that cannot be fetched within
# seconds are left out, and their metrics stay empty; evaluations download nothing. The weights beside the output are not
# declared, so Snakemake keeps them when this runs again.
rule metric_weights:
    input:
        spec=specs.write_spec(specs.SHARED, "metric_weights", specs.metric_weights_spec(bench)),  # runs it again; not read
    output:
        paths.BROUGHT,
    log:
        "runs/logs/metric_weights.log",
    conda:
        "../../environment.yml"
    params:
        options=methods.weights_options(bench),
    shell:
        "python -m osediff.common.artifacts fetch metric-weights --optional {params.options:q} --record {output:q} 2>&1"
        " | tee -i {log:q}"
