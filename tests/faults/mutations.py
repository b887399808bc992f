"""Ways to spoil a file: of any kind, of CSV, of YAML and JSON, of images and of weights."""

from __future__ import annotations

import csv
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from PIL import Image

Mutation = Callable[[Path, random.Random], None]


def write(path: Path, content: bytes) -> None:
    """Replace the file at ``path``, whose bytes other copies may share."""
    path.unlink()
    path.write_bytes(content)


def empty(path: Path, rng: random.Random) -> None:
    write(path, b"")


def absent(path: Path, rng: random.Random) -> None:
    path.unlink()


def cut(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    write(path, content[: rng.randrange(1, max(len(content) * 2 // 3, 2))])


def noise(path: Path, rng: random.Random) -> None:
    write(path, rng.randbytes(min(path.stat().st_size + 1, 5000)))


def zeros(path: Path, rng: random.Random) -> None:
    write(path, bytes(path.stat().st_size + 8))


def pipe(path: Path, rng: random.Random) -> None:
    path.unlink()
    os.mkfifo(path)


def endless(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def folder(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.mkdir()


def dangling(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def circle(path: Path, rng: random.Random) -> None:
    path.unlink()
    path.symlink_to(path.name)


def latin(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    place = rng.randrange(len(content))
    write(path, content[:place] + b"\xe9" + content[place:])


def nul(path: Path, rng: random.Random) -> None:
    content = path.read_bytes()
    place = rng.randrange(len(content))
    write(path, content[:place] + b"\0" + content[place:])


def page(path: Path, rng: random.Random) -> None:
    write(path, b"<!DOCTYPE html><title>404</title>")


ANY: tuple[Mutation, ...] = (empty, absent, cut, noise, zeros, pipe, endless, folder, dangling, circle, page)
TEXT: tuple[Mutation, ...] = (latin, nul)


def edit_rows(path: Path, change: Callable[[list[list[str]]], object]) -> None:
    """Change the rows of a CSV file, which begin with its columns."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    change(rows)
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    write(path, text.getvalue().encode())


def change_value(text: str) -> Mutation:
    """Return a mutation that replaces one value of a CSV file of measured or published rows."""

    def mutate(path: Path, rng: random.Random) -> None:
        def change(rows: list[list[str]]) -> None:
            column = rows[0].index("value") if "value" in rows[0] else len(rows[0]) - 1
            rows[rng.randrange(1, len(rows))][column] = text

        edit_rows(path, change)

    mutate.__name__ = f"value {text}"
    return mutate


def repeat_row(path: Path, rng: random.Random) -> None:
    def change(rows: list[list[str]]) -> None:
        row = list(rng.choice(rows[1:]))
        if "value" in rows[0]:
            row[rows[0].index("value")] = "12.34"
        rows.append(row)

    edit_rows(path, change)


def extra_cell(path: Path, rng: random.Random) -> None:
    edit_rows(path, lambda rows: rng.choice(rows[1:]).append("surplus"))


def missing_cell(path: Path, rng: random.Random) -> None:
    edit_rows(path, lambda rows: rng.choice(rows[1:]).pop())


def swap_columns(path: Path, rng: random.Random) -> None:
    edit_rows(path, lambda rows: rows[0].reverse())


def unknown_metric(path: Path, rng: random.Random) -> None:
    def change(rows: list[list[str]]) -> None:
        if "metric" in rows[0]:
            rng.choice(rows[1:])[rows[0].index("metric")] = "psnrr"
        else:
            rows[0][-1] = "no such column"

    edit_rows(path, change)


def other_protocol(path: Path, rng: random.Random) -> None:
    def change(rows: list[list[str]]) -> None:
        if "protocol" in rows[0]:
            rng.choice(rows[1:])[rows[0].index("protocol")] = ""
        else:
            rows[0].append("more")

    edit_rows(path, change)


ROWS: tuple[Mutation, ...] = (
    *map(change_value, ("nan", "inf", "-inf", "1e999", "abc", "-1e6", "1,5")),
    *(repeat_row, extra_cell, missing_cell, swap_columns, unknown_metric, other_protocol),
)


def leaves(content: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all values in nested lists and mappings."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*place, key)
        yield from leaves(value, (*place, key))


VALUES: tuple[Any, ...] = (None, [], {}, "", "text", -1, 0, 2**70, 1e308, float("nan"), float("inf"), True, [1, [2]])
VALUES += ("../../etc/passwd", "$(touch proof)", "line\nbreak", {"a": {"b": 1}}, [None], -0.5, "{braces}", "a" * 5000)


def edit_tree(path: Path, rng: random.Random, change: Callable[[Any, Any, random.Random], None]) -> None:
    """Change one place of a YAML or JSON file."""
    text = path.read_text(encoding="utf-8")
    as_json = path.suffix == ".json"
    content = json.loads(text) if as_json else yaml.safe_load(text)
    places = list(leaves(content))
    if not places:
        write(path, b"[]")
        return
    *way, last = rng.choice(places)
    holder = content
    for key in way:
        holder = holder[key]
    change(holder, last, rng)
    write(path, (json.dumps(content) if as_json else yaml.safe_dump(content, sort_keys=False)).encode())


def other_value(path: Path, rng: random.Random) -> None:
    def change(holder: Any, key: Any, rng: random.Random) -> None:
        holder[key] = rng.choice(VALUES)

    edit_tree(path, rng, change)


def missing_key(path: Path, rng: random.Random) -> None:
    def change(holder: Any, key: Any, rng: random.Random) -> None:
        del holder[key]

    edit_tree(path, rng, change)


def extra_key(path: Path, rng: random.Random) -> None:
    def change(holder: Any, key: Any, rng: random.Random) -> None:
        if isinstance(holder, dict):
            holder["unheard-of"] = 1
        else:
            holder.append("unheard-of")

    edit_tree(path, rng, change)


def scalar(path: Path, rng: random.Random) -> None:
    write(path, rng.choice([b"3", b'"text"', b"[1, 2]", b"null", b"true"]))


def deep(path: Path, rng: random.Random) -> None:
    write(path, b"[" * 100_000)


def deep_and_closed(path: Path, rng: random.Random) -> None:
    write(path, b'{"a": ' * 2000 + b"1" + b"}" * 2000)


TREE: tuple[Mutation, ...] = (other_value, other_value, other_value, missing_key, extra_key, scalar, deep)
TREE += (deep_and_closed,)


def save_image(path: Path, image: Image.Image, **options: Any) -> None:
    path.unlink()
    image.save(path, **options)


def image_of(mode: str, size: tuple[int, int] = (48, 48)) -> Mutation:
    """Return a mutation to an image of another mode or size."""

    def mutate(path: Path, rng: random.Random) -> None:
        save_image(path, Image.new(mode, size, 3), format="PNG")

    mutate.__name__ = f"image {mode} {size}"
    return mutate


def bomb(path: Path, rng: random.Random) -> None:
    """A few kilobytes that claim 30,000 x 30,000 pixels."""
    save_image(path, Image.new("1", (30_000, 30_000)), format="PNG")


def animated(path: Path, rng: random.Random) -> None:
    frames = [Image.fromarray(np.full((48, 48, 3), level, np.uint8)) for level in (0, 99)]
    save_image(path, frames[0], format="PNG", save_all=True, append_images=frames[1:])


IMAGE: tuple[Mutation, ...] = (*map(image_of, ("L", "RGBA", "P", "I;16", "1")), image_of("RGB", (1, 1)))
IMAGE += (image_of("RGB", (48, 7)), bomb)


OTHER_INPUT = ("absent", "image RGB (1, 1)", "image RGB (48, 7)")  # a folder may hold fewer or other images


def of_file(path: Path) -> tuple[Mutation, ...]:
    """Return the mutations for a file of this kind."""
    kinds = {".csv": (*ROWS, *TEXT), ".json": (*TREE, *TEXT), ".yaml": (*TREE, *TEXT), ".jsonl": TEXT}
    kinds |= dict.fromkeys((".png", ".jpg"), IMAGE)
    return (*ANY, *kinds.get(path.suffix, ()))
