"""The folder of a training: its inputs, the state in ``state/`` while it runs, the checkpoint at the end.

A checkpoint is ``adapters.safetensors``, ``recipe.json``, ``log.jsonl``, ``provenance.json`` (hashes of data, backbone
and code; versions) and, written last, ``outcome.json``. ``samples/`` and ``tensorboard/`` are for looking at.
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from accelerate.utils import broadcast_object_list
from torch import nn

from osediff.common.files import JSON, fingerprint, sha256, write_json
from osediff.common.weights import LOSS_SHA256
from osediff.data.pairs import VALIDATION_PAIRS
from osediff.data.photo_list import PhotoList
from osediff.losses.perceptual import available_kind, used_networks
from osediff.models import backbone_folder
from osediff.models.adapter_files import save_adapters
from osediff.models.adapter_names import ADAPTERS
from osediff.outcome import PROVENANCE, Outcome, write_outcome
from osediff.prompts.prompt_file import read_stream_prompts
from osediff.provenance import backbone_hash, training_code_hash, versions
from osediff.recipe import TrainingSpec
from osediff.training.checkpoint import STATE, Checkpointable, StateMismatchError, load_state, save_state, set_aside
from osediff.training.distributed import make_accelerator
from osediff.training.gpu_memory import check_gpu_memory
from osediff.training.log import TrainingLog

RECIPE = "recipe.json"
Restart = Literal["never", "if-changed", "always"]


class RunFolder:
    """The files of one training, and the processes that share it."""

    def __init__(
        self, spec: TrainingSpec, photos: PhotoList, backbone: Path, out: Path, prompts: Path | None, restart: Restart
    ) -> None:
        """Hash what decides the weights.

        ``prompts``: a file of ``osediff.prompts.extract`` for this training stream; without, every prompt is empty.
        ``restart``: whether a saved state is set aside. InputError for devices and files that do not fit.
        """
        self.photos, self.backbone, self.out, self.restart = photos, backbone, out, restart
        self.spec, self.state = spec, out / "state"
        self.accelerator = make_accelerator(spec.device, spec.mixed_precision, spec.recipe.batch)
        check_gpu_memory(spec.device)
        self.main = self.accelerator.is_main_process
        self.prompts = [""] * (spec.recipe.steps * spec.recipe.batch + VALIDATION_PAIRS)
        made_by = None
        if prompts:
            self.prompts, source = read_stream_prompts(prompts, spec.recipe, spec.seed, photos.digest, VALIDATION_PAIRS)
            made_by = source.model_dump(mode="json") | {"text": fingerprint(self.prompts)}
        self.settings: dict[str, JSON] = {
            "recipe": spec.recipe.model_dump(mode="json"),
            "seed": spec.seed,
            "photos": photos.digest,
            "backbone": backbone_hash(backbone),
            "code": training_code_hash(),
            "threads": torch.get_num_threads(),
            "processes": self.accelerator.num_processes,
            "device": spec.device,
            "compute": spec.compute.model_dump(mode="json", exclude={"workers"}),
            "prompts": made_by,
            "perceptual": available_kind(spec.recipe.loss.perceptual),
        }

    def resume(self, checkpointables: Mapping[str, Checkpointable]) -> int:
        """Take up the saved state; return the number of steps behind it, 0 for a new training.

        Raises:
            StateMismatchError: the state does not fit, and ``restart`` is ``never``.
        """
        path = self.state / STATE
        if path.exists():
            try:
                if self.restart != "always":
                    step = load_state(path, checkpointables, self.settings)
                    if not 0 <= step <= self.spec.recipe.steps:
                        raise StateMismatchError(f"{path}: is after {step} of {self.spec.recipe.steps} steps")
                    return step
                reason = f"{path}: a restart is asked for"
            except StateMismatchError as error:
                if self.restart == "never":
                    raise
                reason = error.reason
            self.accelerator.wait_for_everyone()
            if self.main:
                print(f"{reason}; it is now {set_aside(self.state)}, and training starts afresh", file=sys.stderr)
        self.accelerator.wait_for_everyone()
        if self.main:
            save_state(path, checkpointables, self.settings, 0)
        return 0

    def open_log(self, first: int, steps: int) -> TrainingLog:
        """Open the log of a training that goes on after ``first`` of ``steps`` steps."""
        return TrainingLog(self.state / "log.jsonl", self.out / "tensorboard", first, steps, self.main)

    def sample(self, steps: int) -> Path:
        """Return the path of the validation picture after ``steps`` steps."""
        return self.out / "samples" / f"{steps:06d}.png"

    def broadcast(self, reason: str) -> str:
        """Return the ``reason`` of the main process on all of them."""
        if self.accelerator.num_processes > 1:
            (reason,) = broadcast_object_list([reason])
        return reason

    def save(self, checkpointables: Mapping[str, Checkpointable], step: int) -> None:
        """Save the training state after ``step`` steps."""
        if self.main:
            save_state(self.state / STATE, checkpointables, self.settings, step)

    def finish(
        self, checkpointables: Mapping[str, Checkpointable], parameters: Mapping[str, nn.Parameter], outcome: Outcome
    ) -> Outcome:
        """Write the checkpoint, ``outcome.json`` last, and remove the state; return the outcome.

        After a divergence the adapters are those of the last saved state.
        """
        if self.main:
            if not outcome.converged:
                last_good = load_state(self.state / STATE, checkpointables, self.settings)
                outcome = outcome.model_copy(update={"last_good": last_good})
            save_adapters(self.out / ADAPTERS, parameters)
            shutil.copyfile(self.state / "log.jsonl", self.out / "log.jsonl")
            write_json(self.out / RECIPE, self.settings["recipe"], durable=True)
            made_by: dict[str, JSON] = {
                "python": platform.python_version(),
                "versions": versions(),
                "backbone_source": backbone_folder.source(self.backbone),
                # The expected ones: networks of other bytes stop the training when it starts.
                "loss_weights": {name: LOSS_SHA256[name] for name in used_networks(self.spec.recipe.loss)},
                "adapters": sha256(self.out / ADAPTERS),
            }
            write_json(self.out / PROVENANCE, self.settings | made_by, durable=True)
            write_outcome(self.out, outcome)
            shutil.rmtree(self.state)
        self.accelerator.wait_for_everyone()
        return outcome
