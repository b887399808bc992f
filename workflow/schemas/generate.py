"""Generate the JSON Schemas of the configuration files, for editors, from the typed models.

    python -m workflow.schemas.generate

Every YAML file names its schema in a comment at its head, so that an editor completes keys and marks mistakes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from baselines.runner.descriptor import Descriptor
from benchmark.complexity.specs import ComplexityEntry, ScalingEntry, TimingProtocol
from benchmark.data.settings import PhotoSet, TestSet
from benchmark.metrics.registry import MetricRegistry
from benchmark.tables.specs import StepCost
from osediff.common.artifacts.model import Artifact
from osediff.common.errors import run
from osediff.common.files import write_json
from osediff.data.degradation_recipe import Degradation
from osediff.models.settings import Backbone
from osediff.prompts.settings import PromptRegistry
from osediff.recipe import Recipe
from workflow.planning import settings

FOLDER = Path(__file__).parent
Schema = dict[str, Any]

REGISTRIES: dict[str, Any] = {
    "methods": settings.MethodEntry,
    "testsets": TestSet,
    "photos": PhotoSet,
    "degradations": Degradation,
    "backbones": Backbone,
    "tables": settings.Table,
    "pictures": settings.Picture,
    "ablations": settings.Ablation,
    "training_cost": StepCost,
    "compute": settings.ComputeEntry,
    "loss_weights": Artifact,
    "complexity": ComplexityEntry,
    "scaling": ScalingEntry,
    "timing": TimingProtocol,
}
FILES: dict[str, Any] = {"metrics": MetricRegistry, "prompts": PromptRegistry, "descriptor": Descriptor}


def optional_keys(schema: Any) -> Any:
    """Return ``schema`` with every key optional, at every depth: for a file that changes another."""
    if isinstance(schema, dict):
        return {
            key: optional_keys(value) for key, value in schema.items() if key != "required" or isinstance(value, dict)
        }
    return [optional_keys(item) for item in schema] if isinstance(schema, list) else schema


def variants_schema() -> Schema:
    """Return the schema of config/variants.yaml, whose entries are parts of a recipe."""
    recipe = optional_keys(Recipe.model_json_schema())
    sources = settings.RecipeSources.model_json_schema()["properties"]
    definitions = recipe.pop("$defs")
    variant = recipe | {"properties": recipe["properties"] | sources}
    base = variant | {"properties": variant["properties"] | {"recipe_base": {"type": "string"}}}
    schema = settings.VariantRegistry.model_json_schema()
    schema["properties"]["variants"]["additionalProperties"] = variant
    schema["properties"]["bases"]["additionalProperties"] = base
    return schema | {"$defs": definitions}


def schemas() -> dict[str, Schema]:
    """Return every schema by the name of its file without ``.schema.json``."""
    named = {name: TypeAdapter(dict[str, model]).json_schema() for name, model in REGISTRIES.items()}  # type: ignore[valid-type]
    named |= {name: model.model_json_schema() for name, model in FILES.items()}
    named |= {"config": optional_keys(settings.MainConfig.model_json_schema()), "variants": variants_schema()}
    return {
        name: {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema for name, schema in named.items()
    }


def main() -> None:
    """Write every schema."""
    for name, schema in schemas().items():
        write_json(FOLDER / f"{name}.schema.json", schema)


if __name__ == "__main__":
    run(main)
