"""The command ``osediff``, in a clone and from an installed wheel, and the commands of its page."""

from __future__ import annotations

import csv
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from osediff import tool
from osediff.common.errors import InputError
from osediff.common.files import read_json
from osediff.common.images import list_images, read_rgb, write_png
from tests.documents import blocks
from tests.helpers import ROOT

# What is in other extras alone, and what no import of torch, diffusers or transformers looks for.
FOREIGN = ("pyiqa", "snakemake", "cleanfid", "spandrel", "gradio")
BLOCKER = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {FOREIGN}:
            raise ImportError(f"{{name}} is imported, and [restore] has it not")

sys.meta_path.insert(0, Blocker())
"""


def photographs(folder: Path) -> Path:
    """Write two photographs of 48 pixels."""
    for number in range(2):
        write_png(folder / f"{number}.png", np.random.default_rng(number).integers(0, 256, (48, 48, 3), np.uint8))
    return folder


@pytest.mark.slow
def test_the_commands_of_the_page_run_in_their_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped models, found from another folder; the second restoration takes a gray image, too."""
    monkeypatch.chdir(tmp_path)
    for variable in ("TORCH_HOME", "BENCHMARK_WEIGHTS"):
        monkeypatch.setenv(variable, str(tmp_path / "no-weights"))
    photographs(tmp_path / "photos")
    for number in range(2):
        write_png(tmp_path / "true" / f"{number}.png", np.full((192, 192, 3), 100 * number, np.uint8))
    Image.new("L", (24, 16), 90).save(tmp_path / "scans.png")
    lines = [line for block in blocks("docs/tool.md", "") for line in block.splitlines() if line.strip()]
    assert len(lines) >= 4
    for line in lines:
        program, *words = shlex.split(line, comments=True)
        assert program == "osediff", line
        tool.execute(words)
    assert list(list_images(tmp_path / "restored")) == ["0", "1"]
    assert read_rgb(tmp_path / "restored" / "0.png").shape == (192, 192, 3)
    assert read_rgb(tmp_path / "converted" / "scans.png").shape == (64, 96, 3)
    records = [read_json(tmp_path / f"{name}.json") for name in ("restored", "converted")]
    assert [list(record["images"]) for record in records] == [["0", "1"], ["scans"]]
    with (tmp_path / "restored.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {(row["method"], row["test_set"]) for row in rows} == {("restored", "true")}
    assert {row["metric"] for row in rows} >= {"psnr", "ssim"}


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    tool.execute([])
    printed = capsys.readouterr().out
    assert all(f"  {name}" in printed for name in tool.COMMANDS)
    for name, command in tool.COMMANDS.items():
        with pytest.raises(SystemExit) as ended:
            tool.execute([name, "--help"])
        assert ended.value.code == 0 and command.summary in capsys.readouterr().out


def test_an_unknown_command_is_one_line() -> None:
    with pytest.raises(InputError, match=r"osediff restor: no such command, did you mean restore\?"):
        tool.execute(["restor"])


def test_a_missing_package_is_one_line_with_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "osediff.pipeline", raising=False)
    photographs(tmp_path / "IN")
    with pytest.raises(InputError, match=r"package torch is not installed: pip install '\.\[restore\]' in a clone"):
        tool.execute(["restore", str(tmp_path / "IN"), str(tmp_path / "OUT")])
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    monkeypatch.delitem(sys.modules, "osediff.doctor", raising=False)
    with pytest.raises(InputError, match=r"is not installed: pip install \. in a clone"):
        tool.execute(["doctor"])


def test_a_missing_module_of_this_package_is_no_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "osediff.doctor", None)
    with pytest.raises(ModuleNotFoundError, match=r"osediff\.doctor"):
        tool.execute(["doctor"])


def test_other_kinds_of_images_and_names_ask_for_what_they_need(tmp_path: Path) -> None:
    Image.new("L", (24, 16), 90).save(tmp_path / "gray.png")
    with pytest.raises(InputError, match=r"gray\.png: is gray, .*; convert it first, or use --convert"):
        tool.execute(["restore", str(tmp_path / "gray.png"), str(tmp_path / "SR")])
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    Image.new("RGB", (24, 16)).save(tmp_path / "turned.jpg", exif=exif)
    with pytest.raises(InputError, match=r"turned\.jpg: is stored turned .*, or use --convert"):
        tool.execute(["restore", str(tmp_path / "turned.jpg"), str(tmp_path / "SR")])
    with pytest.raises(InputError, match="none of the checkpoints that are installed: demo"):
        tool.execute(["restore", str(tmp_path), str(tmp_path / "SR"), "--checkpoint", "demos"])


def test_every_unfit_image_of_a_folder_is_named_before_torch_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    photographs(tmp_path / "IN")
    for name in ("gray", "other"):
        Image.new("L", (24, 16), 90).save(tmp_path / "IN" / f"{name}.png")
    (tmp_path / "IN" / "text.png").write_text("text")
    command = ["restore", str(tmp_path / "IN"), str(tmp_path / "OUT")]
    with pytest.raises(InputError, match=r"gray\.png: is gray, .*, or use --convert \(and others: other, text\)$"):
        tool.execute(command)
    with pytest.raises(InputError, match=r"text\.png: cannot be read as an image .*; copy it again$"):
        tool.execute([*command, "--convert"])
    assert not (tmp_path / "OUT").exists()


def test_a_checkpoint_of_another_backbone_is_one_line(backbone_folder: Path, tmp_path: Path) -> None:
    photographs(tmp_path / "LR")
    command = ["restore", str(tmp_path / "LR"), str(tmp_path / "SR"), "--backbone", str(backbone_folder)]
    with pytest.raises(InputError, match=r"demo was trained on another backbone than .*; name its own"):
        tool.execute(command)


def test_folders_with_other_names_are_one_line(tmp_path: Path) -> None:
    photographs(tmp_path / "SR")
    write_png(tmp_path / "HR" / "0.png", np.zeros((48, 48, 3), np.uint8))
    with pytest.raises(InputError, match="HR lacks 1"):
        tool.execute(["evaluate", str(tmp_path / "SR"), str(tmp_path / "HR")])
    with pytest.raises(InputError, match="name the folder of HR images, or by --lr that of LR images"):
        tool.execute(["evaluate", str(tmp_path / "SR")])


@pytest.mark.slow
def test_the_installed_wheel_restores_without_the_packages_of_other_extras(tmp_path: Path) -> None:
    """From another folder, with the shipped models, and with an import of pyiqa or Snakemake as an error."""
    source, site = tmp_path / "source", tmp_path / "site"
    for name in ("osediff", "benchmark", "baselines", "config", "checkpoints", "backbones"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    install = ["pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", "--target", str(site)]
    subprocess.run([sys.executable, "-m", *install, str(source)], check=True)
    (site / "sitecustomize.py").write_text(BLOCKER)
    photographs(tmp_path / "LR")
    environment = os.environ | {"PYTHONPATH": str(site)}

    def osediff(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(site / "bin" / "osediff"), *words]
        return subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    restored = osediff("restore", "LR", "SR")
    assert restored.returncode == 0, restored.stderr
    assert list(list_images(tmp_path / "SR")) == ["0", "1"]
    state = osediff("doctor")
    assert str(site / "osediff" / "shipped" / "checkpoints" / "demo") in state.stdout, state.stderr
    blocked = subprocess.run(
        [sys.executable, "-c", "import pyiqa"], env=environment, capture_output=True, text=True, check=False
    )
    assert "[restore] has it not" in blocked.stderr, "the test would see an import of pyiqa"
