# The OSEDiff benchmark. Tables and figures are written to results/, intermediate files to runs/ and data/:
#   data/testsets/{test_set}/{HR,LR}/*.png, manifest.json        data/photos/{photo_set}/*.png, manifest.json
#   runs/{preset}/train/{variant}/{base}/{seed}/    runs/{preset}/restore/{method}/{test_set}/    runs/{preset}/evaluate/{method}/
import contextlib
import io
import re
import sys
from pathlib import Path

from snakemake.cli import parse_args
from snakemake.utils import min_version

min_version("9.19")
sys.path.insert(0, workflow.basedir)

from osediff.common.errors import InputError
from workflow.planning import command_line

try:  # the message of Snakemake names neither the file nor the line
    command_line.check_files([Path(workflow.basedir) / "config" / "config.yaml", *workflow.config_settings.configfiles])
except InputError as error:
    sys.exit(f"error: {error}")


configfile: "config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/testsets.smk"
include: "workflow/rules/photos.smk"
include: "workflow/rules/backbone.smk"
include: "workflow/rules/prompts.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/restore.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/ablations.smk"
include: "workflow/rules/complexity.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"


# What takes less time than a scheduler needs to start it, or downloads, runs where Snakemake runs.
localrules:
    ablation,
    ablations,
    agreement,
    all,
    baseline_sources,
    baseline_weights,
    check_test_set,
    compare_published,
    convert_official,
    curves,
    cut_test_set,
    degrade_test_set,
    efficiency,
    efficiency_bars,
    efficiency_steps,
    fetch_backbone,
    fetch_images,
    gather_shards,
    interpolate,
    list_photos,
    loss_weights,
    metric_weights,
    onestep_radar,
    photos,
    plot_visual_comparison,
    prompt_weights,
    protocol,
    published_onestep,
    published_radar,
    radar,
    report,
    statistics,
    table,
    table2,
    take_submission,
    training_cost,
    user_study,


onstart:
    # This lock replaces Snakemake's, which the profiles switch off: it is free again however a run ends.
    try:
        running.enter_context(files.lock(Path(".snakemake/running")))
        for name in ("results", "runs", "data"):  # killed runs leave files that were not complete
            files.sweep(Path(name))
        if not workflow.local_exec:
            jobs = workflow.dag.needrun_jobs()
            cluster.check_partitions(job.resources.get("slurm_partition") for job in jobs if not job.is_local)
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # a full disk, as a rule
        sys.exit(f"error: {error.filename}: {error.strerror}; make room and repeat")
    stops.end_jobs_on_sigterm()


onerror:
    # Snakemake prints much about a failed job, and the job prints one line: print that line last.
    output = "\n".join(Path(name).read_text(errors="replace") for name in log)
    errors = [line for line in output.splitlines() if line.startswith("error: ")]
    print("", *dict.fromkeys(errors + cluster.explain(output, Path.cwd())), sep="\n", file=sys.stderr)


rule all:
    default_target: True
    input:
        expand("results/{table}.{form}", table=bench.main.tables, form=["csv", "md", "tex", "html"]),
        expand("results/{name}", name=["statistics.csv", "pairwise.csv", "ranking.md", "protocol.md"]),
        expand("results/compare_published.{form}", form=["csv", "md"]),
        expand("results/radar_{test_set}.{form}", test_set=bench.main.test_sets, form=["png", "svg"]),
        expand("results/radar_published_{name}.{form}", name=["drealsr", "onestep"], form=["png", "svg"]),
        expand("results/published_onestep.{form}", form=["csv", "md"]),
        expand("results/user_study.{form}", form=["png", "svg"]),
        expand("results/picture_{picture}.png", picture=pictures.active(bench)),
        expand("results/{name}", name=["agreement.png", "agreement.md", "agreement.csv", "critical_difference.png"]),
        "results/report/index.html",


if Path(sys.argv[0]).stem in ("snakemake", "__main__"):
    try:  # the message of Snakemake is several lines, and suggests nothing
        with contextlib.redirect_stderr(io.StringIO()):  # Snakemake has named its profile already
            _, arguments = parse_args(sys.argv[1:])
        command_line.check_targets(arguments.targets, list(workflow.rules))
    except InputError as error:
        sys.exit(f"error: {error}")
