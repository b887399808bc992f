"""The page that says how every number is measured."""

from benchmark.metrics.registry import MetricRegistry
from benchmark.tables import render
from benchmark.tables.protocol import sheet


def test_the_sheet_names_what_two_people_must_agree_on(metric_registry: MetricRegistry) -> None:
    lines = render.markdown(sheet(metric_registry.under("crop4", ""))).splitlines()
    (psnr,) = (line for line in lines if line.startswith("| PSNR"))
    assert "| higher | 0 to 80 | dB |" in psnr and "crop_border 4" in psnr and psnr.endswith("| crop4/1 |")
    (maniqa,) = (line for line in lines if line.startswith("| MANIQA"))
    assert "pyiqa 0.1.16: maniqa-pipal" in maniqa and "MANIQA_PIPAL-ae6d356b.pth (ae6d356b)" in maniqa
    assert maniqa.endswith("| osediff/2 |")
    assert any(line.startswith("- `osediff-random-crops/1` (MANIQA)") for line in lines)
