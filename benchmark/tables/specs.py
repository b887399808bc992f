"""Typed settings of tables, statistics and figures. They import nothing heavy, so that planning can build them."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from osediff.common.settings import Positive, Settings, Text

Preset = Literal["demo", "reproduce", "paper"]
PRESETS: dict[Preset, str] = {
    "demo": "Demo results: a small model, trained for minutes on a few photographs; "
    "not comparable with published numbers.",
    "reproduce": "Reproduce preset: those numbers of the paper that need no GPU, measured here, not copied.",
    "paper": "Paper preset: measured here, not copied from a publication.",
}
Count = Annotated[int, Field(ge=0)]


class ShownMethod(Settings):
    """A method as tables show it.

    ``published`` is its name in published tables, if that is not its title. ``weights`` describes its weights, if they
    are not the published ones.
    """

    title: Text
    steps: Count
    published: Text | None = None
    weights: Literal["other", "random"] | None = None

    @property
    def published_name(self) -> str:
        """Name of the method in published tables."""
        return self.published or self.title


class ShownTestSet(Settings):
    """A test set as tables show it, with its number of images if that is known."""

    title: Text
    images: Annotated[int, Field(ge=1)] | None = None


class ComparisonSpec(Settings):
    """Spec of benchmark.statistics.pairwise and benchmark.tables.published: the methods and test sets to compare."""

    preset: Preset
    metrics: tuple[Text, ...]
    methods: dict[str, ShownMethod]
    test_sets: dict[str, ShownTestSet]
    trainings: tuple[Text, ...] = ()
    """Titles of the methods that this suite trained, each once."""

    @model_validator(mode="after")
    def _check_titles(self) -> ComparisonSpec:
        titles = [method.title for method in self.methods.values()]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"two methods have the title {twice[0]}; their rows would look alike")
        return self


class QualitySpec(ComparisonSpec):
    """Spec of benchmark.tables.quality.

    ``published`` names the table whose published rows are added. ``titles`` are titles of test sets that have only
    published rows.
    """

    title: Text
    caption: Text
    published: Text | None = None
    titles: dict[str, Text] = Field({})


class AblationRow(Settings):
    """One variant of an ablation: its runs, one method for each seed, and its published values.

    ``prompts``: prompt files whose extraction time is shown. ``published_remark``: a statement of the paper in words.
    """

    title: Text
    runs: tuple[Text, ...] = Field(min_length=1)
    prompts: tuple[Text, ...] = ()
    published: str = ""
    published_remark: str = ""


class AblationSpec(Settings):
    """Spec of benchmark.tables.ablation."""

    name: Text
    preset: Preset
    title: Text
    note: str = ""
    test_set: Text
    test_set_title: Text
    published_test_set: str = ""
    metrics: tuple[Text, ...]
    default: Text
    remarks: tuple[str, ...] = ()
    extraction: bool = False
    rows: dict[str, AblationRow]

    @property
    def seeds(self) -> int:
        """The largest number of runs of a variant."""
        return max(len(row.runs) for row in self.rows.values())


class CurvesSpec(Settings):
    """Spec of benchmark.figures.curves: the training logs of each row, one per seed."""

    preset: Preset
    title: Text
    default: Text
    rows: dict[str, tuple[Text, ...]]


class StepCost(Settings):
    """Cost of a training step, measured or estimated: an entry of config/training_cost.yaml."""

    seconds_per_step: Positive
    device: Text
    devices: Annotated[int, Field(ge=1)]
    """Devices that work on one step together."""
    source: Text


class PlannedAblation(Settings):
    """An ablation in the plan: its number of rows and the trainings that it needs."""

    title: Text
    rows: Count
    trainings: tuple[Text, ...]


class PlannedImages(Settings):
    """Work beside the trainings: images of a baseline or of an extractor, at a published time for each."""

    title: Text
    images: Count
    method: Text
    """Its name in config/published."""
    metric: Literal["seconds", "extraction-seconds"]


class TrainingCostSpec(Settings):
    """Spec of benchmark.tables.training_cost."""

    preset: Preset
    seeds: tuple[Count, ...]
    steps: Annotated[int, Field(ge=1)]
    cost: StepCost
    ablations: tuple[PlannedAblation, ...]
    restorations: tuple[PlannedImages, ...] = ()
    """All test sets by each active baseline."""
    extractions: tuple[PlannedImages, ...] = ()
    """Prompts of each stream of training crops."""
