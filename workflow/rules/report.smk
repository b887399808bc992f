# The interactive page of a run. Its images are beside it and not declared, so that they are not made again each time.


rule report:
    input:
        code("benchmark.report.__main__"),
        report_page.page_files(),
        "config/metrics.yaml",
        spec=specs.write_spec(bench.specs, "report", report_page.spec(bench)),
        rows=expand(
            f"{RUNS}/evaluate/{{method}}/{{test_set}}.csv",
            method=methods.compared(bench),
            test_set=bench.main.test_sets,
        ),
        manifests=expand("data/testsets/{test_set}/manifest.json", test_set=bench.main.test_sets),
        folders=[path for name in bench.main.test_sets for path in read_folders(name, methods.compared(bench))],
        trainings=report_page.training_files(bench),
        statistics="results/statistics.csv",
        pairs="results/pairwise.csv",
        compared="results/compare_published.csv",
        agreement="results/agreement.csv",
        figures=["results/agreement.png", "results/critical_difference.png"],
        published=[*PUBLISHED, *PUBLISHED_ONESTEP],
    output:
        "results/report/index.html",
    log:
        f"{RUNS}/logs/report.log",
    conda:
        "../../environment.yml"
    params:
        out=lambda w, output: str(Path(output[0]).parent),
    shell:
        "python -m benchmark.report build --spec {input.spec:q} --rows {input.rows:q} --statistics {input.statistics:q}"
        " --pairs {input.pairs:q} --compared {input.compared:q} --agreement {input.agreement:q} --figures {input.figures:q}"
        " --published {input.published:q} --out {params.out:q} > {log:q} 2>&1"
