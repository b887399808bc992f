"""The method contract: a folder of LR images in, a folder of SR images out, as PNG, ``scale_factor`` times larger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from osediff.common.errors import InputError
from osediff.common.files import JSON, lock, read_object, sha256, write_json
from osediff.common.images import find_sr_fault, list_images, name_some, read_rgb, write_png
from osediff.common.shards import LOCK, Shard, link_folder

# Progress of a run, beside its images: the settings that decide the pixels, and the images that are finished.
PROGRESS = ".made.json"


def remove_outdated(output: Path, provenance: Mapping[str, JSON], inputs: dict[str, str]) -> dict[str, str]:
    """Remove the outdated SR images in ``output``, and return the sha256 of the others by stem.

    A folder with images that ``restore_folder`` did not write is refused: somebody may need them.
    """
    progress = output / PROGRESS
    images = list(output.glob("*.png"))
    if images and not progress.exists():
        raise InputError(f"{output}: holds {len(images)} images that were not made here; name another folder")
    before = read_object(progress) if progress.exists() else {}
    listed, made = before.get("images"), before.get("made")
    done: dict[str, str] = {}
    if before.get("made_by") == provenance and isinstance(listed, dict) and isinstance(made, dict):
        of_inputs = [path for path in images if path.stem in inputs and listed.get(path.stem) == inputs[path.stem]]
        digests = {path.stem: sha256(path) for path in of_inputs}
        done = {stem: digest for stem, digest in digests.items() if digest == made.get(stem)}
    for path in images:
        if path.stem not in done:
            path.unlink()
    return done


def refuse_others(output: Path, inputs: dict[str, str]) -> None:
    """Raise InputError if ``output`` holds SR images of other LR images than ``inputs``: sha256 by stem."""
    progress = output / PROGRESS
    listed = read_object(progress).get("images") if progress.exists() else None
    of_stems = listed if isinstance(listed, dict) else {}
    images = [path.stem for path in output.glob("*.png")]
    others = [stem for stem in images if stem not in inputs or of_stems.get(stem, inputs[stem]) != inputs[stem]]
    if others:
        count = "1 image" if len(others) == 1 else f"{len(others)} images"
        raise InputError(f"{output}: holds {count} of other inputs ({name_some(set(others))}); name another folder")


def write_progress(made: Path, provenance: Mapping[str, JSON], inputs: dict[str, str], done: dict[str, str]) -> None:
    """Write the sha256 of finished LR (``images``) and SR images (``made``), in the order of ``inputs``."""
    lr = {stem: digest for stem, digest in inputs.items() if stem in done}
    write_json(made / PROGRESS, {"made_by": provenance, "images": lr, "made": {stem: done[stem] for stem in lr}})


def write_failure(record: Path, provenance: Mapping[str, JSON], reason: str, log: list[str]) -> None:
    """Write the record of a failed run: the reason in one line, and the last lines of the log.

    The rows of the method stay empty and have ``reason`` as note. Nothing else stops.
    """
    write_json(record, {**provenance, "failed": " ".join(reason.split()), "log": log}, durable=True)


def unusable(record: Path) -> str:
    """Return in one line why the images of a record must not be evaluated; empty if they may."""
    content = read_object(record)
    if content.get("failed"):
        return f"failed: {content['failed']}"
    return "made with random weights, which are never evaluated" if content.get("weights") == "random" else ""


def record_note(record: Path) -> str:
    """Return the note of a record, for every row that is measured with its images; empty if there is none."""
    return str(read_object(record).get("note", ""))


def refuse_random(folder: Path) -> None:
    """Raise InputError if the file of progress in ``folder`` says that its images were made with random weights."""
    progress = folder / PROGRESS
    made_by = read_object(progress).get("made_by") if progress.exists() else None
    if isinstance(made_by, dict) and made_by.get("weights") == "random":
        raise InputError(f"{folder}: made with random weights, which are never evaluated")


def batches(images: dict[str, Path], size: int, read: Callable[[Path], np.ndarray] = read_rgb) -> list[list[str]]:
    """Return stems in order, in groups of at most ``size`` images of one size that follow each other."""
    groups: list[list[str]] = []
    before: tuple[int, int] | None = None
    for stem, path in images.items():
        if size > 1:
            extent = read(path).shape[:2]
            if groups and extent == before and len(groups[-1]) < size:
                groups[-1].append(stem)
                continue
            before = extent
        groups.append([stem])
    return groups


def restore_batches(
    source: Path,
    output: Path,
    record: Path,
    restore: Callable[[list[np.ndarray], list[str]], list[np.ndarray]],
    provenance: Mapping[str, JSON],
    scale_factor: int,
    batch: int = 1,
    shard: Shard | None = None,
    progress: Path | None = None,
    read: Callable[[Path], np.ndarray] = read_rgb,
    keep: bool = False,
) -> None:
    """Restore every image of ``source`` (a folder or one file) into ``output``, and write ``record`` at the end.

    An SR image that exists is used again only if it, ``provenance`` and its LR image are as when it was made. So a
    killed run continues, and a changed one starts again. Batches are the same on every run, and shards are cut between
    batches: after a stop within a batch, the whole batch is restored again.

    Args:
        source: folder of LR images, or one LR image.
        output: folder for the SR images.
        record: JSON file to write.
        restore: takes at most ``batch`` images of one size, uint8 (H, W, 3), and their stems; returns as many SR
            images, uint8 (scale_factor H, scale_factor W, 3).
        provenance: everything besides the LR images that decides the pixels: weights, seed, settings.
        scale_factor: size of an SR image over that of its LR image.
        batch: number of images that are restored at once.
        shard: restores only this part of the images.
        progress: folder in which the images are made, and stay if the run is killed; ``output`` gets them at the end,
            as the same files. None: they are made in ``output``.
        read: reads an LR image as uint8 (H, W, 3).
        keep: SR images of other LR images are an error; else they are removed.

    Raises:
        InputError: an SR image breaks the contract, or ``output`` contains images that this function did not write, or
            with ``keep`` those of other LR images.
    """
    if batch < 1:
        raise InputError(f"a batch of {batch} images: must be one or more")
    images = {source.stem: source} if source.is_file() else list_images(source)
    parts = batches(images, batch, read)
    if shard:
        parts = shard.of(parts)
        images = {stem: images[stem] for stems in parts for stem in stems}
    made = progress or output
    with lock(made / LOCK):
        inputs = {stem: sha256(path) for stem, path in images.items()}
        if keep:
            for folder in {made, output}:
                refuse_others(folder, inputs)
        record.unlink(missing_ok=True)
        done = remove_outdated(made, provenance, inputs)
        write_progress(made, provenance, inputs, done)
        with tqdm(total=len(images), desc="restoring", unit="image") as bar:
            for stems in parts:
                if any(stem not in done for stem in stems):
                    taken = [read(images[stem]) for stem in stems]
                    for stem, lr, sr in zip(stems, taken, restore(taken, stems), strict=True):
                        if fault := find_sr_fault(sr, lr, scale_factor):
                            raise InputError(f"{images[stem]}: {fault}")
                        write_png(made / f"{stem}.png", sr)
                        done[stem] = sha256(made / f"{stem}.png")
                    write_progress(made, provenance, inputs, done)
                bar.update(len(stems))
        if made != output:
            link_folder(made, output)
    listed = {stem: {"lr": inputs[stem], "sr": done[stem]} for stem in images}
    write_json(record, {**provenance, "scale_factor": scale_factor, "images": listed}, durable=True)


def restore_folder(
    source: Path,
    output: Path,
    record: Path,
    restore: Callable[[np.ndarray, str], np.ndarray],
    provenance: Mapping[str, JSON],
    scale_factor: int,
    shard: Shard | None = None,
    progress: Path | None = None,
) -> None:
    """Call ``restore_batches`` for a method that restores one image, uint8 (H, W, 3), at a time."""

    def one(images: list[np.ndarray], stems: list[str]) -> list[np.ndarray]:
        return [restore(images[0], stems[0])]

    restore_batches(source, output, record, one, provenance, scale_factor, shard=shard, progress=progress)
