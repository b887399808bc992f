"""A package of the index with weights in it, all of whose code and pickles leave a trace when they run."""

from __future__ import annotations

import hashlib
import io
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np

WEIGHTS = np.arange(3 * 3 * 2 * 4, dtype="<f4").reshape(3, 3, 2, 4)


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def make_payload(trap: Path) -> bytes:
    """A pickle with the bytes of ``WEIGHTS`` in it."""
    return pickle.dumps({"w": WEIGHTS.tobytes(), "trap": Trap(trap)})


def write_index(folder: Path, trap: Path) -> dict[str, str]:
    """Write a source archive and a wheel of ``sample-weights`` 1.0 to ``folder``; return the sha256 of each by suffix.

    Its setup.py, its build backend and its weights would all touch ``trap`` if they were run or unpickled.
    """
    evil = f"import pathlib; pathlib.Path({str(trap)!r}).touch()\n"
    payload = make_payload(trap)
    members = {"setup.py": evil, "sample_weights/__init__.py": evil, "PKG-INFO": "Name: sample-weights\nVersion: 1.0\n"}
    links = folder / "sample-weights"
    links.mkdir(parents=True)
    with tarfile.open(links / "sample_weights-1.0.tar.gz", "w:gz") as file:
        for name, content in ({name: text.encode() for name, text in members.items()} | {"w.ckpt": payload}).items():
            item = tarfile.TarInfo(f"sample_weights-1.0/{name}")
            item.size = len(content)
            file.addfile(item, io.BytesIO(content))
    with zipfile.ZipFile(links / "sample_weights-1.0-py3-none-any.whl", "w") as file:
        file.writestr("sample_weights/w.ckpt", payload)
        info = "sample_weights-1.0.dist-info"
        file.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: sample-weights\nVersion: 1.0\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")
    digests = {path.suffix: hashlib.sha256(path.read_bytes()).hexdigest() for path in links.iterdir()}
    anchors = (f'<a href="{p.name}#sha256={digests[p.suffix]}">{p.name}</a>' for p in sorted(links.iterdir()))
    (links / "index.html").write_text(f"<!DOCTYPE html><html><body>{''.join(anchors)}</body></html>")
    return digests
