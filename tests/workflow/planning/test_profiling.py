"""Table 2 and scaling: what is counted and timed, of which code, and under which settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tests.workflow.planning.configurations import MAIN, PAPER
from workflow.planning import loader, profiling

TIMING = MAIN["timing"]


def test_an_entry_is_counted_by_its_own_code_and_a_baseline_by_its_adapter() -> None:
    bench = loader.load(MAIN | {"methods": ["osediff", "femasr"]}, ROOT)
    own, theirs = profiling.count_spec(bench, "osediff-demo"), profiling.count_spec(bench, "femasr")
    assert own.lora and own.options["backbone"] == "backbones/demo" and not own.contain
    assert theirs.contain and theirs.options == {"baseline": "femasr", "sources": "data/baselines"}
    assert profiling.counted_code(bench, "osediff-demo") == ["osediff.profiling.networks"]
    assert profiling.timed_code(bench, "osediff-demo") == ["osediff.profiling.timed_run"]
    assert profiling.counted_code(bench, "femasr") == ["baselines.runner.profiling", "baselines.femasr.adapter"]
    assert profiling.entry_files(bench, "femasr") == ["baselines/femasr/descriptor.yaml"]
    assert profiling.entry_files(bench, "osediff-demo") == []


def test_a_backbone_that_is_only_known_by_its_sizes_is_counted_by_them() -> None:
    bench = loader.load(MAIN, ROOT)
    sizes = profiling.count_spec(bench, "osediff").options["backbone"]
    assert sizes["unet"]["block_out_channels"] == [320, 640, 1280, 1280]


def test_table_2_waits_for_every_model_under_every_protocol() -> None:
    timing = TIMING | {"models": ["osediff-demo", "osediff"], "protocols": ["plain", "strict"]}
    bench = loader.load(MAIN | {"timing": timing}, ROOT)
    assert profiling.timed_files(bench) == [
        f"runs/demo/timing/{protocol}/{model}.json"
        for model in ("osediff-demo", "osediff")
        for protocol in ("plain", "strict")
    ]


def test_baselines_are_counted_and_timed_where_they_are_and_never_compiled(tmp_path: Path) -> None:
    timing = TIMING | {"models": [], "protocols": ["plain", "strict-compiled"]}
    given = MAIN["baselines"] | {"sources": str(tmp_path)}
    bench = loader.load(MAIN | {"methods": ["bsrgan", "stablesr"], "timing": timing, "baselines": given}, ROOT)
    assert profiling.countable_baselines(bench) == ["bsrgan"], "StableSR's checkout is not here"
    assert profiling.timed_files(bench) == [], "nor are BSRGAN's weights"
    for name in bench.baselines["bsrgan"].files:
        (tmp_path / "weights" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "weights" / name).touch()
    assert profiling.timed_files(bench) == ["runs/demo/timing/plain/bsrgan.json"]


def test_the_precision_of_the_main_file_replaces_the_protocols_and_leaves_baselines_alone() -> None:
    timing = TIMING | {"precision": "bf16"}
    bench = loader.load(MAIN | {"methods": ["osediff", "femasr"], "timing": timing}, ROOT)
    own, theirs = (profiling.timing_spec(bench, "plain", name) for name in ("osediff-demo", "femasr"))
    assert own.precision == own.settings.precision == "bf16" and theirs.precision is None
    plain = profiling.timing_spec(loader.load(MAIN, ROOT), "plain", "osediff-demo")
    assert plain.precision == "fp32"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"models": ["osedif"]}, "timing.models: unknown entry of config/complexity.yaml 'osedif', did you mean osedi"),
        ({"protocols": ["plane"]}, "timing.protocols: unknown protocol of config/timing.yaml 'plane', did you mean pl"),
    ],
)
def test_a_model_or_protocol_that_there_is_not_is_named(change: dict[str, list[str]], message: str) -> None:
    with pytest.raises(InputError) as error:
        profiling.timing_choice(loader.load(MAIN | {"timing": TIMING | change}, ROOT))
    assert message in str(error.value)


def test_only_the_paper_preset_compares_quality_with_published_values() -> None:
    assert profiling.efficiency_axis(loader.load(MAIN, ROOT)) == "parameters"
    assert profiling.efficiency_axis(loader.load(PAPER, ROOT)) == "quality"


def test_scaling_and_roofline_are_of_the_presets_model() -> None:
    for main, title in ((MAIN, "OSEDiff (demo)"), (PAPER, "OSEDiff")):
        bench = loader.load(main, ROOT)
        scaling, roofline = profiling.scaling_spec(bench), profiling.roofline_spec(bench)
        assert scaling.title == roofline.title == title
        assert scaling.settings.precision == roofline.precision == profiling.scaling_entry(bench).precision
