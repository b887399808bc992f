"""The pictures of config/pictures.yaml: their images and methods at the active preset, and their specs."""

from __future__ import annotations

from benchmark.figures.specs import PictureImage, PictureMethod, PictureSpec
from workflow.planning import ablations, methods, paths, prompts
from workflow.planning.configuration import Configuration
from workflow.planning.settings import PictureChoice


def choices(bench: Configuration, name: str) -> list[PictureChoice]:
    """Return the images of a picture at the active preset: those of active test sets, or of its ablation's."""
    entry = bench.pictures[name]
    shown: tuple[str | None, ...] = bench.main.test_sets
    if entry.ablation:
        shown = (bench.ablations[entry.ablation].test_set.at(bench.main.preset),)
    return [choice for choice in entry.images if choice.test_set in shown]


def titles(bench: Configuration, name: str) -> dict[str, str]:
    """Return the methods of a picture and their titles: the active ones, or the first run of each ablation's row."""
    entry = bench.pictures[name]
    if entry.ablation:
        rows, runs = ablations.rows(bench, entry.ablation), ablations.runs(bench, entry.ablation)
        return {runs[variant][0]: title for variant, title in rows.items()}
    active = [method for method in methods.restored(bench) if method in entry.methods or not entry.methods]
    return {method: bench.methods[method].title for method in active}


def drawable(bench: Configuration) -> list[str]:
    """Return the pictures that have an image and a method at the active preset."""
    return [name for name in bench.pictures if choices(bench, name) and titles(bench, name)]


def active(bench: Configuration) -> list[str]:
    """Return the drawable pictures that the main file names."""
    return [name for name in bench.main.pictures if name in drawable(bench)]


def of_ablations(bench: Configuration) -> list[str]:
    """Return the drawable pictures that show the rows of an ablation."""
    return [name for name in drawable(bench) if bench.pictures[name].ablation]


def evaluations(bench: Configuration, name: str) -> list[str]:
    """Return the evaluation files that a picture shows values of, each once."""
    test_sets = dict.fromkeys(choice.test_set for choice in choices(bench, name))
    return [f"{bench.runs}/evaluate/{method}/{data}.csv" for data in test_sets for method in titles(bench, name)]


def test_sets(bench: Configuration, name: str) -> list[str]:
    """Return the test sets of a picture's images, each once."""
    return list(dict.fromkeys(choice.test_set for choice in choices(bench, name)))


def picture_spec(bench: Configuration, name: str) -> PictureSpec:
    """Return the spec of benchmark.figures.visual_comparison."""
    entry = bench.pictures[name]
    return PictureSpec(
        title=entry.title,
        preset=bench.main.preset,
        images=tuple(picture_image(bench, name, choice) for choice in choices(bench, name)),
        show_prompts=entry.ablation is not None,
        remarks=tuple(remarks(bench, name)),
    )


def remarks(bench: Configuration, name: str) -> list[str]:
    """Return what a picture lacks: skipped rows of its ablation, or baselines that are not active."""
    entry = bench.pictures[name]
    if entry.ablation:
        return list(ablations.skipped_rows(bench, entry.ablation).values())
    absent = [bench.methods[method].title for method in entry.methods if method in bench.baselines]
    absent = [title for title in absent if title not in titles(bench, name).values()]
    return [f"Not among the active methods: {', '.join(absent)}."] if absent else []


def picture_image(bench: Configuration, name: str, choice: PictureChoice) -> PictureImage:
    """Return one image of a picture: its folders, and those of each method."""
    test_set, folder = bench.test_sets[choice.test_set], paths.test_set_folder(bench, choice.test_set)
    shows_prompts = bench.pictures[name].ablation is not None
    shown = (
        PictureMethod(
            title=title,
            sr=paths.images_folder(bench, method, choice.test_set),
            rows=f"{bench.runs}/evaluate/{method}/{choice.test_set}.csv",
            prompts=next(iter(prompts.of_test_set(bench, method, choice.test_set)), None) if shows_prompts else None,
        )
        for method, title in titles(bench, name).items()
    )
    metrics = ("psnr", "lpips") if test_set.reference else ("niqe", "musiq")
    return PictureImage(
        image=choice.image,
        test_set=test_set.title,
        lr=f"{folder}/LR",
        hr=f"{folder}/HR" if test_set.reference else None,
        scale_factor=test_set.scale_factor,
        metrics=tuple(metric for metric in metrics if metric in bench.main.metrics),
        box=choice.box,
        methods=tuple(shown),
    )
