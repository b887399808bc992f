"""Training: it learns, it can be killed and continued to the same weights, and it stops clearly on bad input."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from osediff.common.errors import InputError
from osediff.common.images import read_rgb
from osediff.losses.objective import Objective
from osediff.train import divergence, train
from osediff.training.distributed import Options
from osediff.training.sample_rng import SampleRNG
from tests.osediff.tiny import RECIPE


def run_command(photos: Path, backbone: Path, out: Path, recipe: dict[str, Any]) -> list[str]:
    """The command line of a training run."""
    options = ["--photos", photos, "--backbone", backbone, "--out", out, "--threads", 1, "--recipe", json.dumps(recipe)]
    return [sys.executable, "-m", "osediff.train", *map(str, options)]


def test_interrupted_training_ends_with_the_same_weights(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    recipe = RECIPE | {"steps": 30, "checkpoint_every": 7}
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    subprocess.run(run_command(photos, backbone_folder, whole, recipe), check=True, capture_output=True)
    command = run_command(photos, backbone_folder, broken, recipe)
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not (broken / "state" / "state.pt").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not (broken / "adapters.safetensors").exists()
    subprocess.run(command, check=True, capture_output=True)
    assert (broken / "adapters.safetensors").read_bytes() == (whole / "adapters.safetensors").read_bytes()
    assert (broken / "log.jsonl").read_text() == (whole / "log.jsonl").read_text()
    assert not (broken / "state" / "state.pt").exists()


@pytest.fixture
def stopped_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the next training stop, as by Ctrl-C, after so many micro-batches."""

    def stop_after(count: int) -> None:
        calls, whole = iter(range(count + 1)), Objective.generator_loss

        def stopping(self: Objective, *args: Any) -> Any:
            if next(calls) == count:
                monkeypatch.setattr(Objective, "generator_loss", whole)
                raise KeyboardInterrupt
            return whole(self, *args)

        monkeypatch.setattr(Objective, "generator_loss", stopping)

    return stop_after


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapters.safetensors")


def test_a_state_of_other_settings_is_not_taken_up(
    photos: Path, backbone_folder: Path, tmp_path: Path, stopped_after: Callable[[int], None]
) -> None:
    torch.set_num_threads(1)
    first = tmp_path / "first"
    stopped_after(3)
    with pytest.raises(KeyboardInterrupt):
        train(RECIPE | {"learning_rate": 0.1}, photos, backbone_folder, 0, first)
    assert (first / "state" / "state.pt").exists()
    train(RECIPE, photos, backbone_folder, 0, first)
    train(RECIPE, photos, backbone_folder, 0, tmp_path / "second")
    mine, other = weights(first), weights(tmp_path / "second")
    assert all(torch.equal(mine[name], other[name]) for name in other)


def test_divergence_is_a_result(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    recipe = RECIPE | {"learning_rate": 1e30, "checkpoint_every": 1}
    command = [*run_command(photos, backbone_folder, tmp_path, recipe), "--divergence", "record"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    outcome = json.loads((tmp_path / "outcome.json").read_text())
    assert outcome["converged"] is False and re.search("not finite|above 1000", outcome["reason"])
    assert len(outcome["photos"]) == RECIPE["batch"] and outcome["photos"][0].startswith("photo")
    assert outcome["last_good"] == outcome["step"] <= 2
    assert f"did not converge: {outcome['reason']} at step {outcome['step']}" in done.stderr
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path).values())
    told = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()][-1]
    assert (told["step"], told["diverged"]) == (outcome["step"] + 1, outcome["reason"]) and "mse" in told


def test_a_loss_above_the_bound_is_divergence_too() -> None:
    assert divergence({"mse": 1001.0}, {"mse"}) == "mse is 1e+03, above 1000"
    assert divergence({"mse": 999.0, "generator_gradient": 1e6}, {"mse"}) == ""
    assert divergence({"generator_gradient": math.inf}, set()) == "generator_gradient is not finite"
    assert divergence({"vsd": math.nan}, set()) == "vsd is not finite"


