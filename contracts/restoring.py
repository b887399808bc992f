"""The method contract: a folder of LR images in, a folder of SR images out, one PNG each, ``scale`` times larger."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from contracts.errors import InputError
from contracts.files import lock, read_json, sha256, write_json
from contracts.images import list_images, read_rgb, write_png


def kept(output: Path, made_by: dict[str, Any], inputs: dict[str, str]) -> dict[str, str]:
    """LR sha256 by stem of the SR images in ``output`` that still hold; the others are removed from it.

    A folder that holds images but was never written by ``restore_folder`` is refused: somebody may need them.
    """
    progress = output / ".made.json"
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
    """Writes a record in place of ``restore_folder``'s: why there are no images, in one line, and the log's last lines.

    The method's rows stay empty and say ``reason``; nothing else is stopped by it. Removing the record tries again.
    """
    write_json(record, {**made_by, "failed": " ".join(reason.split()), "log": log})


def unusable(record: Path) -> str:
    """Why the images of a record must not be evaluated, in one line; empty where they may."""
    content = read_json(record)
    if content.get("failed"):
        return f"failed: {content['failed']}"
    return "made with random weights, which are never evaluated" if content.get("weights") == "random" else ""


def restore_folder(
    source: Path,
    output: Path,
    record: Path,
    restore: Callable[[np.ndarray, str], np.ndarray],
    made_by: dict[str, Any],
    scale: int,
) -> None:
    """Restores every image of ``source`` (a folder or one file) into ``output``; writes ``record`` at the end.

    ``restore`` takes uint8 (H, W, 3) and the stem, and returns uint8 (scale H, scale W, 3). ``made_by`` says what
    decides the pixels besides the input (weights, seed, settings): images already there are kept only if it and their
    own LR image are the same as when they were made, so a killed run goes on and a changed one starts again.
    """
    images = {source.stem: source} if source.is_file() else list_images(source)
    with lock(output / ".lock"):
        record.unlink(missing_ok=True)
        inputs = {stem: sha256(path) for stem, path in images.items()}
        done = kept(output, made_by, inputs)
        write_json(output / ".made.json", {"made_by": made_by, "images": done})
        for stem, path in tqdm(images.items(), desc="restoring", unit="image"):
            if stem in done:
                continue
            lr = read_rgb(path)
            sr = restore(lr, stem)
            wanted = (lr.shape[0] * scale, lr.shape[1] * scale, 3)
            if sr.shape != wanted or sr.dtype != np.uint8:
                raise InputError(f"{path}: restored as {sr.dtype} {sr.shape}, needed is uint8 {wanted}")
            write_png(output / f"{stem}.png", sr)
            done[stem] = inputs[stem]
            write_json(output / ".made.json", {"made_by": made_by, "images": done})
    made = {stem: {"lr": inputs[stem], "sr": sha256(output / f"{stem}.png")} for stem in images}
    write_json(record, {**made_by, "scale": scale, "images": made})
