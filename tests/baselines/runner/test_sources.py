"""Code and weights are fetched before a run, verified before each run, and refused when they are others."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from baselines.runner import sources
from baselines.runner.descriptor import Descriptor, Source, list_names, read_descriptor
from osediff.common.artifacts.fetching import Fetching
from osediff.common.artifacts.model import Artifact, parse
from osediff.common.errors import InputError
from tests.file_server import CONTENT, DIGEST, FileServer

KNOWN: dict[str, Any] = {"size": len(CONTENT), "sha256": DIGEST}


def weights(name: str, file: dict[str, Any] | None, url: str = "https://example.org/{file}") -> Artifact:
    """An artifact of one file."""
    return parse({"mirrors": [{"url": url}], "files": {name: file}}, "weights")


@pytest.mark.parametrize("file", [KNOWN, {"size": len(CONTENT)}, None])
def test_weights_are_fetched_and_verified(
    server: FileServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    fake_descriptor: Descriptor,
    file: dict[str, Any] | None,
) -> None:
    artifact = weights("a/w.pth", file, server.url("cut"))
    descriptor = fake_descriptor.model_copy(update={"weights": (artifact,)})
    assert sources.fetch_sources(descriptor, tmp_path, offline=False) == []
    assert (tmp_path / "weights/a/w.pth").read_bytes() == CONTENT
    proof = "verified" if file == KNOWN else "not published, so that of the first download"
    assert f"sha256 {DIGEST} {proof}" in capsys.readouterr().out
    # The first file is required from then on, also where nobody published a sha256.
    (tmp_path / "weights/a/w.pth").write_bytes(CONTENT[::-1])
    with pytest.raises(InputError, match=rf"w\.pth: has sha256 \w+…, not {DIGEST[:12]}"):
        sources.verify_weights([artifact], tmp_path, "official")


def test_other_weights_are_refused_unless_they_are_meant(tmp_path: Path, fake_descriptor: Descriptor) -> None:
    artifact = weights("w.pth", KNOWN)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.pth").write_bytes(b"mine")
    with pytest.raises(InputError, match=f"has 4 bytes, not {len(CONTENT)}.*or say that it is another file"):
        sources.verify_weights([artifact], tmp_path, "official")
    digest = hashlib.sha256(b"mine").hexdigest()
    assert sources.verify_weights([artifact], tmp_path, "other") == {"w.pth": digest}
    # A wrong file that exists is named; nothing is fetched over it.
    descriptor = fake_descriptor.model_copy(update={"weights": (artifact,)})
    (missing,) = sources.fetch_sources(descriptor, tmp_path, offline=False)
    assert "w.pth: has 4 bytes" in missing and (tmp_path / "weights" / "w.pth").read_bytes() == b"mine"


def test_other_weights_are_noted_where_the_official_ones_are_known() -> None:
    digest = hashlib.sha256(b"mine").hexdigest()
    assert sources.note_other_weights([weights("w.pth", KNOWN)], {"w.pth": digest}) == (
        f"its weights are not the official ones: w.pth has sha256 {digest[:12]}…, the official file {DIGEST[:12]}…"
    )
    assert sources.note_other_weights([weights("w.pth", KNOWN)], {"w.pth": DIGEST}) == ""
    assert sources.note_other_weights([weights("w.pth", None)], {"w.pth": digest}) == ""


def test_a_checkout_is_cloned_and_what_is_missing_offline_is_named(
    source: Source, tmp_path: Path, fake_descriptor: Descriptor
) -> None:
    descriptor = fake_descriptor.model_copy(update={"source": source, "weights": ()})
    root = tmp_path / "sources"
    root.mkdir()
    (missing,) = sources.fetch_sources(descriptor, root, offline=True)
    assert "no checkout of" in missing and list(root.iterdir()) == []
    assert sources.fetch_sources(descriptor, root, offline=False) == []
    assert sources.fetch_sources(descriptor, root, offline=True) == []


def test_licenses_without_commercial_use_are_fetched_only_when_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fetched: list[str] = []

    def obtain(artifact: Artifact, how: Fetching, root: Path) -> None:
        for path in artifact.paths:
            fetched.append(path.name)
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(b"w")

    monkeypatch.setattr(sources, "obtain", obtain)
    command = ["sources", "--root", str(tmp_path), "--only", "femasr", "ldl"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(InputError, match="2 of the baselines' sources are missing"):
        sources.main()
    printed = capsys.readouterr()
    assert fetched == [] and "FeMaSR: CC-BY-NC-SA-4.0, NO COMMERCIAL USE" in printed.out
    assert "licenses do not allow commercial use: femasr (CC-BY-NC-SA-4.0); list " in printed.err
    assert "baselines.accept_licenses" in printed.err
    assert "by hand only: get it from the Google Drive" in printed.err
    monkeypatch.setattr("sys.argv", [*command[:-1], "--accept", "CC-BY-NC-SA-4.0"])
    sources.main()
    assert fetched == ["FeMaSR_SRX4_model_g.pth"]


@pytest.mark.parametrize(
    ("token", "way"),
    [
        ("", "if it is gated, accept its license at {page}, then set HF_TOKEN"),
        ("secret", "the token in HF_TOKEN has no access; accept the license at {page} with its account"),
    ],
)
def test_a_gated_backbone_without_access_is_one_line_that_names_its_page(
    server: FileServer,
    tmp_path: Path,
    fake_descriptor: Descriptor,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    way: str,
) -> None:
    hub = server.url("denied", "").rstrip("/")
    monkeypatch.setenv("HF_ENDPOINT", hub)
    monkeypatch.setenv("HF_TOKEN", token)
    gated = tuple(one for one in read_descriptor("tsdsr").weights if "gated" in one.note)
    descriptor = fake_descriptor.model_copy(update={"weights": gated})
    (missing,) = sources.fetch_sources(descriptor, tmp_path, offline=False)
    path = tmp_path / "weights/stable-diffusion-3-medium/transformer/config.json"
    page = f"{hub}/stabilityai/stable-diffusion-3-medium-diffusers"
    assert missing.startswith(f"{path}: no mirror gave it; ") and "\n" not in missing
    assert missing.endswith(f"HTTP 403; {way.format(page=page)})")
    assert [headers.get("Authorization") for _, headers in server.seen] == [f"Bearer {token}" if token else None]


def test_optional_sources_that_cannot_be_had_are_recorded_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    record = tmp_path / "fetched.json"
    command = ["sources", "--root", str(tmp_path / "sources"), "--only", "bsrgan", "--offline", "--record", str(record)]
    monkeypatch.setattr("sys.argv", [*command, "--optional"])
    sources.main()
    (missing,) = json.loads(record.read_text())["missing"]
    assert missing.startswith("bsrgan: ") and f"missing: {missing}" in capsys.readouterr().err
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(InputError, match="1 of the baselines' sources are missing"):
        sources.main()


def test_what_needs_a_persons_word_is_not_fetched_on_the_way() -> None:
    free = {name for name in list_names() if read_descriptor(name).fetched_without_asking}
    assert {"real-esrgan", "bsrgan"} <= free
    assert not {"femasr", "stablesr", "seesr", "diffbir"} & free  # a license; a checkout
