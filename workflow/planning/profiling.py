"""The specs of Table 2, scaling and roofline."""

from __future__ import annotations

from pathlib import Path

from benchmark.complexity.specs import (
    ComplexityEntry,
    CountSpec,
    Options,
    RooflineSpec,
    ScalingEntry,
    ScalingSpec,
    Table2Spec,
    TimingChoice,
    TimingProtocol,
    TimingSpec,
    entry_options,
)
from osediff.common.settings import parse_each
from osediff.common.validation import check_name, read_yaml
from osediff.models.settings import DemoBackboneSpec
from workflow.planning.configuration import Configuration
from workflow.planning.paths import baseline_input

BASELINE_MODULES = "baselines.runner.profiling:baseline_modules"
BASELINE_RUN = "baselines.runner.profiling:baseline_run"


def timing_protocols(bench: Configuration) -> dict[str, TimingProtocol]:
    """Return the protocols of config/timing.yaml by name."""
    return parse_each(read_yaml(Path("config/timing.yaml")), TimingProtocol, "config/timing.yaml")


def timing_choice(bench: Configuration) -> TimingChoice:
    """Return ``timing`` of the main file; InputError for an unknown model or protocol."""
    choice = bench.main.timing
    protocols = timing_protocols(bench)
    for model in choice.models:
        check_name("entry of config/complexity.yaml", model, bench.complexity, "configuration: timing.models")
    for protocol in choice.protocols:
        check_name("protocol of config/timing.yaml", protocol, protocols, "configuration: timing.protocols")
    return choice


def active_baselines(bench: Configuration) -> list[str]:
    """Return the active methods that are baselines."""
    return [name for name in bench.main.methods if name in bench.baselines]


def countable_baselines(bench: Configuration) -> list[str]:
    """Return the active baselines whose code is here, so that their networks can be counted."""
    root = Path(bench.main.baselines.sources)
    sources = {name: bench.baselines[name].source for name in active_baselines(bench)}
    return [name for name, source in sources.items() if not source.checkout or (root / source.folder / ".git").exists()]


def runnable_baselines(bench: Configuration) -> list[str]:
    """Return the active baselines whose code and weights are all here, so that they can be timed."""
    files = {name: len(entry.files) + entry.source.checkout for name, entry in bench.baselines.items()}
    return [name for name in active_baselines(bench) if len(baseline_input(bench, name)) == files[name]]


def counted_code(bench: Configuration, model: str) -> list[str]:
    """Return the Python modules outside the benchmark that build the networks of ``model``."""
    if model in bench.baselines:
        return [BASELINE_MODULES.split(":")[0], bench.baselines[model].runs.entry.split(":")[0]]
    return [bench.complexity[model].modules.split(":")[0]]


def timed_code(bench: Configuration, model: str) -> list[str]:
    """Return the Python modules outside the benchmark that decide a timed run of ``model``."""
    if model in bench.baselines:
        return counted_code(bench, model)
    return [bench.complexity[model].pipeline.split(":")[0]]


def entry_files(bench: Configuration, model: str) -> list[str]:
    """Return the other files that decide the cost of ``model``."""
    return [f"baselines/{model}/descriptor.yaml"] if model in bench.baselines else []


def _options(bench: Configuration, entry: ComplexityEntry) -> Options:
    backbone = bench.backbones[entry.backbone]
    return entry_options(
        entry, backbone.folder, backbone.random.sizes.model_dump(mode="json") if backbone.random else None
    )


def count_spec(bench: Configuration, model: str) -> CountSpec:
    """Return the spec of ``benchmark.complexity.flops`` for an entry of config/complexity.yaml, or for a baseline."""
    if model in bench.baselines:
        about = bench.baselines[model]
        return CountSpec(
            title=about.title,
            steps=about.steps,
            size=timing_choice(bench).size,
            modules=BASELINE_MODULES,
            options={"baseline": model, "sources": bench.main.baselines.sources},
            lora=False,
            contain=True,
        )
    entry = bench.complexity[model]
    return CountSpec(
        title=entry.title,
        steps=entry.steps,
        size=entry.size,
        modules=entry.modules,
        options=_options(bench, entry),
        lora=True,
        contain=False,
    )


