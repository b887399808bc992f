"""Fetching of metric weights: verified, continued, named, and never when offline."""

import hashlib
from pathlib import Path

import pytest
import yaml

from benchmark.metrics import download_weights as metric_weights
from osediff.common.errors import InputError
from tests.osediff.common.test_fetch import CONTENT, DIGEST, Server, server  # noqa: F401

MAIN = ["metric_weights", "--registry"]


def entry(url: str, name: str = "w.pth", **more: object) -> dict[str, object]:
    return {"cache": "torch", "path": f"hub/pyiqa/{name}", "urls": [url], "license": "MIT (someone)"} | more


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch/hub/pyiqa"


@pytest.mark.parametrize(
    "known", [{"size": len(CONTENT), "sha256": DIGEST}, {"sha256": DIGEST[:8], "size": len(CONTENT)}]
)
def test_files_are_fetched_and_verified(server: Server, home: Path, known: dict[str, object]) -> None:  # noqa: F811
    path = metric_weights.obtain(entry(server.url("cut"), **known), None, False)
    assert path == home / "w.pth" and path.read_bytes() == CONTENT
    asked = len(server.asked)
    assert metric_weights.obtain(entry(server.url("cut"), **known), None, False) == path
    assert len(server.asked) == asked, "what is there is not fetched again"


def test_another_file_is_refused(server: Server, home: Path) -> None:  # noqa: F811
    known = {"size": len(CONTENT), "sha256": DIGEST[:8]}
    with pytest.raises(InputError, match="its sha256 is not"):
        metric_weights.obtain(entry(server.url("wrong"), **known), None, False)
    assert not (home / "w.pth").exists()
    home.mkdir(parents=True, exist_ok=True)
    (home / "w.pth").write_bytes(b"cut off")
    with pytest.raises(InputError, match=r"w\.pth: another file than the manifest says"):
        metric_weights.obtain(entry(server.url("whole"), **known), None, False)


def test_command_names_licenses_and_what_is_missing(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir(parents=True)
    (home / "a.pth").write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    nowhere = "https://example.org/w.pth"
    weights = {"a": entry(nowhere, "a.pth", sha256=digest), "b": entry(nowhere, "b.pth")}
    (tmp_path / "metrics.yaml").write_text(yaml.safe_dump({"weights": weights}))
    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: pytest.fail("offline used the network"))
    monkeypatch.setattr("sys.argv", [*MAIN, str(tmp_path / "metrics.yaml"), "--offline"])
    with pytest.raises(InputError, match=r"1 of 2 files are missing: b: b\.pth: not here and the run is offline"):
        metric_weights.main()
    assert "a: a.pth, 256000 bytes, sha256" in capsys.readouterr().out
    # From a folder, where nobody published a size or a digest.
    (tmp_path / "mine").mkdir()
    for name in ("a.pth", "b.pth"):
        (tmp_path / "mine" / name).write_bytes(CONTENT)
    monkeypatch.setattr("sys.argv", [*MAIN, str(tmp_path / "metrics.yaml"), "--local", str(tmp_path / "mine")])
    metric_weights.main()
    out = capsys.readouterr().out
    assert "b.pth, 256000 bytes, no published sha256 to verify it by; license: MIT (someone)" in out


def test_a_file_of_the_hugging_face_cache_is_taken_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As hf_hub_download finds it, which the metric's library calls."""
    from huggingface_hub import hf_hub_download

    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "model.safetensors").write_bytes(CONTENT)
    weight = {"cache": "huggingface", "repo": "timm/vit", "path": "model.safetensors", "urls": ["https://x.org/m"]}
    path = metric_weights.obtain(weight, tmp_path / "mine", offline=True)
    assert path.read_bytes() == CONTENT
    found = hf_hub_download("timm/vit", "model.safetensors", cache_dir=tmp_path / "hub", local_files_only=True)
    assert Path(found) == path == metric_weights.weight_file(weight)
    with pytest.raises(InputError, match=r"other\.safetensors: not here and the run is offline"):
        metric_weights.obtain(weight | {"path": "other.safetensors"}, None, offline=True)
