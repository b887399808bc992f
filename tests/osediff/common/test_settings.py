"""Settings are read strictly, a mistake is one line that names the key, a file is written only when it changes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from osediff.common.errors import InputError
from osediff.common.settings import (
    InnerPath,
    Name,
    Positive,
    Probability,
    Seed,
    Settings,
    Text,
    parse,
    parse_each,
    read,
    write,
)


class Vsd(Settings):
    kind: Literal["vsd"]
    vsd: Positive = 1.0
    timesteps: tuple[int, int]


class Nothing(Settings):
    kind: Literal["none"]


class Recipe(Settings):
    title: Text
    rank: Annotated[int, Field(ge=1, multiple_of=2)]
    seed: Seed = 0
    share: Probability = 0.5
    color: Literal["adain", "wavelet", "none"] = "adain"
    offline: bool = False
    loss: Annotated[Vsd | Nothing, Field(discriminator="kind")]
    steps: tuple[int, ...] = (1,)
    limit: int | None = None
    warmup: int | Literal["stable"] = "stable"
    names: dict[Name, str] = Field(default_factory=dict)
    path: InnerPath = "a"
    options: dict[str, Any] = Field(default_factory=dict)


RIGHT: dict[str, Any] = {"title": "A", "rank": 4, "loss": {"kind": "vsd", "timesteps": [20, 980]}}


def test_what_is_right_is_typed_and_frozen() -> None:
    recipe = parse(RIGHT | {"share": 1, "options": {"sizes": [1, 2]}}, Recipe, "recipe")
    assert (recipe.rank, recipe.loss.kind, recipe.share, recipe.seed) == (4, "vsd", 1.0, 0)
    assert recipe.loss == Vsd(kind="vsd", timesteps=(20, 980))
    with pytest.raises(ValueError, match="frozen"):
        recipe.rank = 2


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"rnak": 4}, "recipe: unknown key 'rnak', did you mean rank?"),
        (
            {"loss": {"kind": "vsd", "timestep": [1, 2]}},
            "recipe: at loss: unknown key 'timestep', did you mean timesteps?",
        ),
        ({"loss": {"kind": "vsd"}}, "recipe: at loss: key 'timesteps' is missing"),
        ({"loss": {"kind": "vds", "timesteps": [1, 2]}}, "recipe: at loss.kind: must not be 'vds', did you mean vsd?"),
        ({"loss": {"timesteps": [1, 2]}}, "recipe: at loss: key 'kind' is missing"),
        ({"loss": {"kind": "none", "vsd": 1}}, "recipe: at loss: unknown key 'vsd', known: kind"),
        ({"loss": {"kind": "vsd", "timesteps": [1, 2], "vsd": "x"}}, "recipe: at loss.vsd: must be a number, not 'x'"),
        ({"loss": {"kind": "vsd", "timesteps": [1, "2"]}}, "at loss.timesteps.1: must be a whole number, not '2'"),
        ({"loss": {"kind": "vsd", "timesteps": [1]}}, "at loss.timesteps: has too few entries"),
        ({"loss": {"kind": "vsd", "timesteps": [1, 2, 3]}}, "at loss.timesteps: has more than 2 entries"),
        ({"loss": "vsd"}, "recipe: at loss: must be keys and values, not 'vsd'"),
        ({"title": 3}, "recipe: at title: must be text, not 3; put it in quotes"),
        ({"title": None}, "recipe: at title: must be text, not null; put it in quotes"),
        ({"title": ""}, "recipe: at title: must not be empty"),
        ({"rank": 4.5}, "recipe: at rank: must be a whole number, not 4.5"),
        ({"rank": True}, "recipe: at rank: must be a whole number, not true"),
        ({"rank": 0}, "recipe: at rank: must be at least 1, not 0"),
        ({"rank": 3}, "recipe: at rank: must be a multiple of 2, not 3"),
        ({"seed": 2**63}, "recipe: at seed: must be at most 9223372036854775807, not 9223372036854775808"),
        ({"share": float("nan")}, "recipe: at share: must be a finite number, not nan"),
        ({"share": 1.5}, "recipe: at share: must be at most 1, not 1.5"),
        ({"color": "adian"}, "recipe: at color: must not be 'adian', did you mean adain?"),
        ({"offline": 0}, "recipe: at offline: must be true or false, not 0"),
        ({"steps": 5}, "recipe: at steps: must be a list, not 5"),
        ({"steps": [1, "x"]}, "recipe: at steps.1: must be a whole number, not 'x'"),
        ({"limit": "x"}, "recipe: at limit: must be a whole number, not 'x'"),
        ({"warmup": "x"}, "recipe: at warmup: must be a whole number, not 'x'"),
        ({"names": {"A b": "x"}}, "recipe: at names: 'A b' is not a name"),
        ({"names": []}, "recipe: at names: must be keys and values, not a list"),
        ({"path": "../x"}, "recipe: at path: '../x' must stay inside its folder"),
    ],
)
def test_every_mistake_is_one_line_that_names_the_key(change: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(RIGHT | change, Recipe, "recipe")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named_after_a_misspelt_one() -> None:
    content = {key: value for key, value in RIGHT.items() if key != "rank"}
    with pytest.raises(InputError, match="recipe: key 'rank' is missing"):
        parse(content, Recipe, "recipe")
    with pytest.raises(InputError, match="unknown key 'rnk', did you mean rank"):
        parse(content | {"rnk": 4}, Recipe, "recipe")


def test_texts_become_numbers_only_where_they_were_typed_on_the_command_line() -> None:
    typed = {"rank": "8", "offline": "true", "steps": ["1", "2"]}
    recipe = parse(RIGHT | typed, Recipe, "recipe", texts=typed)
    assert (recipe.rank, recipe.offline, recipe.steps) == (8, True, (1, 2))
    with pytest.raises(InputError, match="at offline: must be true or false, not 'true'"):
        parse(RIGHT | typed, Recipe, "recipe", texts=["rank"])
    with pytest.raises(InputError, match=r"at steps\.1: must be a whole number, not 'x'"):
        parse(RIGHT | {"steps": ["1", "x"]}, Recipe, "recipe", texts=["steps"])
    with pytest.raises(InputError, match="at rank: must be at least 1"):
        parse(RIGHT | {"rank": "0"}, Recipe, "recipe", texts=["rank"])


def test_a_registry_is_names_and_entries_of_one_type() -> None:
    entries = parse_each({"b": {"kind": "none"}, "a": {"kind": "none"}}, Nothing, "registry.yaml")
    assert list(entries) == ["b", "a"] and entries["a"] == Nothing(kind="none")
    with pytest.raises(InputError, match=r"registry\.yaml: at a: unknown key 'knd', did you mean kind"):
        parse_each({"a": {"knd": "none"}}, Nothing, "registry.yaml")
    with pytest.raises(InputError, match=r"registry\.yaml: '\.\./a' is not a name"):
        parse_each({"../a": {"kind": "none"}}, Nothing, "registry.yaml")


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"", "is empty"),
        (b"just words", "must hold keys and values, not 'just words'"),
        (b"- a\n- b\n", "must hold keys and values, not a list"),
        (b"title: [", "not valid YAML"),
        (b"title: \tx\n\t- y", "not valid YAML"),
        ("title: é".encode("latin-1"), "is not UTF-8; save the file as UTF-8"),
        (b"title: A\ntitle: B\n", "line 2: title stands twice"),
        (b"loss: {<<: {kind: vsd}, kind: none}\n1: x\n", "line 2: key 1 is not text; put it in quotes"),
        (b"[a]: x", "is not text"),
        (b"title: " + b"[" * 1200 + b"]" * 1200, "nested too deeply"),
        (b"title: " + b"{a: " * 3000 + b"b" + b"}" * 3000, "nested too deeply"),
        (b"title: &a [*a]\n", "recursive"),
        (b"title: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        (b"rank: " + b"9" * 5000, "not valid YAML"),
    ],
)
def test_a_broken_file_is_one_line_that_names_it(tmp_path: Path, content: bytes, line: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read(path, Recipe)
    assert str(caught.value).startswith(f"{path}: ") and line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path, line in ((tmp_path / "absent.yaml", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(InputError, match=line):
            read(path, Recipe)


def test_numbers_and_dates_are_what_people_mean(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("{title: 2024-01-02, rank: 4, share: 5e-5, loss: {kind: none}}")
    recipe = read(path, Recipe)
    assert (recipe.title, recipe.share) == ("2024-01-02", 5e-5)


def test_what_is_written_is_read_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "specs" / "spec.yaml"
    content = {"title": "12e5", "share": 5.0e-5, "limit": 3, "options": {"sizes": [1, [2, "yes"]], "none": None}}
    recipe = parse(RIGHT | content | {"names": {"a": "null", "b": "é", "c": "1:30", "d": "0x1f"}}, Recipe, "recipe")
    write(path, recipe)
    assert read(path, Recipe) == recipe


def test_a_file_that_says_so_already_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    recipe = parse(RIGHT, Recipe, "recipe")
    write(path, recipe)
    os.utime(path, (1, 1))
    write(path, recipe)
    assert path.stat().st_mtime == 1
    write(path, recipe.model_copy(update={"title": "B"}))
    assert path.stat().st_mtime > 1 and read(path, Recipe).title == "B"
    assert [file.name for file in tmp_path.iterdir()] == ["spec.yaml"]
