# Prompts as data (config/prompts.yaml): weights of the extractors, prompts of test sets and of training streams. Nothing
# here runs if every prompt is empty.
rule prompt_weights:
    input:
        code("osediff.prompts.weights"),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"prompt_weights/{w.weights}/spec", bench.prompts.weights[w.weights]
        ),
    output:
        "data/prompts/{weights}/manifest.json",
    log:
        "runs/logs/prompts/{weights}.log",
    wildcard_constraints:
        weights=names(bench.prompts.weights),
    conda:
        "../../environment.yml"
    params:
        folder="data/prompts/{weights}",
    shell:
        "python -m osediff.prompts.weights --spec {input.spec:q} --out {params.folder:q} 2>&1 | tee -i {log:q}"


rule prompts_of_test_set:
    input:
        code("osediff.prompts.extract"),
        manifest="data/testsets/{test_set}/manifest.json",
        folders=lambda w: read_folders(w.test_set),
        weights=lambda w: prompts.weights_input(bench, w.extractor),
        spec=lambda w: specs.write_spec(
            bench.specs,
            f"prompts/{w.extractor}/{w.process_size}/{w.test_set}/spec",
            prompts.test_set_spec(bench, w.extractor, w.test_set, int(w.process_size)),
        ),
    output:
        f"{RUNS}/prompts/{{extractor}}/{{process_size}}/{{test_set}}.json",
    log:
        f"{RUNS}/logs/prompts/{{extractor}}/{{process_size}}/{{test_set}}.log",
    wildcard_constraints:
        process_size=r"\d+",
        extractor=names(list(bench.prompts.extractors)),
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        lr=lambda w: f"{paths.test_set_folder(bench, w.test_set)}/LR",
        weights=lambda w: prompts.weights_options(bench, w.extractor),
    shell:
        f"{LEASE}python -m osediff.prompts.extract --spec {{input.spec:q}} --weights {{params.weights:q}}"
        " --images {params.lr:q} --out {output:q} > {log:q} 2>&1"


# The prompts of every crop of a training; variants that are trained on the same crops share the file.
rule prompts_of_training:
    input:
        code("osediff.prompts.extract"),
        photos=lambda w: paths.photo_list(bench.recipe(w.variant, w.base).photos),
        weights=lambda w: prompts.weights_input(bench, prompts.training_extractor(bench, w.variant, w.base)),
        spec=lambda w: specs.write_spec(
            bench.specs,
            f"prompts/train/{w.variant}/{w.base}/{w.seed}/spec",
            prompts.training_spec(bench, w.variant, w.base, int(w.seed)),
        ),
    output:
        f"{RUNS}/prompts/train/{{variant}}/{{base}}/{{seed}}.json",
    log:
        f"{RUNS}/logs/prompts/train/{{variant}}/{{base}}/{{seed}}.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        photos=lambda w: paths.photo_folder(bench, bench.recipe(w.variant, w.base).photos),
        weights=lambda w: prompts.weights_options(bench, prompts.training_extractor(bench, w.variant, w.base)),
    shell:
        f"{LEASE}python -m osediff.prompts.extract --spec {{input.spec:q}} --weights {{params.weights:q}}"
        " --photos {params.photos:q} --photo-list {input.photos:q} --out {output:q} 2>&1 | tee -i {log:q}"
