"""Recipes of variants: a variant has the keys that differ from a base, and a base may change another base."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from osediff.common.errors import InputError
from osediff.common.settings import parse
from osediff.common.validation import check_name
from osediff.data.degradation_recipe import Degradation
from osediff.recipe import Recipe
from workflow.planning.settings import RecipeSources, VariantRegistry

SOURCE = "config/variants.yaml"
BASE = "recipe_base"


@dataclass(frozen=True)
class Variant:
    """A variant on a base: its recipe, and the backbone and photo set that it is trained with."""

    recipe: Recipe
    backbone: str
    photos: str


def merge(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with its keys replaced by those of ``change``; mappings are merged at every depth.

    A mapping that changes ``kind`` replaces the whole mapping, since settings of one kind do not apply to another.
    """
    if change.get("kind", base.get("kind")) != base.get("kind"):
        return copy.deepcopy(dict(change))
    result = copy.deepcopy(dict(base))
    for key, value in change.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merge(result[key], value) if both else copy.deepcopy(value)
    return result


def chain(registry: VariantRegistry, base: str) -> list[str]:
    """Return ``base`` and the bases that it changes, in order; InputError if one is unknown or they form a circle."""
    names = [base]
    while (below := registry.bases[names[-1]].get(BASE)) is not None:
        check_name("base", str(below), registry.bases, f"{SOURCE}: {base}")
        if below in names:
            raise InputError(f"{SOURCE}: {base}: its bases go round in a circle: {' > '.join([*names, below])}")
        names.append(below)
    return names


def build_variant(registry: VariantRegistry, degradations: Mapping[str, Degradation], name: str, base: str) -> Variant:
    """Build and check the recipe of variant ``name`` on ``base``; InputError, in one line, for a mistake."""
    content: dict[str, Any] = {}
    for link in reversed(chain(registry, base)):
        content = merge(content, {key: value for key, value in registry.bases[link].items() if key != BASE})
    content = merge(content, registry.variants[name])
    source = f"{SOURCE}: {name}"
    keys = RecipeSources.model_fields
    sources = parse({key: content.pop(key) for key in keys if key in content}, RecipeSources, source)
    content["degradation"] = None
    if sources.degradation is not None:
        check_name("degradation", sources.degradation, degradations, source)
        content["degradation"] = degradations[sources.degradation].model_dump()
    recipe = parse(content, Recipe, source)
    if not any(recipe.lora_targets.model_dump().values()):
        names = ", ".join(type(recipe.lora_targets).model_fields)
        raise InputError(f"{source}: lora_targets: trains nothing; set one of {names} to true")
    return Variant(recipe, sources.backbone, sources.photos)
