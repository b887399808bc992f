"""Training: it learns, it can be killed and continued to the same weights, and it stops clearly on bad input."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from osediff import train as command
from osediff.common.errors import InputError
from osediff.common.files import lock
from osediff.common.images import read_rgb
from osediff.losses.objective import Objective
from osediff.outcome import read_outcome
from osediff.recipe import Compute
from osediff.training.sample_rng import SampleRNG
from tests.osediff.tiny import RECIPE, edit, run_training, training_command


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread, and no precision that an earlier training of this process chose."""
    torch.set_num_threads(1)
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "adapters.safetensors")


def run_command(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    """``python -m osediff.train`` in this process."""
    monkeypatch.setattr(sys, "argv", ["train", *arguments])
    command.main()


def test_interrupted_training_ends_with_the_same_weights(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = edit({"steps": 24, "checkpoint_every": 7})
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run_training(recipe, photos, backbone_folder, 0, whole)
    arguments = training_command(photos, backbone_folder, broken, recipe)
    process = subprocess.Popen([sys.executable, "-m", "osediff.train", *arguments], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while not (broken / "state" / "state.pt").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    assert not (broken / "adapters.safetensors").exists()
    run_command(monkeypatch, arguments)
    assert (broken / "adapters.safetensors").read_bytes() == (whole / "adapters.safetensors").read_bytes()
    assert (broken / "log.jsonl").read_text() == (whole / "log.jsonl").read_text()
    assert not (broken / "state").exists()


def test_a_state_of_other_settings_is_never_lost(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    stopped_after: Callable[[int], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    stopped_after(3)
    with pytest.raises(KeyboardInterrupt):
        run_training(edit({"learning_rate": 0.1}), photos, backbone_folder, 0, first)
    state = (first / "state" / "state.pt").read_bytes()
    with pytest.raises(InputError, match=r"recipe\.learning_rate was 0\.1, is 0\.001.*--restart starts afresh"):
        run_training(RECIPE, photos, backbone_folder, 0, first)
    assert (first / "state" / "state.pt").read_bytes() == state
    run_training(RECIPE, photos, backbone_folder, 0, first, restart="if-changed")
    assert "recipe.learning_rate was 0.1" in capsys.readouterr().err
    assert (first / "state-1" / "state.pt").read_bytes() == state
    run_training(RECIPE, photos, backbone_folder, 0, second)
    mine, other = weights(first), weights(second)
    assert all(torch.equal(mine[name], other[name]) for name in other)


@pytest.mark.parametrize("content", [b"", b"half a file", None], ids=["empty", "damaged", "foreign"])
def test_an_unreadable_state_is_one_line(
    photos: Path, backbone_folder: Path, tmp_path: Path, content: bytes | None
) -> None:
    (tmp_path / "state").mkdir()
    if content is None:
        torch.save({"another": torch.zeros(3)}, tmp_path / "state" / "state.pt")
    else:
        (tmp_path / "state" / "state.pt").write_bytes(content)
    with pytest.raises(InputError, match="not a readable training state; --restart starts afresh"):
        run_training(RECIPE, photos, backbone_folder, 0, tmp_path)


def test_divergence_is_a_result(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    recipe = edit({"learning_rate": 1e30, "checkpoint_every": 1})
    out = tmp_path / "out"
    arguments = training_command(photos, backbone_folder, out, recipe)
    with pytest.raises(InputError, match=r"did not converge: .*; adapters\.safetensors is of step"):
        run_command(monkeypatch, arguments)
    run_command(monkeypatch, [*arguments, "--divergence", "record"])
    outcome = read_outcome(out)
    assert not outcome.converged and outcome.reason and re.search("not finite|above 1000", outcome.reason)
    assert outcome.photos and len(outcome.photos) == RECIPE.batch and outcome.photos[0].startswith("photo")
    assert outcome.last_good == outcome.step and outcome.step is not None and outcome.step <= 2
    assert f"did not converge: {outcome.reason} at step {outcome.step}" in capsys.readouterr().err
    assert all(tensor.isfinite().all() for tensor in weights(out).values())
    row = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()][-1]
    assert (row["step"], row["diverged"]) == (outcome.step + 1, outcome.reason) and "mse" in row


def test_two_processes_train_as_one(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    recipe = edit({"batch": 4, "steps": 3})
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    arguments = training_command(photos, backbone_folder, tmp_path / "two", recipe)
    done = subprocess.run([*launch, "-m", "osediff.train", *arguments], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "two" / "provenance.json").read_text())["processes"] == 2
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "one")
    one, other = weights(tmp_path / "one"), weights(tmp_path / "two")
    assert all(torch.allclose(one[name], other[name], atol=2e-5) for name in one)
    assert max(float((one[name] - other[name]).abs().mean()) for name in one) < 1e-6
    one_log, two_log = ((tmp_path / name / "log.jsonl").read_text().splitlines() for name in ("one", "two"))
    assert json.loads(two_log[0])["vsd"] == pytest.approx(json.loads(one_log[0])["vsd"], rel=1e-4)


def test_bf16_trains_adapters_in_fp32(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    run_training(edit({"steps": 4}), photos, backbone_folder, 0, tmp_path / "half", Compute(precision="bf16"))
    AcceleratorState._reset_state(reset_partial_state=True)
    run_training(edit({"steps": 4}), photos, backbone_folder, 0, tmp_path / "full")
    half, full = weights(tmp_path / "half"), weights(tmp_path / "full")
    assert all(tensor.dtype == torch.float32 for tensor in half.values())
    moved = torch.cat([(half[name] - full[name]).flatten() for name in full]).norm()
    assert moved < 0.2 * torch.cat([tensor.flatten() for tensor in full.values()]).norm()


@pytest.mark.parametrize(
    ("change", "message"),
    [({"crop": 64}, "smaller than the training crop"), ({"learning_rate": 1e30}, "did not converge: ")],
)
def test_bad_settings_stop_with_one_line(
    photos: Path,
    backbone_folder: Path,
    tmp_path: Path,
    change: dict[str, Any],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InputError, match=message) as error:
        run_command(monkeypatch, training_command(photos, backbone_folder, tmp_path / "out", edit(change)))
    assert "\n" not in str(error.value)


def test_fp16_needs_a_gpu(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="fp16 training needs a GPU"):
        run_training(RECIPE, photos, backbone_folder, 0, tmp_path, Compute(precision="fp16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_here_is_one_line(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no GPU here"):
        run_training(RECIPE, photos, backbone_folder, 0, tmp_path, device="cuda")


def test_two_trainings_into_one_folder(
    photos: Path, backbone_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    with lock(out / ".lock"), pytest.raises(InputError, match="another run"):
        run_command(monkeypatch, training_command(photos, backbone_folder, out, RECIPE))


def test_a_batch_in_parts_trains_as_the_whole(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    recipe = edit({"batch": 4, "steps": 3})
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "whole")
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "parts", Compute(micro_batch=1))
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "parts")
    # AdamW's first steps have the size of the rate whatever the gradient's, so rounding errors near zero show.
    assert all(torch.allclose(one[name], other[name], atol=2e-5) for name in one)
    assert max(float((one[name] - other[name]).abs().mean()) for name in one) < 1e-6


def test_measuring_on_the_way_changes_nothing(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    for name, every in (("often", 1), ("once", 100)):
        run_training(edit({"validate_every": every}), photos, backbone_folder, 0, tmp_path / name)
    assert all(torch.equal(weights(tmp_path / "often")[k], v) for k, v in weights(tmp_path / "once").items())
    log = [json.loads(line) for line in (tmp_path / "often" / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log] == [1, 2, 3, 4, 5, 6]
    assert all(5 < row["validation_psnr"] < 60 and row["validation_perceptual"] > 0 for row in log)
    picture = read_rgb(tmp_path / "often" / "samples" / "000006.png")
    assert picture.shape == (4 * 32, 3 * 32, 3)  # four pairs; LQ, restored, HQ


def test_validation_psnr_is_that_of_the_crops(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    """The last picture holds restored and true crops in 8 bits: their PSNR is the logged one, up to rounding."""
    run_training(RECIPE, photos, backbone_folder, 0, tmp_path)
    picture = read_rgb(tmp_path / "samples" / "000006.png").astype(float)
    restored, true = (picture[:, start : start + 32].reshape(4, -1) for start in (32, 64))
    psnr = np.mean(10 * np.log10(255**2 / ((restored - true) ** 2).mean(1)))
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert last["validation_psnr"] == pytest.approx(psnr, abs=0.05)


def test_gradient_checkpointing_changes_memory_and_nothing_else(
    photos: Path, backbone_folder: Path, tmp_path: Path
) -> None:
    recipe = edit({"lora_targets": {"vae_decoder": True}, "steps": 3})
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "plain")
    run_training(recipe, photos, backbone_folder, 0, tmp_path / "less", Compute(gradient_checkpointing=True))
    one, other = weights(tmp_path / "plain"), weights(tmp_path / "less")
    assert all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


def test_tensorboard_and_log_say_the_same(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run_training(RECIPE, photos, backbone_folder, 0, tmp_path)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    for name in ("mse", "vsd", "diffusion", "generator_gradient", "regularizer_gradient", "validation_psnr"):
        written = [(scalar.step, scalar.value) for scalar in events.Scalars(name)]
        assert written == [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in log]


def test_the_loss_falls(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    change = {"steps": 60, "learning_rate": 5e-3, "batch": 4, "checkpoint_every": 100}
    recipe = edit(change | {"loss": {"regularizer": {"kind": "none"}}})
    run_training(recipe, photos, backbone_folder, 0, tmp_path)
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    total = [row["mse"] + 2 * row["perceptual"] for row in log]
    assert sum(total[-3:]) < 0.8 * sum(total[:3])


def test_what_is_tuned_is_what_changes(photos: Path, backbone_folder: Path, tmp_path: Path) -> None:
    for part in ("vae_encoder", "vae_decoder", "unet"):
        tune = {"vae_encoder": False, "vae_decoder": False, "unet": False} | {part: True}
        run_training(edit({"lora_targets": tune, "steps": 2}), photos, backbone_folder, 0, tmp_path / part)
        names = load_file(tmp_path / part / "adapters.safetensors")
        prefix = {
            "vae_encoder": ("vae.encoder.", "vae.quant_conv."),
            "vae_decoder": ("vae.decoder.", "vae.post_quant_conv."),
        }
        assert names and all(name.startswith(prefix.get(part, ("unet.",))) for name in names)


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

    monkeypatch.setattr("osediff.training.batches.SampleRNG", Watched)
    monkeypatch.setattr(Objective, "generator_loss", watched)
    streams = []
    for name, change in {
        "default": {},
        "rank": {"rank_vae": 4, "rank_unet": 8},
        "targets": {"lora_targets": {"vae_decoder": True}},
    }.items():
        seen.clear()
        run_training(edit({"steps": 1} | change), photos, backbone_folder, seed=3, out=tmp_path / name)
        streams.append(list(seen))
    first, *others = streams
    assert len(first) == 7  # LQ, HQ, posterior, then noise and timesteps of both losses of the regularizer
    assert all(len(other) == len(first) and all(map(torch.equal, other, first)) for other in others)
