"""The worker: seeds of images, the contract of an SR image, what stays after a stop, and no network."""

from __future__ import annotations

import random
import re
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from baselines.runner import worker
from baselines.runner.descriptor import FOLDER, SeedMode
from baselines.runner.messages import Message
from osediff.common.errors import InputError
from osediff.common.images import read_rgb

ENTRY = "tests.baselines.fake.adapter:load"


def restore(folder: Path, seed: int = 0, seed_mode: SeedMode = "per_image") -> list[Message]:
    """Restore LR/ of ``folder`` by the fake into SR/, in this process; return the messages."""
    provenance = worker.Provenance(
        baseline="fake",
        license="CC0-1.0",
        commit=None,
        weights="official",
        weights_sha256={},
        settings={},
        seed=seed,
        seed_mode=seed_mode,
        device="cpu",
    )
    spec = worker.WorkerSpec(
        provenance=provenance,
        entry=ENTRY,
        scale_factor=4,
        input=str(folder / "LR"),
        output=str(folder / "SR"),
        record=str(folder / "run.json"),
        sources=str(folder / "sources"),
        cache=str(folder / "cache"),
        device="cpu",
        stream_seed=7,
    )
    messages: list[Message] = []
    worker.restore_images(spec, messages.append)
    return messages


def marks(folder: Path) -> dict[str, list[int]]:
    """The pixel of each SR image in which the fake notes its seed and draws from both global generators."""
    return {path.stem: read_rgb(path)[0, 0].tolist() for path in (folder / "SR").glob("*.png")}


def restored(messages: list[Message]) -> list[str]:
    """The images that were restored."""
    return [message.detail for message in messages if message.event == "restored"]


def test_the_seed_of_an_image_depends_on_no_other_image(inputs: Path) -> None:
    assert restored(restore(inputs)) == ["a", "b", "c"]
    whole = marks(inputs)
    assert len({tuple(mark) for mark in whole.values()}) == 3
    for stem in "ab":
        (inputs / "LR" / f"{stem}.png").unlink()
    (inputs / "SR" / "c.png").unlink()
    assert restored(restore(inputs)) == ["c"]
    assert marks(inputs) == {"c": whole["c"]}
    restore(inputs, seed=1)
    assert marks(inputs)["c"] != whole["c"]


def test_an_official_stream_is_seeded_once_and_never_entered_in_the_middle(inputs: Path) -> None:
    restore(inputs, seed_mode="official_stream")
    python, numpy = random.Random(7), np.random.RandomState(7)
    expected = {stem: [0, python.randrange(256), int(numpy.randint(256))] for stem in "abc"}
    assert marks(inputs) == expected
    (inputs / "SR" / "c.png").unlink()
    assert restored(restore(inputs, seed_mode="official_stream")) == ["a", "b", "c"]
    assert marks(inputs) == expected


@pytest.mark.parametrize(
    ("does", "line"),
    [
        ("shrink b", r"^b restored as uint8 \(31, 24, 3\), needed is uint8 \(32, 24, 3\)$"),
        ("float b", r"^b restored as float32 \(32, 24, 3\), needed is uint8"),
    ],
)
def test_an_image_of_another_size_or_type_is_an_error(inputs: Path, does: str, line: str) -> None:
    (inputs / "sources" / "does").write_text(does)
    with pytest.raises(ValueError, match=line):
        restore(inputs)
    assert list(marks(inputs)) == ["a"] and not (inputs / "run.json").exists()


def test_what_the_adapter_says_to_the_user_is_passed_on(inputs: Path) -> None:
    (inputs / "sources" / "does").write_text("complain load")
    with pytest.raises(InputError, match=r"fake\.txt: is not what it should be"):
        restore(inputs)


def test_the_record_has_the_version_of_every_library_with_which_an_adapter_computes() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*/*.py"))
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", code, flags=re.MULTILINE))
    installed = metadata.packages_distributions()
    packages = {package.replace("_", "-") for name in imported for package in installed.get(name, ())}
    others = {"tqdm", "PyYAML", "pydantic", "safetensors", "tokenizers"}  # which read files and settings
    assert {name.lower() for name in packages - others} <= set(worker.library_versions())


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.getaddrinfo", ("example.org", 80)),
        ("socket.getaddrinfo", (b"example.org", 80)),
        ("socket.connect", (None, ("93.184.216.34", 443))),
    ],
)
def test_connections_beyond_this_machine_are_refused(event: str, arguments: tuple[object, ...]) -> None:
    with pytest.raises(RuntimeError, match="wants to fetch from"):
        worker.refuse_network(event, arguments)


@pytest.mark.parametrize(
    ("event", "arguments"),
    [
        ("socket.getaddrinfo", ("localhost", 80)),
        ("socket.getaddrinfo", (None, 80)),
        ("socket.connect", (None, ("127.0.0.1", 80))),
        ("socket.connect", (None, "/run/socket")),
        ("open", ("example.org",)),
    ],
)
def test_connections_on_this_machine_are_allowed(event: str, arguments: tuple[object, ...]) -> None:
    worker.refuse_network(event, arguments)
