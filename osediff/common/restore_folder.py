"""The method contract: a folder of LR images in, a folder of SR images out, as PNG, ``scale_factor`` times larger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.files import lock, read_json, sha256, write_json
from osediff.common.images import find_sr_fault, list_images, read_rgb, write_png

# What has been made so far and by what, beside the images.
MADE = ".made.json"


def kept(output: Path, made_by: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
    """LR sha256 by stem of the SR images in ``output`` that still hold; the others are removed from it.

    A folder that holds images but was never written by ``restore_folder`` is refused: somebody may need them.
    """
    progress = output / MADE
    images = list(output.glob("*.png"))
    if images and not progress.exists():
        raise InputError(f"{output}: holds {len(images)} images that were not made here; name another folder")
    before = read_json(progress) if progress.exists() else {}
    done: dict[str, str] = before.get("images", {}) if before.get("made_by") == made_by else {}
    done = {path.stem: done[path.stem] for path in images if path.stem in done}
    done = {stem: digest for stem, digest in done.items() if digest == inputs.get(stem)}
    for path in images:
        if path.stem not in done:
            path.unlink()
    return done


def write_failure(record: Path, made_by: dict[str, Any], reason: str, log: list[str]) -> None:
    """Write a record in place of ``restore_folder``'s: why there are no images, in one line, and the log's last lines.

    The method's rows stay empty and say ``reason``; nothing else is stopped by it.
    """
    write_json(record, {**made_by, "failed": " ".join(reason.split()), "log": log})


def unusable(record: Path) -> str:
    """Why the images of a record must not be evaluated, in one line; empty where they may."""
    content = read_json(record)
    if content.get("failed"):
        return f"failed: {content['failed']}"
    return "made with random weights, which are never evaluated" if content.get("weights") == "random" else ""


def record_note(record: Path) -> str:
    """Return in one line what a reader of values must know about the method of a record; empty if nothing."""
    return str(read_json(record).get("note", ""))


def refuse_random(folder: Path) -> None:
    """Raise InputError if the images in ``folder`` were made with random weights, which the notes beside them say."""
    made = folder / MADE
    if made.exists() and read_json(made)["made_by"].get("weights") == "random":
        raise InputError(f"{folder}: made with random weights, which are never evaluated")


def batches(images: dict[str, Path], size: int) -> list[list[str]]:
    """Yield stems in order, in runs of at most ``size`` images that are equally large."""
    found: list[list[str]] = []
    before: tuple[int, int] | None = None
    for stem, path in images.items():
        if size > 1:
            extent = read_rgb(path).shape[:2]
            if found and extent == before and len(found[-1]) < size:
                found[-1].append(stem)
                continue
            before = extent
        found.append([stem])
    return found


def restore_batches(
    source: Path,
    output: Path,
    record: Path,
    restore: Callable[[list[np.ndarray], list[str]], list[np.ndarray]],
    made_by: dict[str, Any],
    scale_factor: int,
    batch: int = 1,
) -> None:
    """Restore every image of ``source`` (a folder or one file) into ``output``; writes ``record`` at the end.

    ``restore`` takes at most ``batch`` images of one size, uint8 (H, W, 3), and their stems, and returns as many, uint8
    (scale_factor H, scale_factor W, 3). ``made_by`` says what decides the pixels besides the input (weights, seed,
    settings). Images already there are kept only if it and their own LR image are the same as when they were made, so a
    killed run goes on and a changed one starts again. Batches are the same on every run; one that is not complete is
    made again.
    """
    if batch < 1:
        raise InputError(f"a batch of {batch} images: must be one or more")
    images = {source.stem: source} if source.is_file() else list_images(source)
    with lock(output / ".lock"):
        record.unlink(missing_ok=True)
        inputs = {stem: sha256(path) for stem, path in images.items()}
        done = kept(output, made_by, inputs)
        write_json(output / MADE, {"made_by": made_by, "images": done})
        with tqdm(total=len(images), desc="restoring", unit="image") as bar:
            for stems in batches(images, batch):
                if any(stem not in done for stem in stems):
                    taken = [read_rgb(images[stem]) for stem in stems]
                    for stem, lr, sr in zip(stems, taken, restore(taken, stems), strict=True):
                        if fault := find_sr_fault(sr, lr, scale_factor):
                            raise InputError(f"{images[stem]}: {fault}")
                        write_png(output / f"{stem}.png", sr)
                        done[stem] = inputs[stem]
                    write_json(output / MADE, {"made_by": made_by, "images": done})
                bar.update(len(stems))
    made = {stem: {"lr": inputs[stem], "sr": sha256(output / f"{stem}.png")} for stem in images}
    write_json(record, {**made_by, "scale_factor": scale_factor, "images": made})


def restore_folder(
    source: Path,
    output: Path,
    record: Path,
    restore: Callable[[np.ndarray, str], np.ndarray],
    made_by: dict[str, Any],
    scale_factor: int,
) -> None:
    """Do ``restore_batches`` for a method that takes one image, uint8 (H, W, 3), and its stem at a time."""

    def one(images: list[np.ndarray], stems: list[str]) -> list[np.ndarray]:
        return [restore(images[0], stems[0])]

    restore_batches(source, output, record, one, made_by, scale_factor)
