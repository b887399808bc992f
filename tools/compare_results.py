"""Compare two trees of results, for example from before and after a change of the code.

    python -m tools.compare_results BEFORE AFTER --renames tools/renames.yaml
    python -m tools.compare_results BEFORE AFTER --column scale=preset --ignore 'results/table2.csv:seconds'

BEFORE and AFTER are folders that hold ``results/`` and ``runs/``. Four kinds of files are compared:

- adapters (``*.safetensors``) and restored images (``*/restore/*.png``), byte for byte;
- CSV tables, cell by cell (two numbers are equal when their values are: 0.50 and 0.5);
- tables in Markdown files, cell by cell, so the ranking as well; the text around them is free to change;
- the number of jobs of a dry run, in a text file whose name contains ``plan`` (the output of ``snakemake -n``).

Each difference is one line, and the last line is a summary. The exit code is 1 when anything differs, and when
nothing was compared.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

import yaml

from osediff.common.errors import InputError, run

Table = list[list[str]]
KINDS = ("*.safetensors", "*/restore/*.png", "*.csv", "*.md", "*plan*.txt")


@dataclass(frozen=True)
class Renames:
    """Allowed differences: other names for the same thing, and files or columns that are not compared."""

    files: dict[str, str] = field(default_factory=dict)  # part of a path before -> after
    columns: dict[str, str] = field(default_factory=dict)  # column before -> after
    words: dict[str, str] = field(default_factory=dict)  # part of a cell before -> after
    jobs: dict[str, str] = field(default_factory=dict)  # rule before -> after
    ignore: tuple[str, ...] = ()  # "PATH" or "PATH:COLUMN", names of AFTER; * stands for anything

    def ignores(self, path: str, column: str | None = None) -> bool:
        """Whether a file, or a column of it, is not compared."""
        name = path if column is None else f"{path}:{column}"
        return any(fnmatch(name, pattern) for pattern in self.ignore)


def replace(text: str, pairs: dict[str, str]) -> str:
    """Replace every key of ``pairs`` that occurs in ``text`` by its value."""
    for before, after in pairs.items():
        text = text.replace(before, after)
    return text


def files(root: Path) -> dict[str, Path]:
    """Find the files that are compared; their paths by name relative to ``root``.

    Images in .progress are the files of SR, and those of shards are the files of the gathered folder.
    """
    paths = {
        str(path.relative_to(root)): path
        for path in sorted(root.rglob("*"))
        if path.is_file() and not {".progress", "shards"} & set(path.parts)
    }
    return {name: path for name, path in paths.items() if any(fnmatch(f"/{name}", f"*{kind}") for kind in KINDS)}


def equal(before: str, after: str) -> bool:
    """Compare two cells: as text, or as numbers when both are."""
    if before == after:
        return True
    try:
        return float(before) == float(after)
    except ValueError:
        return False


def csv_tables(text: str) -> list[Table]:
    """Read the one table of a CSV file."""
    return [list(csv.reader(text.splitlines()))]


def markdown_tables(text: str) -> list[Table]:
    """Read all tables of a Markdown file, without the lines between head and body."""
    tables: list[Table] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        if not inside:
            tables.append([])
            inside = True
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
            tables[-1].append(cells)
    return tables


def table_differences(name: str, title: str, before: Table, after: Table, renames: Renames) -> Iterator[str]:
    """Compare two tables of the file ``name``: columns by name in any order, rows in their order."""
    if not before or not after:
        if before != after:
            yield f"{title}: one of the two tables is empty"
        return
    columns_after = after[0]
    columns_before = [
        column if column in columns_after else renames.columns.get(column, column) for column in before[0]
    ]
    for column in dict.fromkeys(columns_before + columns_after):
        if (column in columns_before) != (column in columns_after) and not renames.ignores(name, column):
            yield f"{title}: column {column!r} is only in {'BEFORE' if column in columns_before else 'AFTER'}"
    if len(before) != len(after):
        yield f"{title}: {len(before) - 1} rows in BEFORE, {len(after) - 1} in AFTER"
        return
    for place, column in enumerate(columns_before):
        if column not in columns_after or renames.ignores(name, column):
            continue
        other = columns_after.index(column)
        for number, (row, changed) in enumerate(zip(before[1:], after[1:], strict=True), start=1):
            cell = replace(row[place], renames.words)
            if not equal(cell, changed[other]):
                yield f"{title}: row {number}, column {column!r}: {cell!r} in BEFORE, {changed[other]!r} in AFTER"


def tables_differences(
    name: str, before: Path, after: Path, renames: Renames, read: Callable[[str], list[Table]]
) -> Iterator[str]:
    """Compare the tables of two files, first with first and so on."""
    first, second = (read(path.read_text(encoding="utf-8")) for path in (before, after))
    if len(first) != len(second):
        yield f"{name}: {len(first)} tables in BEFORE, {len(second)} in AFTER"
        return
    for number, (one, other) in enumerate(zip(first, second, strict=True), start=1):
        title = name if len(first) == 1 else f"{name}: table {number}"
        yield from table_differences(name, title, one, other, renames)


def jobs(path: Path) -> dict[str, int]:
    """Read the number of jobs of each rule from the output of a dry run."""
    table = path.read_text(encoding="utf-8").partition("Job stats:")[2].partition("\n\n")[0]
    return {rule: int(count) for rule, count in re.findall(r"^(\w+)\s+(\d+)\s*$", table, re.MULTILINE)}


def plan_differences(name: str, before: Path, after: Path, renames: Renames) -> Iterator[str]:
    """Compare the numbers of jobs of two dry runs."""
    first = {renames.jobs.get(rule, rule): count for rule, count in jobs(before).items()}
    second = jobs(after)
    if not first or not second:
        yield f"{name}: holds no table of jobs"
    for rule in sorted(first.keys() | second.keys()):
        if first.get(rule) != second.get(rule):
            yield f"{name}: jobs of rule {rule}: {first.get(rule, 0)} in BEFORE, {second.get(rule, 0)} in AFTER"


def file_differences(name: str, before: Path, after: Path, renames: Renames) -> Iterator[str]:
    """Compare two files in the way of their kind."""
    if after.suffix == ".csv":
        yield from tables_differences(name, before, after, renames, csv_tables)
    elif after.suffix == ".md":
        yield from tables_differences(name, before, after, renames, markdown_tables)
    elif after.suffix == ".txt":
        yield from plan_differences(name, before, after, renames)
    elif before.read_bytes() != after.read_bytes():
        yield f"{name}: the bytes differ"


def compare(before: Path, after: Path, renames: Renames) -> tuple[list[str], Counter[str]]:
    """Compare two trees; the differences, one line each, and how many files of each kind were compared."""
    first = {replace(name, renames.files): path for name, path in files(before).items()}
    second = files(after)
    differences: list[str] = []
    compared: Counter[str] = Counter()
    for name in sorted(first.keys() | second.keys()):
        if renames.ignores(name):
            continue
        if name not in second or name not in first:
            differences.append(f"{name}: is only in {'BEFORE' if name in first else 'AFTER'}")
            continue
        compared[Path(name).suffix.removeprefix(".")] += 1
        differences.extend(file_differences(name, first[name], second[name], renames))
    return differences, compared


def pair(text: str) -> tuple[str, str]:
    """Read ``before=after`` of the command line."""
    before, sign, after = text.partition("=")
    if not sign or not before:
        raise argparse.ArgumentTypeError(f"{text!r} is not BEFORE=AFTER")
    return before, after


def read_renames(path: Path | None, columns: list[tuple[str, str]], ignore: list[str]) -> Renames:
    """Read the file of renames and add those of the command line."""
    content: dict[str, object] = {}
    if path is not None:
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise InputError(f"{path}: cannot be read: {str(error).splitlines()[0]}") from error
    tables: dict[str, dict[str, str]] = {}
    for key in ("files", "columns", "words", "jobs"):
        pairs = content.pop(key, {})
        if not isinstance(pairs, dict):
            raise InputError(f"{path}: {key}: must be pairs 'before: after'")
        tables[key] = {str(before): str(after) for before, after in pairs.items()}
    listed = content.pop("ignore", [])
    if content or not isinstance(listed, list):
        raise InputError(f"{path}: the keys are files, columns, words, jobs (pairs) and ignore (a list)")
    tables["columns"].update(columns)
    return Renames(**tables, ignore=tuple(map(str, [*listed, *ignore])))


def main(arguments: list[str] | None = None) -> None:
    """Compare the two trees that the command line names."""
    summary, _, description = (__doc__ or "").partition("\n")
    parser = argparse.ArgumentParser(
        prog="python -m tools.compare_results",
        description=f"{summary}\n{description}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("before", type=Path, metavar="BEFORE")
    parser.add_argument("after", type=Path, metavar="AFTER")
    parser.add_argument("--renames", type=Path, metavar="FILE", help="YAML file of renames (see tools/renames.yaml)")
    parser.add_argument("--column", type=pair, action="append", default=[], metavar="BEFORE=AFTER")
    parser.add_argument("--ignore", action="append", default=[], metavar="PATH[:COLUMN]")
    options = parser.parse_args(arguments)
    for folder in (options.before, options.after):
        if not folder.is_dir():
            raise InputError(f"{folder}: is not a folder")
    renames = read_renames(options.renames, options.column, options.ignore)
    differences, compared = compare(options.before, options.after, renames)
    for line in differences:
        print(line)
    counts = ", ".join(f"{count} {kind}" for kind, count in sorted(compared.items()))
    print(f"{len(differences)} differences in {sum(compared.values())} compared files ({counts or 'none'})")
    if differences or not compared:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
