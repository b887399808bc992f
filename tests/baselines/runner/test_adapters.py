"""Adapters: every descriptor has the options that its adapter takes, and what is missing is one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from baselines.runner.adapters import import_adapter
from baselines.runner.descriptor import list_names, read_descriptor
from osediff.common.errors import InputError


@pytest.mark.parametrize("name", list_names())
def test_the_adapter_takes_the_settings_of_its_descriptor_and_needs_its_sources(name: str, tmp_path: Path) -> None:
    descriptor = read_descriptor(name)
    adapter = import_adapter(name, descriptor.runs.entry, descriptor.values)
    assert set(adapter.options.model_dump()) == set(descriptor.values)
    missing = "no checkout" if descriptor.source.checkout else "no such file"
    with pytest.raises(InputError, match=f"{missing}; `snakemake --cores 1 baseline_sources`"):
        adapter.load(tmp_path, "cpu", tmp_path / "cache")


def test_a_misspelled_setting_is_named_with_the_right_word() -> None:
    descriptor = read_descriptor("resshift")
    values = {key.replace("chop_size", "chopsize"): value for key, value in descriptor.values.items()}
    line = r"baselines/resshift/descriptor\.yaml, settings: unknown key 'chopsize', did you mean chop_size\?"
    with pytest.raises(InputError, match=line):
        import_adapter("resshift", descriptor.runs.entry, values)


def test_a_function_that_an_adapter_lacks_is_named(tmp_path: Path) -> None:
    adapter = import_adapter("fake", "tests.baselines.fake.adapter:load", {})
    with pytest.raises(InputError, match=r"fake\.adapter: has no function profiled_modules"):
        adapter.profiled_modules(tmp_path, 128)
