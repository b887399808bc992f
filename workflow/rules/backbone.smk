# Train the small backbone of backbones/demo again. This takes an hour on a CPU and runs only if it is a target. Its state
# beside the output is not declared, so Snakemake keeps it when the job is killed, and the job continues. It has two
# processes of one thread, since the weights depend on their number.
rule train_demo_backbone:
    input:
        code("osediff.demo_backbone.train"),
        photos=lambda w: paths.photo_input(bench, bench.backbones[w.backbone].photos),
        weights=paths.LOSS_WEIGHTS.format(network="lpips-vgg"),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"train_demo_backbone/{w.backbone}/spec", profiling.demo_training(bench, w.backbone)
        ),
    output:
        directory("runs/demo/backbones/{backbone}"),
    log:
        "runs/demo/logs/backbone/{backbone}.log",
    wildcard_constraints:
        backbone=names([name for name, entry in bench.backbones.items() if entry.recipe]),
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        gpu=GPU,
    params:
        photos=lambda w: paths.photo_folder(bench, bench.backbones[w.backbone].photos),
        device=bench.main.device,
    shell:
        f"OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive {LEASE}torchrun --standalone --nproc_per_node 2"
        " -m osediff.demo_backbone.train --photos {params.photos:q}"
        " --spec {input.spec:q} --out {output:q} --device {params.device:q} 2>&1 | tee -i {log:q}"


# A pretrained backbone from the first mirror that has it, or one with random weights (only if it is a target). The files
# beside the manifest are not declared, so Snakemake keeps them when a download is stopped, and it continues.
rule fetch_backbone:
    input:
        code("osediff.models.fetch_backbone"),
        spec=lambda w: specs.write_spec(specs.SHARED, f"fetch_backbone/{w.backbone}/spec", bench.backbones[w.backbone]),
    output:
        "data/backbones/{backbone}/manifest.json",
    log:
        "runs/logs/backbone/{backbone}.log",
    wildcard_constraints:
        backbone=names([name for name, entry in bench.backbones.items() if entry.download or entry.random]),
    conda:
        "../../environment.yml"
    params:
        folder="data/backbones/{backbone}",
    shell:
        "python -m osediff.models.fetch_backbone --spec {input.spec:q} --out {params.folder:q} 2>&1 | tee -i {log:q}"
