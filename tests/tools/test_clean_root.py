"""The steps of the Dockerfile as the tool reads them; it carries them out by hand, as root."""

from __future__ import annotations

from pathlib import Path

import pytest

from osediff.common.errors import InputError
from tests.helpers import ROOT
from tools.clean_root import Image, carry_out, parse, read_steps


def test_the_dockerfile_leaves_the_environment_of_its_commands(tmp_path: Path) -> None:
    image = Image()
    steps = read_steps((ROOT / "container" / "Dockerfile").read_text(encoding="utf-8"))
    for step in steps:
        carry_out(tmp_path, step, image, build=False)
    assert [name for name, _ in steps if name in ("COPY", "RUN")] == ["COPY", "RUN"]
    assert image.environment["PATH"].startswith("/opt/benchmark/bin:/usr/local/sbin:")
    assert (image.environment["HOME"], image.user, image.folder) == ("/home/benchmark", "1000:1000", "/work")
    assert (tmp_path / "work").is_dir() and not (tmp_path / "usr").exists()


def test_copied_files_are_where_the_dockerfile_puts_them(tmp_path: Path) -> None:
    carry_out(tmp_path, ("COPY", "requirements.txt container/install.sh /usr/share/benchmark/"), Image(), build=True)
    copied = tmp_path / "usr/share/benchmark"
    assert sorted(path.name for path in copied.iterdir()) == ["install.sh", "requirements.txt"]


def test_an_instruction_that_is_not_known_stops_the_tool(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="SHELL: this tool does not know it"):
        carry_out(tmp_path, ("SHELL", '["bash"]'), Image(), build=True)


def test_options_come_first_and_the_command_last() -> None:
    options = parse(["--user", "12345:12345", "root", "--", "snakemake", "--cores", "2"])
    assert (options.user, options.root, options.build) == ("12345:12345", Path("root"), False)
    assert options.command == ["snakemake", "--cores", "2"]
