"""Fetches the files of the learned metrics ahead of a run, to where pyiqa and its libraries look for them.

    python -m benchmark.metrics.download_weights [--local DIR] [--offline]

Every file of the manifest (``weights`` in config/metrics.yaml) is fetched from the first mirror that has it, continued
where it stopped, and checked: whole sha256 or the digits that its name carries; where nobody published one, the line
says so. Each line names the license. With --offline nothing is fetched, and what is missing is named.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from benchmark.metrics.weights import hub_cache, torch_home, weight_file
from osediff.common import fetch
from osediff.common.errors import InputError, run
from osediff.common.files import lock, sha256, write_text
from osediff.common.validation import read_yaml

LOCAL = "local"  # in place of a commit, in the Hugging Face cache


def obtain(weight: dict[str, Any], local: Path | None, offline: bool) -> Path:
    """The file of one entry of the manifest, fetched if need be; InputError where that fails or it is another file."""
    digest, path, name = weight.get("sha256", ""), weight_file(weight), Path(weight["path"]).name
    if path is not None:
        if path.stat().st_size == weight.get("size", path.stat().st_size) and sha256(path).startswith(digest):
            return path
        raise InputError(f"{path}: another file than the manifest says; remove it to fetch it anew")
    if offline and local is None:
        place = hub_cache() if weight["cache"] == "huggingface" else (torch_home() / weight["path"]).parent
        raise InputError(f"{name}: not here and the run is offline; get it from {weight['urls'][0]} into {place}")
    source = local / name if local is not None else None
    if weight["cache"] == "huggingface" and source is not None and source.is_file():
        folder = hub_cache() / f"models--{weight['repo'].replace('/', '--')}"
        fetch.take(source, path := folder / "snapshots" / LOCAL / weight["path"], digest, source.stat().st_size)
        write_text(folder / "refs" / "main", LOCAL)  # the library follows it to the snapshot
        return path
    if weight["cache"] == "huggingface":
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError

        try:
            return Path(
                hf_hub_download(weight["repo"], weight["path"], cache_dir=hub_cache(), local_files_only=offline)
            )
        except (OSError, HfHubHTTPError) as error:
            raise InputError(f"{name}: {str(error).splitlines()[0]}") from error
    path = torch_home() / weight["path"]
    known = weight.get("size") or (source.stat().st_size if source and source.is_file() else 0)
    fetch.fetch(weight["urls"], path, digest, known or fetch.announced(weight["urls"]), local, offline)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmark.metrics.download_weights", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--registry", type=Path, default=Path("config/metrics.yaml"))
    parser.add_argument("--only", nargs="+", metavar="WEIGHTS", help="ids of the manifest (default: all)")
    parser.add_argument("--local", type=Path, help="folder that has the files already; they are verified and copied")
    parser.add_argument("--offline", action="store_true", help="stop instead of downloading")
    args = parser.parse_args()
    manifest = read_yaml(args.registry)["weights"]
    unknown = set(args.only or ()) - manifest.keys()
    if unknown:
        raise InputError(f"{args.registry}: no weights {', '.join(sorted(unknown))}; known: {', '.join(manifest)}")
    missing = []
    with lock(torch_home() / ".benchmark-weights.lock"):
        for key in args.only or manifest:
            weight = manifest[key]
            try:
                path = obtain(weight, args.local, args.offline)
            except InputError as error:
                missing.append(f"{key}: {error}")
                continue
            digits = weight.get("sha256", "")
            proof = f"sha256 {digits[:12]} verified" if digits else "no published sha256 to verify it by"
            print(f"{key}: {path.name}, {path.stat().st_size} bytes, {proof}; license: {weight['license']}", flush=True)
    if missing:
        raise InputError(f"{len(missing)} of {len(args.only or manifest)} files are missing: {'; '.join(missing)}")


if __name__ == "__main__":
    run(main)
