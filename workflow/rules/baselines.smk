# SR images of the baselines, each in a separate process. A failure becomes a record, so that the tables are still made.
rule restore_baseline:
    input:
        code("baselines.runner.run"),
        code("baselines.runner.worker"),
        lambda w: code(bench.baselines[w.method].runs.entry.split(":")[0]),
        "baselines/{method}/descriptor.yaml",
        sources=lambda w: paths.baseline_input(bench, w.method),
        fetched=lambda w: ancient(paths.BASELINE_WEIGHTS) if w.method in paths.fetched_baselines(bench) else [],
        manifest="data/testsets/{test_set}/manifest.json",
        folders=lambda w: read_folders(w.test_set),
    output:
        record=f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/run.json",
        sr=directory(f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/SR"),
    log:
        f"{RUNS}/logs/restore/{{method}}/{{test_set}}{{part}}.log",
    benchmark:
        f"{RUNS}/logs/restore/{{method}}/{{test_set}}{{part}}.tsv"
    wildcard_constraints:
        method=names(methods.of_kind(bench, settings.BaselineMethod)),
    conda:
        lambda w: environment_of(w.method)
    resources:
        gpu=GPU,
        runtime=minutes,
    params:
        lr=lambda w: f"{paths.test_set_folder(bench, w.test_set)}/LR",
        progress=f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/.progress",
        cache=f"{RUNS}/restore/{{method}}/{{test_set}}/cache",
        shard=shard_options,
        sources=bench.main.baselines.sources,
        options=lambda w: methods.baseline_options(bench, w.method),
        seed=bench.main.seed,
        seed_mode=bench.main.baselines.seed_mode,
        limit=bench.main.baselines.time_limit,
        device=bench.main.device,
    shell:
        f"{LEASE}python -m baselines.runner.run --baseline {{wildcards.method:q}} --input {{params.lr:q}}"
        " --output {output.sr:q} --progress {params.progress:q} --cache {params.cache:q} {params.shard:q}"
        " --sources {params.sources:q} {params.options:q} --seed {params.seed:q} --seed-mode {params.seed_mode:q}"
        " --time-limit {params.limit:q} --device {params.device:q} --record {output.record:q} > {log:q} 2>&1"


ruleorder: gather_shards > restore_baseline


# Weights of the active baselines that need no checkout and no license accepted. Without network, the run goes on without them.
rule baseline_weights:
    output:
        paths.BASELINE_WEIGHTS,
    log:
        "runs/logs/baseline_weights.log",
    conda:
        "../../environment.yml"
    params:
        only=paths.fetched_baselines(bench),
        sources=bench.main.baselines.sources,
    shell:
        "python -m baselines.runner.sources --root {params.sources:q} --only {params.only:q} --optional --record {output:q}"
        " 2>&1 | tee -i {log:q}"


# Checkouts and weights of all active baselines; only if this is a target.
rule baseline_sources:
    log:
        "runs/logs/baseline_sources.log",
    conda:
        "../../environment.yml"
    params:
        only=[name for name in bench.main.methods if name in bench.baselines] or sorted(bench.baselines),
        sources=bench.main.baselines.sources,
        accept=list(bench.main.baselines.accept_licenses),
    shell:
        "python -m baselines.runner.sources --root {params.sources:q} --only {params.only:q} --accept {params.accept:q}"
        " 2>&1 | tee -i {log:q}"