def test_a_batch_in_parts_trains_as_the_whole(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = RECIPE | {"batch": 4, "steps": 3}
    train(recipe, photos, backbone_folder, 0, tmp_path / "whole")
    train(recipe, photos, backbone_folder, 0, tmp_path / "parts", Options(micro_batch=1))
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    # AdamW's first steps have the size of the rate whatever the gradient's, so rounding errors near zero show.
    assert all(torch.allclose(one[name], other[name], atol=2e-5) for name in one)
    assert max(float((one[name] - other[name]).abs().mean()) for name in one) < 1e-6


def test_two_processes_train_as_one(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    recipe = RECIPE | {"batch": 4, "steps": 3}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launch, *run_command(photos, backbone_folder, tmp_path / "two", recipe)[1:]]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "two" / "provenance.json").read_text())["processes"] == 2
    subprocess.run(run_command(photos, backbone_folder, tmp_path / "one", recipe), check=True, capture_output=True)
    one, other = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(one[name], other[name], atol=2e-5) for name in one)
    assert max(float((one[name] - other[name]).abs().mean()) for name in one) < 1e-6
    one_log, two_log = ((tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two"))
    assert json.loads(two_log[0])["vsd"] == pytest.approx(json.loads(one_log[0])["vsd"], rel=1e-4)


def test_measuring_on_the_way_changes_nothing(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    for name, every in (("often", 1), ("once", 100)):
        train(RECIPE | {"validate_every": every}, photos, backbone_folder, 0, tmp_path / name)
    assert all(torch.equal(weights(tmp_path / "often")[k], v) for k, v in weights(tmp_path / "once").items())
    log = [json.loads(line) for line in (tmp_path / "often" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    assert all(5 < row["validation_psnr"] < 60 and row["validation_perceptual"] > 0 for row in log)
    picture = read_rgb(tmp_path / "often" / "samples" / "000006.png")
    assert picture.shape == (4 * 32, 3 * 32, 3)  # four pairs; LQ, restored, HQ


def test_validation_psnr_is_that_of_the_crops(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    """The last picture holds restored and true crops in 8 bits: their PSNR is the logged one, up to rounding."""
    torch.set_num_threads(1)
    train(RECIPE, photos, backbone_folder, 0, tmp_path)
    picture = read_rgb(tmp_path / "samples" / "000006.png").astype(float)
    restored, true = (picture[:, start : start + 32].reshape(4, -1) for start in (32, 64))
    psnr = np.mean(10 * np.log10(255**2 / ((restored - true) ** 2).mean(1)))
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert last["validation_psnr"] == pytest.approx(psnr, abs=0.05)


def test_gradient_checkpointing_changes_memory_and_nothing_else(
    photos: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    torch.set_num_threads(1)
    recipe = RECIPE | {"tune": {"vae_encoder": True, "vae_decoder": True, "unet": True}, "steps": 3}
    train(recipe, photos, backbone_folder, 0, tmp_path / "plain")
    train(recipe, photos, backbone_folder, 0, tmp_path / "less", Options(gradient_checkpointing=True))
    one, other = weights(tmp_path / "plain"), weights(tmp_path / "less")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_bf16_trains_adapters_in_fp32(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    command = run_command(photos, backbone_folder, tmp_path / "half", RECIPE | {"steps": 4})
    subprocess.run([*command, "--precision", "bf16"], check=True, capture_output=True)
    train(RECIPE | {"steps": 4}, photos, backbone_folder, 0, tmp_path / "full")
    half, full = weights(tmp_path / "half"), weights(tmp_path / "full")
    assert all(tensor.dtype == torch.float32 for tensor in half.values())
    moved = torch.cat([(half[name] - full[name]).flatten() for name in full]).norm()
    assert moved < 0.2 * torch.cat([tensor.flatten() for tensor in full.values()]).norm()


def test_tensorboard_and_log_say_the_same(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    torch.set_num_threads(1)
    train(RECIPE, photos, backbone_folder, 0, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for name in ("mse", "vsd", "diffusion", "generator_gradient", "regularizer_gradient", "validation_psnr"):
        written = [(scalar.step, scalar.value) for scalar in events.Scalars(name)]
        assert written == [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in log]


def test_the_loss_falls(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = RECIPE | {"steps": 100, "learning_rate": 5e-3, "batch": 4, "checkpoint_every": 100}
    recipe["loss"] = RECIPE["loss"] | {"regularizer": {"kind": "none"}}
    train(recipe, photos, backbone_folder, 0, tmp_path)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    total = [row["mse"] + 2 * row["perceptual"] for row in log]
    assert sum(total[-3:]) < 0.8 * sum(total[:3])


def test_what_is_tuned_is_what_changes(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    for part in ("vae_encoder", "vae_decoder", "unet"):
        tune = {"vae_encoder": False, "vae_decoder": False, "unet": False} | {part: True}
        train(RECIPE | {"tune": tune, "steps": 2}, photos, backbone_folder, 0, tmp_path / part)
        names = load_file(tmp_path / part / "adapters.safetensors")
        prefix = {
            "vae_encoder": ("vae.encoder.", "vae.quant_conv."),
            "vae_decoder": ("vae.decoder.", "vae.post_quant_conv."),
        }
        assert names and all(name.startswith(prefix.get(part, ("unet.",))) for name in names)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"crop": 64}, "smaller than the training crop"), ({"learning_rate": 1e30}, "did not converge: ")],
)
def test_bad_settings_stop_with_one_line(
    photos: Path, backbone_folder: Path, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    done = subprocess.run(
        run_command(photos, backbone_folder, tmp_path, RECIPE | change), capture_output=True, text=True
    )
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 1 and message in errors[0]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (Options(precision="fp16"), "fp16 training needs a GPU"),
        (Options(device="cuda"), "no GPU here"),
    ],
)
def test_options_that_cannot_be(
    photos: Path, backbone_folder: Path, tmp_path: Path, options: Options, message: str
) -> None:
    if torch.cuda.is_available() and options.device == "cuda":
        pytest.skip("there is a GPU")
    with pytest.raises(InputError, match=message):
        train(RECIPE, photos, backbone_folder, 0, tmp_path, options)


def test_two_trainings_into_one_folder(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    command = run_command(photos, backbone_folder, tmp_path, RECIPE | {"steps": 10_000})
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not (tmp_path / "state" / "state.pt").exists():
            assert first.poll() is None
            time.sleep(0.1)
        second = subprocess.run(command, capture_output=True, text=True)
        assert second.returncode == 2
        assert "another run" in second.stderr
    finally:
        os.kill(first.pid, signal.SIGKILL)
        first.wait()


def test_variants_of_one_seed_see_the_same_pairs_noise_and_timesteps(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Common random numbers: what ablations compare differs by the variant, not by luck."""
    seen: list[torch.Tensor] = []

    class Watched(SampleRNG):
        def normal(self, like: torch.Tensor) -> torch.Tensor:
            seen.append(super().normal(like))
            return seen[-1]

        def integers(self, low: int, high: int) -> torch.Tensor:
            seen.append(super().integers(low, high))
            return seen[-1]

    whole = Objective.generator_loss

    def watched(self: Objective, lq: torch.Tensor, hq: torch.Tensor, *rest: Any) -> Any:
        seen.extend([lq, hq])
        return whole(self, lq, hq, *rest)

    monkeypatch.setattr("osediff.train.SampleRNG", Watched)
    monkeypatch.setattr(Objective, "generator_loss", watched)
    streams = []
    for name, change in {
        "default": {},
        "rank": {"rank_vae": 4, "rank_unet": 8},
        "tune": {"tune": {"vae_encoder": True, "vae_decoder": True, "unet": True}},
    }.items():
        seen.clear()
        train(RECIPE | {"steps": 1} | change, photos, backbone_folder, seed=3, out=tmp_path / name)
        streams.append(list(seen))
    first, *others = streams
    assert len(first) == 7  # LQ, HQ, posterior, then noise and timesteps of both losses of the regularizer
    assert all(len(other) == len(first) and all(map(torch.equal, other, first)) for other in others)
