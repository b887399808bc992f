# Test sets: LR/HR pairs and a manifest. The demo's test sets are cut from photographs and degraded. Others are in a folder,
# or fetched into a folder, which is not declared, so Snakemake keeps it when a job is killed, and the rerun continues.

CUT = [name for name, entry in bench.test_sets.items() if entry.kind == "photos"]


rule cut_test_set:
    input:
        code("benchmark.data.testsets"),
        photos=lambda w: paths.cut_photos(bench, w.test_set),
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"cut_test_set/{w.test_set}/spec", bench.test_sets[w.test_set].cut
        ),
    output:
        directory("data/testsets/{test_set}/HR"),
    log:
        "runs/logs/cut_test_set/{test_set}.log",
    wildcard_constraints:
        test_set=names(CUT),
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.data.testsets cut --spec {input.spec:q} --out {output:q} > {log:q} 2>&1"


rule degrade_test_set:
    input:
        code("osediff.data.degradation"),
        hr="data/testsets/{test_set}/HR",
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"degrade_test_set/{w.test_set}/spec", specs.degradation_spec(bench, w.test_set)
        ),
    output:
        directory("data/testsets/{test_set}/LR"),
    log:
        "runs/logs/degrade_test_set/{test_set}.log",
    wildcard_constraints:
        test_set=names(CUT),
    conda:
        "../../environment.yml"
    shell:
        "python -m osediff.data.degradation --spec {input.spec:q} --input {input.hr:q} --output {output:q} > {log:q} 2>&1"


rule check_test_set:
    input:
        code("benchmark.data.testsets"),
        images=lambda w: paths.test_set_input(bench, w.test_set),
        checksums=lambda w: specs.test_set_check(bench, w.test_set).checksums or [],
        spec=lambda w: specs.write_spec(
            specs.SHARED, f"check_test_set/{w.test_set}/spec", specs.test_set_check(bench, w.test_set)
        ),
    output:
        "data/testsets/{test_set}/manifest.json",
    log:
        "runs/logs/check_test_set/{test_set}.log",
    conda:
        "../../environment.yml"
    params:
        folder=lambda w: paths.test_set_folder(bench, w.test_set),
        hr=lambda w: (
            ["--hr", f"{paths.test_set_folder(bench, w.test_set)}/HR"] if bench.test_sets[w.test_set].reference else []
        ),
    shell:
        "python -m benchmark.data.testsets manifest --spec {input.spec:q} --lr {params.folder:q}/LR {params.hr:q}"
        " --out {output:q} > {log:q} 2>&1"
