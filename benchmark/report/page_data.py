"""The data that the page's script reads: every value, the pairwise statistics, and where the images are.

It is JSON, compressed and in base64, inside the page: a page from disk cannot load other files. Values are whole
numbers, in units of two digits more than tables print.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from benchmark.data.testsets import Manifest
from benchmark.evaluation import results
from benchmark.evaluation.results import Metrics
from benchmark.report.images import Placement, chosen_images, file_names
from benchmark.report.specs import MethodFiles, ReportSpec, TestSetFiles
from benchmark.statistics.pairwise import PAIRS
from osediff.common.errors import InputError
from osediff.common.files import JSON, read_json, read_object
from osediff.common.settings import parse

EXTRA_DIGITS = 2


@dataclass(frozen=True)
class Measured:
    """What was measured: a spec, the metrics of the registry, rows, and pairwise statistics as printed."""

    spec: ReportSpec
    metrics: Metrics
    frame: pd.DataFrame
    pairs: pd.DataFrame

    @property
    def image_metrics(self) -> list[str]:
        """The metrics of single images that have a value."""
        measured = set(self.frame.loc[self.frame["value"].notna(), "metric"])
        names = [name for name in self.spec.comparison.metrics if name in measured]
        return [name for name in names if self.metrics[name].level == "image"]


def read_pairs(path: Path) -> pd.DataFrame:
    """Read the pairwise statistics; a file with no pair of methods is an empty frame."""
    what = "the pairs of benchmark.statistics.pairwise; make it anew"
    numeric = ("images", "difference", "low", "high", "p_bootstrap", "p_wilcoxon")
    if len(results.read_utf8(path, what).splitlines()) == 1:
        return pd.DataFrame(columns=list(PAIRS))
    return results.read_rendered(path, PAIRS, numeric, what)


def page_data(measured: Measured, placement: Placement) -> JSON:
    """Place the images of every test set, and describe them and all values."""
    spec = measured.spec
    return {
        "methods": [{"id": name, "title": method.title} for name, method in spec.comparison.methods.items()],
        "metrics": [
            {
                "id": name,
                "title": measured.metrics[name].title,
                "higher": measured.metrics[name].higher_is_better,
                "decimals": measured.metrics[name].decimals,
            }
            for name in measured.image_metrics
        ],
        "extraDigits": EXTRA_DIGITS,
        "sets": [test_set_data(measured, placement, name) for name in spec.comparison.test_sets],
    }


def test_set_data(measured: Measured, placement: Placement, test_set: str) -> JSON:
    """Describe one test set: its images, where they are, their values and prompts, and the pairs of methods."""
    spec, frame = measured.spec, measured.frame
    of_set = frame[frame["test_set"] == test_set]
    images, kept = chosen_images(frame, test_set, measured.metrics, spec.choice.images)
    names = dict(zip(images, file_names(images), strict=True))
    wanted = {image: names[image] for image in kept}
    files, title = spec.test_sets[test_set], spec.comparison.test_sets[test_set].title
    lr, hr = place_references(placement, files, test_set, wanted, title)
    copied = spec.choice.methods or tuple(spec.methods)
    methods = {
        name: place_method(placement, spec.methods[name][test_set], f"{test_set}/{name}", wanted, method.title)
        for name, method in spec.comparison.methods.items()
        if name in copied and results.has_values(of_set[of_set["method"] == name])
    }
    shown = next(filter(None, [hr, *methods.values(), lr]), {})
    for image, path in shown.items():
        placement.thumbnail(path, f"thumbnails/{test_set}/{names[image]}.webp")
    positions = {image: index for index, image in enumerate(images)}
    return {
        "id": test_set,
        "title": title,
        "images": images,
        "files": ["" if names[image] == image else names[image] for image in images],
        "sizes": image_sizes(Path(files.manifest), images),
        "shown": {
            name: None if len(here) == len(images) else [positions[image] for image in here]
            for name, here in {"LR": lr, "HR": hr, **methods}.items()
        },
        "thumbnails": None if len(shown) == len(images) else [positions[image] for image in shown],
        "values": {name: values(measured, of_set, name, images) for name in measured.image_metrics},
        "pairs": pairs(measured, test_set),
        "prompts": {name: prompts for name in methods if (prompts := prompt_texts(spec.methods[name][test_set]))},
    }


def place_references(
    placement: Placement, files: TestSetFiles, test_set: str, wanted: dict[str, str], title: str
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Place the LR and the HR images of a test set; return those that are there."""
    lr = placement.folder(Path(files.lr), f"images/{test_set}/LR", wanted, f"LR of {title}")
    hr = placement.folder(Path(files.hr), f"images/{test_set}/HR", wanted, f"HR of {title}") if files.hr else {}
    return lr, hr


def place_method(
    placement: Placement, files: MethodFiles, place: str, wanted: dict[str, str], title: str
) -> dict[str, Path]:
    """Place the SR images of a method; return those that are there."""
    return placement.folder(Path(files.sr), f"images/{place}", wanted, title)


def image_sizes(manifest: Path, images: list[str]) -> JSON:
    """Return width and height of each SR image; a single pair if all are equal."""
    content = parse(read_json(manifest), Manifest, str(manifest))
    sizes = []
    for image in images:
        if image not in content.images:
            raise InputError(f"{manifest}: has no image {image}, which was measured; check the test set again")
        width, height = content.images[image].lr
        sizes.append([width * content.scale_factor, height * content.scale_factor])
    return sizes[0] if sizes and all(size == sizes[0] for size in sizes) else sizes


def values(measured: Measured, of_set: pd.DataFrame, metric: str, images: list[str]) -> JSON:
    """Return the values of a metric, by method and image, in units of its last digit; null for a method without."""
    unit = 10.0 ** (measured.metrics[metric].decimals + EXTRA_DIGITS)
    listed: list[JSON] = []
    for method in measured.spec.comparison.methods:
        series = results.values(of_set[of_set["method"] == method], metric)
        numbers = [series.get(image) for image in images] if len(series) < len(images) else series.to_list()
        listed.append([None if v is None else round(v * unit) for v in numbers] if len(series) else None)
    return listed


def pairs(measured: Measured, test_set: str) -> JSON:
    """Return the pairwise statistics of a test set, by metric: two methods, difference, interval, p-values, better."""
    order = {method.title: index for index, method in enumerate(measured.spec.comparison.methods.values())}
    by_metric: dict[str, list[JSON]] = {}
    for row in measured.pairs[measured.pairs["test_set"] == test_set].to_dict("records"):
        numbers = [float(row[key]) for key in ("difference", "low", "high", "p_bootstrap", "p_wilcoxon")]
        pair = [order[row["method"]], order[row["other"]], *numbers, order.get(row["better"], -1)]
        by_metric.setdefault(row["metric"], []).append(pair)
    return by_metric


def prompt_texts(files: MethodFiles) -> JSON:
    """Return the prompts of a method: a text for each image, or one text for all; empty if there is none."""
    if files.prompts and Path(files.prompts).is_file():
        return dict(read_object(Path(files.prompts)).get("prompts", {}))
    record = read_object(Path(files.record)) if files.record and Path(files.record).is_file() else {}
    return str(record.get("prompt", ""))


def encode(content: JSON) -> str:
    """Return ``content`` as compressed JSON in base64, the same text for the same content."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(gzip.compress(text.encode(), 9, mtime=0)).decode()
