# Figures: radar charts, from tables alone, the published user study, and pictures that show restored images side by side.
PICTURE_SPECS = {
    name: specs.write_spec(bench.specs, f"plot_visual_comparison/{name}", pictures.picture_spec(bench, name))
    for name in pictures.drawable(bench)
}


rule radar:
    input:
        code("benchmark.figures.radar"),
        "config/metrics.yaml",
        table=lambda w: f"results/{methods.table_of_test_set(bench, w.test_set)}.csv",
    output:
        png=report(
            "results/radar_{test_set}.png",
            caption="../report/radar.rst",
            category="Figures",
            labels={"figure": "radar", "of": "{test_set}"},
        ),
        svg="results/radar_{test_set}.svg",
    log:
        f"{RUNS}/logs/radar/{{test_set}}.log",
    conda:
        "../../environment.yml"
    params:
        title=lambda w: bench.test_sets[w.test_set].title,
    shell:
        "python -m benchmark.figures.radar measured --table {input.table:q} --test-set {wildcards.test_set:q}"
        " --title {params.title:q} --out results/radar_{wildcards.test_set:q} > {log:q} 2>&1"


rule published_radar:
    input:
        code("benchmark.figures.radar"),
        "config/metrics.yaml",
        published="config/published/osediff.csv",
    output:
        png=report(
            "results/radar_published_drealsr.png",
            caption="../report/radar.rst",
            category="Figures",
            labels={"figure": "radar", "of": "published, DrealSR"},
        ),
        svg="results/radar_published_drealsr.svg",
    log:
        "runs/logs/radar_published_drealsr.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.radar published --published {input.published:q} --test-set drealsr"
        " --title DrealSR --out results/radar_published_drealsr > {log:q} 2>&1"


# The methods of one step with public weights of which every metric is published on RealSR.
rule onestep_radar:
    input:
        code("benchmark.figures.radar"),
        "config/metrics.yaml",
        table="results/published_onestep.csv",
    output:
        png=report(
            "results/radar_published_onestep.png",
            caption="../report/radar.rst",
            category="Figures",
            labels={"figure": "radar", "of": "published, one step"},
        ),
        svg="results/radar_published_onestep.svg",
    log:
        "runs/logs/radar_published_onestep.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.radar onestep --table {input.table:q} --test-set realsr --title 'One-step methods, RealSR'"
        " --methods OSEDiff PiSA-SR S3Diff TSD-SR AdcSR InvSR CTMSR RSD --out results/radar_published_onestep > {log:q} 2>&1"


rule user_study:
    input:
        code("benchmark.figures.user_study"),
        "config/metrics.yaml",
        published="config/published/user-study.csv",
    output:
        png=report(
            "results/user_study.png",
            caption="../report/user_study.rst",
            category="Figures",
            labels={"figure": "user study", "of": "published"},
        ),
        svg="results/user_study.svg",
    log:
        "runs/logs/user_study.log",
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.user_study --published {input.published:q} --out results/user_study > {log:q} 2>&1"


rule plot_visual_comparison:
    input:
        code("benchmark.figures.visual_comparison"),
        "config/metrics.yaml",
        spec=lambda w: PICTURE_SPECS[w.picture],
        rows=lambda w: pictures.evaluations(bench, w.picture),
        folders=lambda w: [
            path
            for data in pictures.test_sets(bench, w.picture)
            for path in read_folders(data, pictures.titles(bench, w.picture))
        ],
    output:
        report(
            "results/picture_{picture}.png",
            caption="../report/picture.rst",
            category="Figures",
            labels={"figure": "images", "of": "{picture}"},
        ),
    log:
        f"{RUNS}/logs/picture/{{picture}}.log",
    wildcard_constraints:
        picture=names(pictures.drawable(bench)),
    conda:
        "../../environment.yml"
    shell:
        "python -m benchmark.figures.visual_comparison --spec {input.spec:q} --out {output:q} > {log:q} 2>&1"
