# A checkpoint for each variant, base and seed. state/, samples/ and tensorboard/ beside it are not declared, so Snakemake
# keeps them when a job is killed, and the training continues. A training that diverges is a result: outcome.json says so.
COMPUTE = bench.compute[bench.main.compute]
# One process is started by Python; several processes are started by torchrun and share the devices of the lease.
PROCESSES = COMPUTE.processes
TRAIN_LEASE = LEASE.replace(" -- ", f" --gpus {PROCESSES} -- ")
LAUNCH = "python" if PROCESSES == 1 else f"torchrun --standalone --nproc_per_node {PROCESSES}"


rule train:
    input:
        code("osediff.train"),
        photos=lambda w: paths.photo_list(bench.recipe(w.variant, w.base).photos),
        backbone=lambda w: paths.backbone_input(bench, bench.recipe(w.variant, w.base).backbone),
        prompts=lambda w: prompts.of_training(bench, w.variant, w.base, w.seed),
        weights=lambda w: ancient(paths.loss_weights(bench, w.variant, w.base)),  # brought again, they are the same files
        spec=lambda w: specs.write_spec(
            bench.specs,
            f"train/{w.variant}/{w.base}/{w.seed}/spec",
            specs.training_spec(bench, w.variant, w.base, int(w.seed)),
        ),
    output:
        adapters=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/adapters.safetensors",
        recipe=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/recipe.json",
        log=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/log.jsonl",
        provenance=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/provenance.json",
        outcome=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/outcome.json",
    log:
        f"{RUNS}/logs/train/{{variant}}/{{base}}/{{seed}}.log",
    benchmark:
        f"{RUNS}/logs/train/{{variant}}/{{base}}/{{seed}}.tsv"
    conda:
        "../../environment.yml"
    threads: PROCESSES
    resources:
        gpu=GPU * PROCESSES,
        cpus_per_task=PROCESSES * (COMPUTE.workers + 2),  # for a scheduler: those that load data, and the training
    params:
        photos=lambda w: paths.photo_folder(bench, bench.recipe(w.variant, w.base).photos),
        backbone=lambda w: paths.backbone_folder(bench, bench.recipe(w.variant, w.base).backbone),
        out=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}",
        prompts=lambda w, input: ["--prompts", input.prompts] if input.prompts else [],
    # After an edit of the variant, a saved state of the old settings is set aside and not deleted.
    shell:
        f"{TRAIN_LEASE}{LAUNCH} -m osediff.train --spec {{input.spec:q}} --photos {{params.photos:q}}"
        " --photo-list {input.photos:q} --backbone {params.backbone:q} --out {params.out:q} {params.prompts:q}"
        " --divergence record --restart if-changed 2>&1 | tee -i {log:q}"


# A network that the loss of a training needs. Metrics use the network of lpips-vgg too, and fetch it if they can.
rule loss_weights:
    output:
        paths.LOSS_WEIGHTS,
    log:
        "runs/logs/loss_weights/{network}.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m osediff.common.artifacts fetch metric-weights loss-weights --only {wildcards.network:q}"
        " --record {output:q} 2>&1 | tee -i {log:q}"
