import os
from contextlib import ExitStack
from pathlib import Path

from workflow.planning import (
    ablations,
    checks,
    cluster,
    deployment,
    loader,
    methods,
    paths,
    pictures,
    profiling,
    prompts,
    report_page,
    settings,
    shards,
    specs,
    stops,
)
from workflow.planning import imports as sources
from benchmark.metrics import feature_store
from snakemake.settings.types import DeploymentMethod
from osediff.common import files
from osediff.common.artifacts import offline
from osediff.training import gpu_memory
from osediff.common.validation import check_room, check_writable
from osediff.common.errors import InputError

ROOT = Path(workflow.basedir)

try:
    bench = loader.load(config, ROOT, texts=workflow.config_settings.config)
    checks.check_folders(bench)
    shards.check(bench)
    in_container = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
    deployment.check_container(bench.main.container, in_container)
    check_writable([Path(name) for name in ("results", "runs", "data")])
    for folder in (".snakemake", "runs"):  # what a plan writes; Snakemake would print tracebacks, and even go on
        check_room(Path(folder))
except InputError as error:
    sys.exit(f"error: {error}")


if bench.main.container:

    container: bench.main.container


running = ExitStack()  # holds the lock until this process ends
RUNS = bench.runs
PUBLISHED = sorted(map(str, Path("config/published").glob("*.csv")))
PUBLISHED_ONESTEP = sorted(map(str, Path("config/published/onestep").glob("*.csv")))
# The number of cores; it is not known if a cluster runs the jobs.
CORES = workflow.resource_settings.cores or 8
GPU = int(bench.main.device == "cuda")
# Prefix of a command that needs a GPU: Snakemake counts devices, but does not assign them.
LEASE = "python -m osediff.common.gpu_lease -- " if GPU else ""
# If offline, jobs download nothing. This is an environment variable, since a changed option of a rule runs the rule again.
if bench.main.offline:
    os.environ[offline.VARIABLE] = "1"
# Libraries never fetch: what comes from outside is fetched by the suite's own commands.
os.environ |= {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
# A training compares the memory of its GPU with that of the chosen entry, and names entries that would do.
os.environ[gpu_memory.VARIABLE] = gpu_memory.describe_choices(bench.main.compute, specs.gpu_memory(bench))
# Another environment variable: no value depends on it, so a change runs nothing again.
os.environ[feature_store.VARIABLE] = str(bench.main.hr_features)
# Print progress only every few seconds, since most of it is written to log files.
os.environ.setdefault("TQDM_MININTERVAL", "5")
# Let waiting threads sleep: by default they spin, and then training takes ten times as long on a shared machine.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


scattergather:
    **shards.counts(bench),


def parts(test_set, pattern):
    """A file of every shard of a test set, by its pattern with {scatteritem}; no file if it is not split."""
    files = getattr(gather, test_set)(pattern)
    return files if len(files) > 1 else []


SPLIT = [name for name in bench.test_sets if parts(name, "{scatteritem}")]


def shard_options(wildcards):
    """The option of a job that restores a shard; `part` of its paths is empty if the test set is not split."""
    return ["--shard", Path(wildcards.part).name] if wildcards.part else []


def minutes(wildcards):
    """For how long a job that restores asks a scheduler."""
    jobs = int(wildcards.part.rpartition("-")[2]) if wildcards.part else 1
    return shards.minutes(bench, wildcards.method, wildcards.test_set, jobs)


def read_folders(test_set, restored_by=()):
    """Folders of images that a job reads, of a test set and of methods: declared, so that a cluster can move them.

    A manifest or a record beside them says whether they changed, so their times do not count.
    """
    folders = [folder for method in restored_by for folder in paths.restored_folders(bench, method, test_set)]
    return ancient(paths.test_set_folders(bench, test_set) + folders)


def code(module):
    """The checksums of the source files that `python -m module` depends on: an edit of any of them runs the rule again."""
    return sources.write_checksums(ROOT, module)


def names(choices):
    """A wildcard constraint that matches these names only."""
    return "|".join(map(re.escape, choices)) or "(?!)"


def environment_of(baseline):
    """The conda environment of a baseline: its own, or the one of all rules."""
    name = bench.baselines[baseline].runs.environment
    return "../../environment.yml" if name == "main" else f"../../baselines/{baseline}/{name}"


wildcard_constraints:
    test_set=names(bench.test_sets),
    photo_set=names(bench.photos),
    variant=names(bench.variants.variants),
    base=names({bench.main.recipe_base, bench.main.ablation_base}),
    seed=r"\d+",
    method=names(bench.methods),
    table=names(bench.tables),
    ablation=names(ablations.active(bench)),
    backbone=names(bench.backbones),
    part=r"(/shards/\d+-of-\d+)?",


def code_of(modules):
    """The checksums of the source files that these modules depend on."""
    return list(map(code, modules))
