# Photographs for training, as 8-bit RGB PNG. Only manifest.json is declared, which is written last, so Snakemake keeps the
# photographs when a download is stopped, and it continues.
rule photos:
    input:
        code("benchmark.data.photographs"),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"photos/{w.photo_set}/spec", specs.photo_set_spec(bench, w.photo_set)
        ),
        images=lambda w: paths.photo_files(bench, w.photo_set),
    output:
        "data/photos/{photo_set}/manifest.json",
    log:
        "runs/logs/photos/{photo_set}.log",
    wildcard_constraints:
        photo_set=names([name for name, entry in bench.photos.items() if not entry.manual_source]),
    conda:
        "../../environment.yml"
    params:
        folder="data/photos/{photo_set}",
    shell:
        "python -m benchmark.data.photographs --spec {input.spec:q} --out {params.folder:q} > {log:q} 2>&1"
