"""Table 2: counted, measured and published figures side by side, and what could not be counted or timed."""

from __future__ import annotations

from benchmark.data import published
from benchmark.tables import complexity as table2
from tests.benchmark.rows import METRICS
from tests.helpers import ROOT

PUBLISHED = ROOT / "config" / "published" / "osediff-tables-2-7.csv"


def test_counted_measured_and_published_stand_together(rendered_table2: tuple[list[dict[str, str]], str]) -> None:
    rows, text = rendered_table2
    of = [row for row in rows if row["method"] == "OSEDiff"]
    assert [row["source"] for row in of] == ["counted", "counted", "measured", "measured", "published"]
    merged, beside, measured, other, published = of
    assert (merged["gmacs_without_attention"], merged["mparams_trainable"]) == ("2264.0", "8.493")
    assert beside["includes"] == "UNet, LoRA beside the weights; not counted: aten::odd"
    assert (measured["seconds"], measured["device"]) == ("0.0123", "Some GPU")
    assert (other["seconds"], other["device"]) == ("0.0456", "Another GPU")  # beside it, not converted
    assert (
        "protocol plain, bf16, batch 1, 50 runs, 90 % of them within 0.012 to 0.013 s; 5.00 GB" in measured["includes"]
    )
    assert (published["seconds"], published["device"], published["gmacs"]) == ("0.11", "A100", "2265")
    assert published["includes"] == "not stated"
    sinsr = [row for row in rows if row["method"] == "SinSR"]
    assert [(row["source"], row["gmacs"]) for row in sinsr] == [("counted", "2646.6"), ("published", "2649")]
    assert (sinsr[0]["mparams_trainable"], sinsr[1]["mparams_trainable"]) == ("118.590", "118.6")
    assert sinsr[0]["includes"] == "UNet x15 + VQ decoder"
    assert len([row for row in rows if row["source"] == "published"]) == 7
    assert "| *SinSR* | *published* |" in text and "0.0123 (Some GPU)" in text


def test_what_could_not_be_counted_or_timed_says_why_and_the_others_stand(
    rendered_table2: tuple[list[dict[str, str]], str],
) -> None:
    counted, timed, published = [row for row in rendered_table2[0] if row["method"] == "PASD"]
    assert (counted["gmacs"], counted["includes"]) == ("", "not counted: ImportError: no odd")
    assert (timed["seconds"], timed["includes"]) == ("", "no time: out of memory at 512 pixels (protocol plain)")
    assert published["gmacs"] == "29125"


def test_the_nearest_reading_is_named_with_its_remainder(rendered_table2: tuple[list[dict[str, str]], str]) -> None:
    _, text = rendered_table2
    assert "published 2265 G multiply-adds: the nearest reading is 2264.68 G (UNet, LoRA merged" in text
    assert "-0.32 off" in text
    assert "parameters: the nearest reading" not in text  # RAM was not counted, so nothing is said


def test_published_rows_are_the_papers() -> None:
    rows = {row.values["method"]: row.values for row in table2.rows_published(published.load([PUBLISHED], METRICS))}
    assert rows["StableSR"]["gmacs"] == "79940" and rows["PASD"]["mparams"] == "1900"
