"""What Snakemake runs, what it runs again after an edit, and how it stops on bad configuration."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from tests.helpers import ROOT
from tests.workflow.repository_copy import Workflow

RENDERED = {
    "table": 1,
    "statistics": 1,
    "compare_published": 1,
    "agreement": 1,
    "radar": 1,
    "plot_visual_comparison": 1,
    "report": 1,
}
DOWNSTREAM = {"restore": 1, "evaluate": 1, **RENDERED}


def test_a_run_makes_everything_that_the_preset_defines(finished: Workflow) -> None:
    names = (
        "table1.csv table1.md table1.tex radar_demo-synthetic.png radar_demo-synthetic.svg picture_demo-synthetic.png"
        " statistics.csv pairwise.csv ranking.md compare_published.csv compare_published.md report/index.html"
        " agreement.png agreement.md critical_difference.png"
    )
    for name in [
        *names.split(),
        "statistics.csv",
        "pairwise.csv",
        "ranking.md",
        "radar_published_drealsr.png",
        "radar_published_drealsr.svg",
    ]:
        assert (finished.folder / "results" / name).stat().st_size > 0
    with (finished.folder / "results" / "table1.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["preset"], row["test_set"], row["method"], row["images"]) for row in rows] == [
        ("demo", "demo-synthetic", "Bicubic", "2"),
        ("demo", "demo-synthetic", "OSEDiff", "2"),
    ]
    assert all(5 < float(row["PSNR↑"]) < 60 for row in rows)


def test_snakemakes_report_has_tables_and_figures_by_category(finished: Workflow) -> None:
    assert "`snakemake --report report.html`" in (ROOT / "README.md").read_text(encoding="utf-8")
    code, output = finished.run_by_itself("--report", "report.html")
    assert code == 0, output
    text = (finished.folder / "report.html").read_text(encoding="utf-8")
    (finished.folder / "report.html").unlink()
    for name in ("table1.html", "ranking.html", "protocol.html", "radar_demo-synthetic.png"):
        assert f'"results/{name}"' in text
    assert '"results/table1.md"' not in text and '"Tables"' in text and '"Figures"' in text


def test_an_unchanged_tree_has_nothing_to_do(finished: Workflow) -> None:
    assert finished.planned() == {}


def test_an_edited_variant_runs_again_and_nothing_else_does(finished: Workflow) -> None:
    with finished.edited("config/variants.yaml", "osediff: {}", "osediff: {rank_unet: 2}"):
        assert finished.planned() == {"train": 1, **DOWNSTREAM}


def test_other_prompts_add_their_extraction_and_nothing_else(finished: Workflow) -> None:
    with finished.edited("config/variants.yaml", "osediff: {}", "osediff: {prompts: dape}"):
        extraction = {"prompt_weights": 3, "prompts_of_training": 1, "prompts_of_test_set": 1}
        assert finished.planned() == {"train": 1, **extraction, **DOWNSTREAM}


def test_a_new_variant_leaves_the_others_alone(finished: Workflow) -> None:
    with finished.edited("config/variants.yaml", "osediff: {}", "osediff: {}\n  narrow: {rank_unet: 2}"):
        assert finished.planned() == {}


def test_a_new_method_runs_itself_and_what_shows_it(finished: Workflow) -> None:
    entry = "nearest: {title: Nearest, steps: 0, kind: interpolation, kernel: nearest}\nosediff:"
    with (
        finished.edited("config/methods.yaml", "osediff:", entry),
        finished.edited("config/config.yaml", "- bicubic\n- osediff\n", "- bicubic\n- osediff\n- nearest\n"),
    ):
        assert finished.planned() == {
            "interpolate": 1,
            "evaluate": 1,
            "table": 1,
            "statistics": 1,
            "compare_published": 1,
            "agreement": 1,
            "radar": 1,
            "plot_visual_comparison": 1,
            "report": 1,
        }


def test_a_run_without_network_runs_nothing_again(finished: Workflow) -> None:
    assert finished.planned("--config", "offline=true") == {}


def test_edited_plotting_code_runs_plots_only(finished: Workflow) -> None:
    with finished.edited("benchmark/figures/radar.py", "from __future__", "# edited\nfrom __future__"):
        assert finished.planned() == {"radar": 1, "published_radar": 1, "onestep_radar": 1, "report": 1}


@pytest.mark.parametrize("module", ["train", "losses/vsd", "losses/perceptual"])
def test_edited_training_code_runs_training(finished: Workflow, module: str) -> None:
    with finished.edited(f"osediff/{module}.py", "from __future__", "# edited\nfrom __future__"):
        assert finished.planned() == {"train": 1, **DOWNSTREAM}


def test_touched_files_and_other_versions_run_nothing(finished: Workflow) -> None:
    for name in ("osediff/train.py", "benchmark/evaluation/evaluate.py", "backbones/demo/vae/config.json"):
        (finished.folder / name).touch()
    with finished.edited("environment.yml", "dependencies:", "# a note\ndependencies:"):
        assert finished.planned() == {}


def test_a_title_renders_the_table_and_measures_nothing(finished: Workflow) -> None:
    with finished.edited("config/methods.yaml", "title: OSEDiff", "title: Ours"):
        assert finished.planned() == RENDERED


def test_a_deleted_figure_is_one_job(finished: Workflow) -> None:
    figure = finished.folder / "results" / "radar_demo-synthetic.png"
    before = figure.read_bytes()
    figure.unlink()
    assert finished.planned(str(figure.relative_to(finished.folder))) == {"radar": 1}
    code, output = finished.run_by_itself("results/radar_demo-synthetic.png")
    assert code == 0, output
    assert figure.read_bytes() == before


def test_new_metric_weights_make_the_rows_again(
    finished: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert finished.environment is not None
    weights = tmp_path / "hub" / "checkpoints" / "alexnet-owt-7be5be79.pth"
    weights.parent.mkdir(parents=True)
    weights.write_bytes(b"")
    monkeypatch.setitem(finished.environment, "TORCH_HOME", str(tmp_path))
    assert finished.planned("results/table1.csv") == {"evaluate": 2, "table": 1}


def test_weights_fetched_by_hand_make_the_rows_again(finished: Workflow) -> None:
    weights = finished.folder / "data" / "weights" / "lpips-alex.safetensors"
    weights.write_bytes(b"by hand")
    try:
        assert finished.planned("results/table1.csv") == {"evaluate": 2, "table": 1}
    finally:
        weights.unlink()


def test_weights_that_are_the_same_as_before_measure_nothing_again(finished: Workflow) -> None:
    """Another choice of weights runs the rule; where it brings nothing new, what was measured stays."""
    with finished.edited("config/config.yaml", "metric_weights: none", "metric_weights: all"):
        assert finished.planned("data/weights/brought.json") == {"metric_weights": 1}
    weights = finished.folder / "data" / "weights" / "brought.json"
    before = weights.stat().st_mtime_ns
    code, output = finished.run("--forcerun", "metric_weights", "--", "data/weights/brought.json")
    assert code == 0, output
    assert weights.stat().st_mtime_ns > before
    assert finished.planned("results/table1.csv") == {}


@pytest.mark.parametrize(
    ("file", "text", "replacement", "message"),
    [
        ("config/config.yaml", "methods:", "methodes:", "unknown key 'methodes', did you mean methods?"),
        ("config/variants.yaml", "osediff: {}", "osediff: {rnk_unet: 2}", "unknown key 'rnk_unet'"),
    ],
)
def test_a_mistake_is_one_line_before_anything_runs(
    finished: Workflow, file: str, text: str, replacement: str, message: str
) -> None:
    with finished.edited(file, text, replacement):
        code, output = finished.dry_run("results/table1.csv")
    assert code != 0
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert message in line
    assert "Traceback" not in output and "Building DAG" not in output


def test_the_paper_preset_plans_its_jobs_where_none_of_its_data_is(fresh: Workflow) -> None:
    assert fresh.planned("--configfile", "config/paper.yaml") == {
        "check_test_set": 3,
        "fetch_backbone": 1,
        "prompt_weights": 3,
        "prompts_of_training": 1,
        "prompts_of_test_set": 3,
        "list_photos": 1,
        "train": 1,
        "convert_official": 1,
        "interpolate": 3,
        "baseline_weights": 1,
        "restore_baseline": 30,
        "restore": 6,
        "fetch_images": 3,
        "evaluate": 42,
        "metric_weights": 1,
        "loss_weights": 1,
        "table": 3,
        "statistics": 1,
        "compare_published": 1,
        "agreement": 1,
        "protocol": 1,
        "radar": 3,
        "published_radar": 1,
        "published_onestep": 1,
        "onestep_radar": 1,
        "plot_visual_comparison": 3,
        "user_study": 1,
        "report": 1,
    }


def test_the_official_checkpoint_and_images_are_measured_without_training(fresh: Workflow) -> None:
    only = "methods=[osediff-official, osediff-official-images]"
    assert fresh.planned("results/table1.csv", "--configfile", "config/paper.yaml", "--config", only) == {
        "check_test_set": 3,
        "fetch_backbone": 1,
        "prompt_weights": 3,
        "prompts_of_test_set": 3,
        "convert_official": 1,
        "restore": 3,
        "fetch_images": 3,
        "metric_weights": 1,
        "evaluate": 6,
        "table": 1,
    }


@pytest.mark.parametrize("target", ["table4", "all"])
def test_the_papers_ablations_plan_their_jobs(fresh: Workflow, target: str) -> None:
    """One training, restoration and evaluation of each variant; all tables together share the default's."""
    names = [f"table{number}" for number in range(3, 8)] if target == "all" else [target]
    jobs = fresh.planned("--configfile", "config/paper.yaml", "--", *(f"results/{name}.csv" for name in names))
    # RealSR, and DrealSR for Table 4, on which the default is measured too.
    trained, sets = (12, 2) if target == "all" else (2, 1)
    assert jobs == {
        "fetch_backbone": 1,
        "list_photos": 1,
        "prompt_weights": 3,  # RAM, its tags, DAPE
        "prompts_of_training": 1,  # one stream of crops for all variants
        "prompts_of_test_set": sets,
        "check_test_set": sets,
        "train": trained,
        "restore": trained + sets - 1,
        "evaluate": trained + sets - 1,
        "metric_weights": 1,
        "loss_weights": 2 if target == "all" else 1,  # LPIPS with VGG16; CLIP of the GAN loss
        "ablation": len(names),
    }


