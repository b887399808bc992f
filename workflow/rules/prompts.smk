# Prompts as data (config/prompts.yaml): weights of the extractors, prompts of test sets and of training streams. Nothing here
# runs where every prompt is empty.
rule prompt_weights:
    input:
        code("osediff.prompts.weights"),
    output:
        "data/prompts/{weights}/manifest.json",
    log:
        "runs/logs/prompts/{weights}.log",
    wildcard_constraints:
        weights=names(bench.prompts.weights),
    conda:
        "../../environment.yml"
    params:
        spec=lambda w: json.dumps(bench.prompts.weights[w.weights].model_dump(exclude_unset=True)),
        folder="data/prompts/{weights}",
        offline="--offline" if bench.main.offline else "",
    shell:
        "python -m osediff.prompts.weights --spec {params.spec:q} --out {params.folder} {params.offline} 2>&1 | tee -i {log}"


rule prompts_of_test_set:
    input:
        code("osediff.prompts.extract"),
        manifest="data/testsets/{test_set}/manifest.json",
        weights=lambda w: prompts.weights_input(bench, w.extractor),
    output:
        f"{RUNS}/prompts/{{extractor}}/{{test_set}}.json",
    log:
        f"{RUNS}/logs/prompts/{{extractor}}/{{test_set}}.log",
    wildcard_constraints:
        extractor=names(list(bench.prompts.extractors)),
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        lr=lambda w: f"{paths.test_set_folder(bench, w.test_set)}/LR",
        scale_factor=lambda w: bench.test_sets[w.test_set].scale_factor,
        side=lambda w: bench.recipe(bench.variants.default).recipe.process_size,
        options=lambda w: prompts.options(bench, w.extractor),
    shell:
        f"{LEASE}python -m osediff.prompts {{params.options:q}} --images {{params.lr:q}} --enlarge {{params.scale_factor}}"
        " --smallest-side {params.side} --out {output} > {log} 2>&1"


# Of every crop that a training will see; variants that see the same crops share the file.
rule prompts_of_training:
    input:
        code("osediff.prompts.extract"),
        photos=lambda w: paths.photo_input(bench, bench.recipe(w.variant, w.base).photos),
        weights=lambda w: prompts.weights_input(bench, prompts.training_extractor(bench, w.variant, w.base)),
    output:
        f"{RUNS}/prompts/train/{{variant}}/{{base}}/{{seed}}.json",
    log:
        f"{RUNS}/logs/prompts/train/{{variant}}/{{base}}/{{seed}}.log",
    conda:
        "../../environment.yml"
    resources:
        gpu=GPU,
    params:
        recipe=lambda w: json.dumps(
            recipes.legacy_recipe(prompts.stream_recipe(bench.recipe(w.variant, w.base).recipe).model_dump())
        ),
        photos=lambda w: paths.photo_folder(bench, bench.recipe(w.variant, w.base).photos),
        image=lambda w: prompts.prompt_config(bench, w.variant, w.base).training.image,
        workers=bench.compute[bench.main.compute].workers,
        options=lambda w: prompts.options(bench, prompts.training_extractor(bench, w.variant, w.base)),
    shell:
        f"{LEASE}python -m osediff.prompts {{params.options:q}} --stream {{params.recipe:q}} --photos {{params.photos:q}}"
        " --image {params.image} --seed {wildcards.seed} --workers {params.workers} --out {output} 2>&1 | tee -i {log}"