def timed_files(bench: Configuration) -> list[str]:
    """Return the records of benchmark.complexity.timing that are inputs of Table 2."""
    choice, protocols = timing_choice(bench), timing_protocols(bench)
    files = [f"{protocol}/{model}" for model in choice.models for protocol in choice.protocols]
    if choice.baselines:
        # The code of other people is timed unchanged.
        as_it_is = [protocol for protocol in choice.protocols if not protocols[protocol].compile]
        files += [f"{protocol}/{name}" for name in runnable_baselines(bench) for protocol in as_it_is]
    return [f"{bench.runs}/timing/{file}.json" for file in files]


def timing_spec(bench: Configuration, protocol: str, model: str) -> TimingSpec:
    """Return the spec of ``benchmark.complexity.timing`` for an entry of config/complexity.yaml, or for a baseline."""
    choice, settings = timing_choice(bench), timing_protocols(bench)[protocol]
    if model in bench.baselines:
        sources = bench.main.baselines.sources
        weights = bench.main.baselines.weights.get(model, "official")
        return TimingSpec(
            title=bench.methods[model].title,
            steps=bench.methods[model].steps,
            size=choice.size,
            pipeline=BASELINE_RUN,
            options={"baseline": model, "sources": sources, "weights": weights},
            protocol=protocol,
            settings=settings,
            precision=None,
            contain=True,
        )
    entry = bench.complexity[model]
    if choice.precision:
        settings = settings.model_copy(update={"precision": choice.precision})
    return TimingSpec(
        title=entry.title,
        steps=entry.steps,
        size=choice.size,
        pipeline=entry.pipeline,
        options=_options(bench, entry),
        protocol=protocol,
        settings=settings,
        precision=settings.precision,
        contain=False,
    )


def scaling_entry(bench: Configuration) -> ScalingEntry:
    """Return the active preset's entry of config/scaling.yaml."""
    return bench.scaling[bench.main.preset]


def scaling_spec(bench: Configuration) -> ScalingSpec:
    """Return the spec of ``benchmark.complexity.scaling`` at the active preset."""
    scaling = scaling_entry(bench)
    entry = bench.complexity[scaling.model]
    return ScalingSpec(
        title=entry.title,
        steps=entry.steps,
        pipeline=entry.pipeline,
        options=_options(bench, entry),
        settings=timing_protocols(bench)["scaling"].model_copy(update={"precision": scaling.precision}),
        sizes=scaling.sizes,
        batches=scaling.batches,
        batch_size=scaling.batch_size,
        limit=scaling.limit,
    )


def roofline_spec(bench: Configuration) -> RooflineSpec:
    """Return the spec of ``benchmark.complexity.roofline`` at the active preset."""
    scaling = scaling_entry(bench)
    entry = bench.complexity[scaling.model]
    return RooflineSpec(
        title=entry.title,
        size=entry.size,
        modules=entry.modules,
        options=_options(bench, entry),
        precision=scaling.precision,
    )


def table2_spec(bench: Configuration) -> Table2Spec:
    """Return the spec of ``benchmark.tables.complexity``: interpretations of published figures."""
    entries = bench.complexity.values()
    return Table2Spec(interpretations={entry.title: entry.published_interpretation for entry in entries})


def efficiency_axis(bench: Configuration) -> str:
    """Return the vertical axis of the efficiency figure: the demo's quality does not compare with published values."""
    return "quality" if bench.main.preset == "paper" else "parameters"


def demo_training(bench: Configuration, name: str) -> DemoBackboneSpec:
    """Return what ``osediff.demo_backbone.train`` trains a backbone by."""
    recipe = bench.backbones[name].recipe
    assert recipe is not None
    return DemoBackboneSpec(recipe=recipe, degradation=bench.degradations[recipe.degradation])