@pytest.mark.parametrize(
    ("options", "targets"),
    [
        ((), ["all", "ablations", "scaling", "roofline", "runs/demo/backbones/demo-retrained"]),
        (("--configfile", "config/paper.yaml"), ["all", "ablations", "data/backbones/sd2.1-random/manifest.json"]),
    ],
)
def test_settings_travel_in_files_not_as_json_on_command_lines(
    fresh: Workflow, options: tuple[str, ...], targets: list[str]
) -> None:
    rest = ["results/table2.csv", "results/training_cost.md", "baseline_sources"]
    code, output = fresh.dry_run(*targets, *rest, "--printshellcmds", *options)
    assert code == 0, output
    commands = [text.split("Shell command: ", 1)[1] for text in output.splitlines() if "Shell command: " in text]
    modules = {module for command in commands for module in re.findall(r" -m (\S+)", command)}
    assert {"osediff.train", "benchmark.tables.quality", "benchmark.complexity.flops"} < modules
    for command in commands:
        assert not set("{}[]") & set(command), command


def test_the_demo_plans_its_jobs(fresh: Workflow) -> None:
    jobs = fresh.planned()
    assert jobs["cut_test_set"] == jobs["degrade_test_set"] == jobs["check_test_set"] == 3
    assert (jobs["photos"], jobs["train"], jobs["evaluate"], jobs["table"]) == (1, 1, 9, 2)


def test_a_test_set_without_hr_images_is_a_table_of_its_own(fresh: Workflow) -> None:
    config = ("--config", "test_sets=[demo-synthetic, realset65]", "tables=[table1, no-reference]", "pictures=[]")
    assert fresh.planned("results/no-reference.csv", *config, "methods=[bicubic]") == {
        "check_test_set": 1,
        "interpolate": 1,
        "metric_weights": 1,
        "evaluate": 1,
        "table": 1,
    }
    radars = ("results/radar_demo-synthetic.png", "results/radar_realset65.png")
    jobs = fresh.planned(*radars, *config, "methods=[bicubic]")
    assert (jobs["evaluate"], jobs["table"], jobs["radar"]) == (2, 2, 2), "each radar from the table of its test set"
