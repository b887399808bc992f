"""A method's folder: complete, of the right sizes, continued after a stop, begun anew after a change."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from osediff.common.errors import InputError
from osediff.common.files import lock, read_json, sha256
from osediff.common.images import list_images, read_rgb, write_png
from osediff.common.restore_folder import restore_batches, restore_folder


class Doubling:
    """Repeats pixels and notes which images it was asked for; ``fails_at`` stops like Ctrl-C."""

    def __init__(self, fails_at: str = "") -> None:
        self.asked: list[str] = []
        self.fails_at = fails_at

    def __call__(self, lr: np.ndarray, stem: str) -> np.ndarray:
        if stem == self.fails_at:
            raise KeyboardInterrupt
        self.asked.append(stem)
        return lr.repeat(2, 0).repeat(2, 1)


def restored(lr: Path, method: Doubling | None = None, seed: int = 0) -> list[str]:
    """Stems that the method was asked for."""
    method = method or Doubling()
    restore_folder(lr, lr.parent / "SR", lr.parent / "run.json", method, {"method": "doubling", "seed": seed}, 2)
    return method.asked


def test_one_png_for_each_image_and_a_record_of_both(lr: Path) -> None:
    assert restored(lr) == ["a", "b", "c"]
    sr = lr.parent / "SR"
    assert list(list_images(sr)) == ["a", "b", "c"]
    assert read_rgb(sr / "a.png").shape == (8, 12, 3)
    record = read_json(lr.parent / "run.json")
    assert record["method"] == "doubling" and record["seed"] == 0 and record["scale_factor"] == 2
    assert record["images"]["b"] == {"lr": sha256(lr / "b.png"), "sr": sha256(sr / "b.png")}


def test_a_stopped_run_goes_on_and_has_no_record_before_its_end(lr: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        restored(lr, Doubling(fails_at="c"))
    assert not (lr.parent / "run.json").exists()
    assert restored(lr) == ["c"]
    assert list(read_json(lr.parent / "run.json")["images"]) == ["a", "b", "c"]


def test_images_of_other_inputs_are_kept_where_a_person_asks(lr: Path) -> None:
    sr, method = lr.parent / "SR", Doubling()

    def by_hand(source: Path, seed: int = 0) -> None:
        def several(images: list[np.ndarray], stems: list[str]) -> list[np.ndarray]:
            return [method(image, stem) for image, stem in zip(images, stems, strict=True)]

        restore_batches(source, sr, lr.parent / "SR.json", several, {"seed": seed}, 2, keep=True)

    by_hand(lr / "a.png")
    by_hand(lr / "a.png", seed=1)
    before = (sr / "a.png").read_bytes(), (lr.parent / "SR.json").read_bytes()
    with pytest.raises(InputError, match=r"SR: holds 1 image of other inputs \(a\); name another folder"):
        by_hand(lr / "b.png")
    write_png(lr.parent / "other" / "a.png", np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(InputError, match="of other inputs"):
        by_hand(lr.parent / "other")
    assert ((sr / "a.png").read_bytes(), (lr.parent / "SR.json").read_bytes()) == before
    by_hand(lr)
    assert list(list_images(sr)) == ["a", "b", "c"], "the folder of that image adds to it"


def test_other_settings_begin_anew(lr: Path) -> None:
    restored(lr)
    assert restored(lr, seed=1) == ["a", "b", "c"]


def test_only_a_changed_image_is_made_again(lr: Path) -> None:
    restored(lr)
    write_png(lr / "b.png", np.zeros((7, 7, 3), np.uint8))
    assert restored(lr) == ["b"]
    assert read_rgb(lr.parent / "SR" / "b.png").shape == (14, 14, 3)


def test_an_sr_image_that_somebody_changed_is_made_again(lr: Path) -> None:
    restored(lr)
    before = sha256(lr.parent / "SR" / "b.png")
    write_png(lr.parent / "SR" / "b.png", np.zeros((8, 12, 3), np.uint8))
    assert restored(lr) == ["b"]
    assert sha256(lr.parent / "SR" / "b.png") == before


def test_what_has_no_lr_image_any_more_goes(lr: Path) -> None:
    restored(lr)
    (lr / "c.png").unlink()
    assert restored(lr) == []
    assert list(list_images(lr.parent / "SR")) == ["a", "b"]


def test_images_of_somebody_else_are_not_touched(lr: Path) -> None:
    write_png(lr.parent / "SR" / "holiday.png", np.zeros((7, 7, 3), np.uint8))
    with pytest.raises(InputError, match="not made here"):
        restored(lr)
    assert (lr.parent / "SR" / "holiday.png").exists()


@pytest.mark.parametrize(
    "method",
    [lambda lr, stem: lr, lambda lr, stem: lr.repeat(2, 0).repeat(2, 1).astype(np.float32)],
    ids=["size", "dtype"],
)
def test_a_method_that_breaks_the_contract_is_stopped_by_name(
    lr: Path, method: Callable[[np.ndarray, str], np.ndarray]
) -> None:
    with pytest.raises(InputError, match=r"a\.png: restored as"):
        restore_folder(lr, lr.parent / "SR", lr.parent / "run.json", method, {"method": "wrong"}, 2)
    assert not (lr.parent / "SR" / "a.png").exists()


def test_one_file_can_be_restored(lr: Path) -> None:
    method = Doubling()
    restore_folder(lr / "b.png", lr.parent / "SR", lr.parent / "run.json", method, {}, 2)
    assert method.asked == ["b"] and list(list_images(lr.parent / "SR")) == ["b"]


def test_two_runs_at_once_are_kept_apart(lr: Path) -> None:
    with lock(lr.parent / "SR" / ".lock"), pytest.raises(InputError, match="another run is writing"):
        restored(lr)
