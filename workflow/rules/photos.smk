# Photographs for training, as 8-bit RGB PNG. Only manifest.json and their list are declared, which are written last, so
# Snakemake keeps the photographs when a download is stopped, and it continues.
rule photos:
    input:
        code("benchmark.data.photographs"),
        code("osediff.data.photo_list"),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"photos/{w.photo_set}/spec", specs.photo_set_spec(bench, w.photo_set)
        ),
        images=lambda w: paths.photo_files(bench, w.photo_set),
    output:
        manifest="data/photos/{photo_set}/manifest.json",
        listed="data/photos/{photo_set}.csv",
    log:
        "runs/logs/photos/{photo_set}.log",
    wildcard_constraints:
        photo_set=names([name for name, entry in bench.photos.items() if not entry.manual_source]),
    conda:
        "../../environment.yml"
    params:
        folder="data/photos/{photo_set}",
    shell:
        "(python -m benchmark.data.photographs --spec {input.spec:q} --out {params.folder:q}"
        " && python -m osediff.data.photo_list --photos {params.folder:q} --out {output.listed:q}) > {log:q} 2>&1"


# The list of photographs that a person provides: each is read once, before a training holds a GPU.
rule list_photos:
    input:
        code("osediff.data.photo_list"),
        photos=lambda w: paths.photo_input(bench, w.photo_set),
    output:
        "data/photos/{photo_set}.csv",
    log:
        "runs/logs/list_photos/{photo_set}.log",
    wildcard_constraints:
        photo_set=names([name for name, entry in bench.photos.items() if entry.manual_source]),
    conda:
        "../../environment.yml"
    threads: CORES
    params:
        folder=lambda w: paths.photo_folder(bench, w.photo_set),
        pairs=lambda w: ["--pairs", bench.photos[w.photo_set].pairs] if bench.photos[w.photo_set].pairs else [],
    shell:
        "python -m osediff.data.photo_list --photos {params.folder:q} --out {output:q} {params.pairs:q}"
        " --threads {threads} 2>&1 | tee -i {log:q}"
