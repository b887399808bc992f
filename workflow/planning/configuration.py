"""The configuration as planning uses it: typed and frozen. ``workflow.planning.loader`` reads it."""

from __future__ import annotations

from dataclasses import dataclass

from baselines.runner.descriptor import Descriptor
from benchmark.complexity.specs import ComplexityEntry, ScalingEntry
from benchmark.data.settings import PhotoSet, TestSet
from benchmark.metrics.registry import MetricRegistry
from benchmark.tables.specs import StepCost
from osediff.data.degradation_recipe import Degradation
from osediff.models.settings import Backbone
from osediff.prompts.settings import PromptRegistry
from workflow.planning.recipes import Variant
from workflow.planning.settings import (
    Ablation,
    ComputeEntry,
    MainConfig,
    Method,
    Picture,
    Table,
    VariantRegistry,
)


@dataclass(frozen=True)
class Configuration:
    """The checked content of config/, and the descriptors of the baselines. Paths are relative to the repository."""

    main: MainConfig
    methods: dict[str, Method]
    """The methods of config/methods.yaml, every baseline, and the runs of the ablations."""
    variants: VariantRegistry
    recipes: dict[tuple[str, str], Variant]
    """Recipes by variant and base, for the two bases of the main file."""
    test_sets: dict[str, TestSet]
    photos: dict[str, PhotoSet]
    degradations: dict[str, Degradation]
    backbones: dict[str, Backbone]
    metrics: MetricRegistry
    tables: dict[str, Table]
    pictures: dict[str, Picture]
    ablations: dict[str, Ablation]
    training_cost: dict[str, StepCost]
    compute: dict[str, ComputeEntry]
    complexity: dict[str, ComplexityEntry]
    scaling: dict[str, ScalingEntry]
    prompts: PromptRegistry
    baselines: dict[str, Descriptor]

    @property
    def runs(self) -> str:
        """Folder of the active preset's intermediate files."""
        return f"runs/{self.main.preset}"

    @property
    def specs(self) -> str:
        """Folder of the active preset's spec files."""
        return f"{self.runs}/specs"

    def recipe(self, variant: str, base: str | None = None) -> Variant:
        """Return the variant on a base of the main file; on the base of Table 1 if none is given."""
        return self.recipes[variant, base or self.main.recipe_base]
