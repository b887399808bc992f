"""Fetching a test set: single files by their sha256, or folders of a zip archive. What is there is never replaced."""

from __future__ import annotations

import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from tqdm import tqdm

from benchmark.data.checksums import Known
from osediff.common import fetch
from osediff.common.errors import InputError
from osediff.common.files import atomic, lock
from osediff.common.images import EXTENSIONS

LARGEST = 1 << 26  # bytes of one image; an archive that claims more is not a test set


def obtain(
    name: str, download: dict[str, Any], folders: dict[str, Path], known: Known | None, downloads: Path, offline: bool
) -> None:
    """Puts what is missing of test set ``name`` into ``folders`` (LR, HR), by ``download`` of config/testsets.yaml.

    Either ``files``: addresses with {part} and {name}, of every image that ``known`` lists. Or ``archive``: ``urls`` of
    a zip file, and which folders in it are LR and HR. A killed call continues where it was."""
    with lock(folders["LR"].parent / ".lock"):
        if "files" in download:
            assert known is not None, "the schema demands it"
            missing = [
                (part, image)
                for part, images in known.items()
                for image in images.values()
                if not (folders[part] / image.name).exists()
            ]
            if missing and offline:
                raise InputError(f"{name}: {len(missing)} images are missing and the run is offline; {place(folders)}")
            for part, image in tqdm(missing, desc=f"fetching {name}", unit="image", disable=not missing):
                urls = [url.format(part=part, name=image.name) for url in download["files"]]
                fetch.download(urls, folders[part] / image.name, image.sha256, image.size)
            return
        if all(folder.is_dir() for folder in folders.values()):
            return
        archive = download["archive"]
        path = downloads / PurePosixPath(archive["urls"][0]).name
        if not path.exists():
            if offline:
                raise InputError(f"{name}: is not there and the run is offline; {place(folders)}")
            size = archive.get("size") or fetch.announced(archive["urls"])
            fetch.download(archive["urls"], path, archive.get("sha256", ""), size)
        for part, folder in folders.items():
            unpack(path, archive[part.lower()], folder)


def place(folders: dict[str, Path]) -> str:
    """Where a user may put the images by hand."""
    return f"put its images into {folders['LR']} and {folders['HR']}, or name their folder in `paths`"


def unpack(archive: Path, inside: str, folder: Path) -> None:
    """The images directly in the folder ``inside`` of a zip file, into ``folder``, which appears when all are there.

    Only plain names are taken, and every file's checksum is that of the archive."""
    aside = folder.with_name(f".{folder.name}.unpacking")
    if folder.exists():
        return
    aside.mkdir(parents=True, exist_ok=True)
    try:
        with zipfile.ZipFile(archive) as file:
            found = [
                info
                for info in file.infolist()
                if PurePosixPath(info.filename).parent == PurePosixPath(inside)
                and PurePosixPath(info.filename).suffix.lower() in EXTENSIONS
            ]
            if not found:
                raise InputError(
                    f"{archive}: has no images in {inside}; is it another file? Remove it to fetch it anew"
                )
            for info in tqdm(found, desc=f"unpacking {inside}", unit="image"):
                target = aside / PurePosixPath(info.filename).name
                if target.exists() and target.stat().st_size == info.file_size:
                    continue
                if info.file_size > LARGEST:
                    raise InputError(f"{archive}: {info.filename} claims {info.file_size} bytes; this is no test set")
                with atomic(target) as part:
                    part.write_bytes(file.read(info))
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError) as error:
        raise InputError(f"{archive}: is damaged ({error}); remove it to fetch it anew") from error
    aside.rename(folder)
