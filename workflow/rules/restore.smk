# SR images, one rule for each kind of method; `part` is empty, or /shards/2-of-8 where a test set is split. run.json is
# written last. .progress has the same files as SR, which are not there twice; it is not declared, so Snakemake keeps it when a
# job is killed, and the rerun continues.
rule interpolate:
    input:
        code("baselines.interpolation"),
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
        method=names(methods.of_kind(bench, settings.InterpolationMethod)),
    conda:
        "../../environment.yml"
    params:
        lr=lambda w: f"{paths.test_set_folder(bench, w.test_set)}/LR",
        progress=f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/.progress",
        shard=shard_options,
        scale_factor=lambda w: bench.test_sets[w.test_set].scale_factor,
        kernel=lambda w: methods.kernel(bench, w.method),
    shell:
        "python -m baselines.interpolation --input {params.lr:q} --output {output.sr:q} --progress {params.progress:q}"
        " {params.shard:q} --kernel {params.kernel:q} --scale-factor {params.scale_factor:q} --record {output.record:q} > {log:q} 2>&1"


# Published images: they are fetched unless a folder is given, and each image is checked.
rule fetch_images:
    input:
        code("benchmark.data.fetched_images"),
        spec=lambda w: specs.write_spec(
            bench.specs,
            f"fetch_images/{w.method}/{w.test_set}/spec",
            specs.fetched_images_spec(bench, w.method, w.test_set),
        ),
        images=lambda w: paths.published_images_input(bench, w.method, w.test_set),
    output:
        f"{RUNS}/restore/{{method}}/{{test_set}}/run.json",
    log:
        f"{RUNS}/logs/restore/{{method}}/{{test_set}}.log",
    wildcard_constraints:
        method=names(methods.published_images(bench)),
    conda:
        "../../environment.yml"
    params:
        options=lambda w: methods.fetched_images_options(bench, w.method, w.test_set),
    shell:
        "python -m benchmark.data.fetched_images --spec {input.spec:q} {params.options:q} --record {output:q} > {log:q} 2>&1"


# A checkpoint of the official code: fetched, or taken from a given folder, and checked; then converted. No code in it is run.
rule convert_official:
    input:
        code("osediff.convert_official"),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"convert_official/{w.method}/spec", bench.methods[w.method].official_file
        ),
    output:
        adapters="data/checkpoints/{method}/adapters.safetensors",
        recipe="data/checkpoints/{method}/recipe.json",
        outcome="data/checkpoints/{method}/outcome.json",
        provenance="data/checkpoints/{method}/provenance.json",
    log:
        "runs/logs/convert_official/{method}.log",
    wildcard_constraints:
        method=names(methods.official_checkpoints(bench)),
    conda:
        "../../environment.yml"
    params:
        file=lambda w: methods.official_checkpoints(bench)[w.method],
        folder="data/checkpoints/{method}",
        local=lambda w: ["--local", bench.main.paths[w.method]] if w.method in bench.main.paths else [],
    shell:
        "(python -m osediff.common.artifacts fetch method-checkpoints --only {wildcards.method:q} {params.local:q}"
        " && python -m osediff.convert_official --from {params.file:q} --to {params.folder:q}) 2>&1 | tee -i {log:q}"


rule restore:
    input:
        code("osediff.restore"),
        manifest="data/testsets/{test_set}/manifest.json",
        folders=lambda w: read_folders(w.test_set),
        backbone=lambda w: paths.backbone_input(bench, methods.backbone(bench, w.method)),
        checkpoint=lambda w: paths.checkpoint_files(bench, w.method),
        prompts=lambda w: prompts.of_test_set(bench, w.method, w.test_set),
    output:
        record=f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/run.json",
        sr=directory(f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/SR"),
    log:
        f"{RUNS}/logs/restore/{{method}}/{{test_set}}{{part}}.log",
    benchmark:
        f"{RUNS}/logs/restore/{{method}}/{{test_set}}{{part}}.tsv"
    wildcard_constraints:
        method=names(methods.of_kind(bench, settings.VariantMethod, settings.CheckpointMethod)),
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
        runtime=minutes,
    params:
        lr=lambda w: f"{paths.test_set_folder(bench, w.test_set)}/LR",
        progress=f"{RUNS}/restore/{{method}}/{{test_set}}{{part}}/.progress",
        shard=shard_options,
        backbone=lambda w: paths.backbone_folder(bench, methods.backbone(bench, w.method)),
        checkpoint=lambda w: paths.checkpoint(bench, w.method),
        seed=bench.main.seed,
        device=bench.main.device,
        options=methods.restoration_options(bench),
        prompts=lambda w, input: ["--prompts", input.prompts] if input.prompts else [],
    shell:
        f"{LEASE}python -m osediff.restore --input {{params.lr:q}} --output {{output.sr:q}}"
        " --progress {params.progress:q} {params.shard:q}"
        " --checkpoint {params.checkpoint:q} --backbone {params.backbone:q} --seed {params.seed:q}"
        " --device {params.device:q} --threads {threads} {params.options:q} {params.prompts:q}"
        " --record {output.record:q} > {log:q} 2>&1"


# The images and the record of all shards, as one job would have made them.
rule gather_shards:
    input:
        code("osediff.common.shards"),
        records=lambda w: parts(w.test_set, f"{RUNS}/restore/{w.method}/{w.test_set}/shards/{{scatteritem}}/run.json"),
        images=lambda w: parts(w.test_set, f"{RUNS}/restore/{w.method}/{w.test_set}/shards/{{scatteritem}}/SR"),
    output:
        record=f"{RUNS}/restore/{{method}}/{{test_set}}/run.json",
        sr=directory(f"{RUNS}/restore/{{method}}/{{test_set}}/SR"),
    log:
        f"{RUNS}/logs/restore/{{method}}/{{test_set}}.log",
    wildcard_constraints:
        test_set=names(SPLIT),
        method=names(set(bench.methods) - set(methods.of_kind(bench, settings.ImagesMethod, settings.ResultsMethod))),
    conda:
        "../../environment.yml"
    params:
        shards=lambda w, input: [str(Path(record).parent) for record in input.records],
    shell:
        "python -m osediff.common.shards --shards {params.shards:q} --output {output.sr:q} --record {output.record:q} > {log:q} 2>&1"


ruleorder: gather_shards > interpolate
ruleorder: gather_shards > restore
