# One checkpoint per variant, base and seed. The training state lies in state/ beside it, undeclared, so that a killed job continues.
rule train:
    input:
        code("osediff.train"),
        photos=lambda w: bench.photo_input(bench.variant(w.variant, w.base)["photos"]),
        backbone=lambda w: bench.backbone_input(bench.variant(w.variant, w.base)["backbone"]),
    output:
        adapters=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/adapters.safetensors",
        recipe=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/recipe.json",
        log=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/log.jsonl",
        provenance=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}/provenance.json",
    log:
        f"{RUNS}/logs/train/{{variant}}/{{base}}/{{seed}}.log",
    benchmark:
        f"{RUNS}/logs/train/{{variant}}/{{base}}/{{seed}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=GPU,
    params:
        recipe=lambda w: json.dumps(bench.training(w.variant, w.base)),
        photos=lambda w: bench.photo_folder(bench.variant(w.variant, w.base)["photos"]),
        backbone=lambda w: bench.backbone_folder(bench.variant(w.variant, w.base)["backbone"]),
        out=f"{RUNS}/train/{{variant}}/{{base}}/{{seed}}",
        device=bench.main["device"],
        # Fixed, since the weights depend on it. The demo's small networks gain nothing from a second thread.
        threads=1,
    shell:
        f"{LEASE}python -m osediff.train --recipe {{params.recipe:q}} --photos {{params.photos:q}}"
        " --backbone {params.backbone:q} --out {params.out} --seed {wildcards.seed} --device {params.device}"
        " --threads {params.threads} 2>&1 | tee -i {log}"
