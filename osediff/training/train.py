"""Algorithm 1 of the paper: a generator step, then a regularizer step, on random pairs.

Killed at any moment, the same call continues from the last saved state to the same weights: the random numbers of a
sample depend only on the seed and the number of the sample. Other modules have the parts around the loop: batches
(``batches``), devices (``distributed``), AdamW (``optimization``), the state (``checkpoint``), the log (``log``).
"""

from __future__ import annotations

import copy
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path

import torch
from torch import Tensor

from osediff.data.pairs import VALIDATION_PAIRS
from osediff.losses.objective import Objective, regularizer_scope
from osediff.models.backbone import PromptEmbedder
from osediff.models.backbone import load as load_backbone
from osediff.models.generator import PRECISIONS, Generator
from osediff.outcome import Outcome
from osediff.recipe import TrainingSpec, VSDLoss
from osediff.training.batches import Batches, MeanLosses, MicroBatch
from osediff.training.distributed import peak_memory
from osediff.training.divergence import divergence
from osediff.training.log import LOG_EVERY
from osediff.training.optimization import OptimizerState, rate_of_step
from osediff.training.run_folder import RunFolder
from osediff.training.stops import StopRequest
from osediff.training.validation import Validation


class Trainer:
    """The networks of one training and its two steps.

    ``run``: where the training reads and writes, and the processes that share it.
    """

    def __init__(self, spec: TrainingSpec, run: RunFolder) -> None:
        recipe, self.accelerator = spec.recipe, run.accelerator
        torch.manual_seed(spec.seed)
        backbone = load_backbone(run.backbone).to(self.accelerator.device, PRECISIONS[spec.weights_precision])
        half = spec.official_half
        teacher = copy.deepcopy(backbone.unet).to(PRECISIONS[half]) if half else None
        generator = Generator(backbone, recipe, regularizer_scope(recipe.loss))
        if spec.compute.gradient_checkpointing:
            generator.checkpoint_gradients()
        self.objective = Objective(generator, recipe.loss, teacher)
        self.embed = PromptEmbedder(backbone, self.accelerator.autocast if half else nullcontext)
        vsd = recipe.loss.regularizer
        self.negative_embeds = self.embed([vsd.negative_prompt if isinstance(vsd, VSDLoss) else ""])
        self.generator_optimizer = OptimizerState(generator.parameters(), recipe, self.accelerator)
        self.regularizer_optimizer: OptimizerState | None = None
        if critic := self.objective.regularizer:
            self.regularizer_optimizer = OptimizerState(critic.parameters(), recipe, self.accelerator, critic.buffers())

    def checkpointables(self) -> dict[str, OptimizerState]:
        """Return what a training state holds."""
        states = {"generator": self.generator_optimizer, "regularizer": self.regularizer_optimizer}
        return {name: state for name, state in states.items() if state is not None}

    def generator_step(
        self, batch: Iterable[MicroBatch], rate: float, losses: MeanLosses
    ) -> tuple[list[tuple[MicroBatch, Tensor]], dict[str, float]]:
        """Minimize Eq. 8 on ``batch``; add its terms to ``losses``.

        Returns each micro-batch with the regularizer's input, and the norm of the gradient by its name in the log.
        """
        judged = []
        for part in batch:
            negative_embeds = self.negative_embeds.expand(len(part.lq), -1, -1)
            with self.accelerator.autocast():
                loss = self.objective.generator_loss(part.lq, part.hq, part.text, negative_embeds, part.rng)
            self.generator_optimizer.backward(loss.total * part.weight)
            losses.add(loss.terms, part.weight)
            judged.append((part, loss.critic_input))
        return judged, {"generator_gradient": self.generator_optimizer.step(rate)}

    def regularizer_step(
        self, judged: list[tuple[MicroBatch, Tensor]], rate: float, losses: MeanLosses
    ) -> dict[str, float]:
        """Minimize Eq. 9 on the generator step's results; return the gradient's norm, if there is a regularizer."""
        if self.regularizer_optimizer is None:
            return {}
        for part, critic_input in judged:
            with self.accelerator.autocast():
                terms = self.objective.regularizer_loss(critic_input, part.hq, part.text, part.rng)
            total = sum(terms.values(), torch.zeros((), device=self.accelerator.device))
            self.regularizer_optimizer.backward(total * part.weight)
            losses.add(terms, part.weight)
        return {"regularizer_gradient": self.regularizer_optimizer.step(rate)}

    def validate(self, validation: Validation, prompts: list[str], picture: Path) -> dict[str, float]:
        """Measure the generator on the validation pairs, whose ``prompts`` are given, and write their ``picture``."""
        with self.accelerator.autocast():
            measured, restored = validation.measure(self.objective, self.embed(prompts))
        validation.picture(restored, picture)
        return measured


def judge_step(terms: dict[str, float], grad_norms: dict[str, float], precision: str) -> str:
    """Return why a step with these losses and gradients is a divergence, or an empty text."""
    # In fp16 an infinite gradient is not a divergence: the loss scale is reduced and the step is skipped.
    return divergence(terms, {} if precision == "fp16" else grad_norms)


def train(spec: TrainingSpec, run: RunFolder, prompts: list[str]) -> Outcome:
    """Train the variant of ``spec`` and leave its checkpoint in the folder of ``run``.

    ``prompts``: one for each pair of the training stream, then one for each validation pair. Returns how it ended.

    Raises:
        InputError: photographs, backbone, or a saved state do not fit.
        KeyboardInterrupt: SIGTERM asked the process to end; the state is saved after the step that it came in.
    """
    recipe = spec.recipe
    trainer = Trainer(spec, run)
    first = run.resume(trainer.checkpointables())
    batches = Batches(spec, run.photos, prompts, trainer.embed, run.accelerator, first)
    validation = Validation(run.photos, recipe, run.accelerator.device) if run.main else None
    log = run.open_log(first, recipe.steps)
    outcome = Outcome(converged=True, steps=recipe.steps)
    stop = StopRequest()
    for step in log.steps():
        rate, last = rate_of_step(recipe, step), step + 1 == recipe.steps
        losses = MeanLosses(run.accelerator)
        judged, generator_norm = trainer.generator_step(batches.of_step(step), rate, losses)
        regularizer_norm = trainer.regularizer_step(judged, rate, losses)
        terms, grad_norms = losses.reduce(), generator_norm | regularizer_norm
        measured: dict[str, float] = {}
        reason = judge_step(terms, grad_norms, spec.mixed_precision)
        if validation and not reason and ((step + 1) % recipe.validate_every == 0 or last):
            measured = trainer.validate(validation, prompts[-VALIDATION_PAIRS:], run.sample(step + 1))
        reason = run.broadcast(reason or divergence({}, measured))  # the main process alone validates; all end together
        numbers = terms | measured | grad_norms
        if reason or (step + 1) % LOG_EVERY == 0 or "validation_psnr" in numbers:
            log.write(step, rate, numbers, reason)
        if reason:
            outcome = Outcome(converged=False, step=step, reason=reason, photos=batches.photos_of_step(step))
            break
        log.show(rate, numbers, peak_memory(run.accelerator.device))
        stopping = bool(run.broadcast(stop.reason))
        if (step + 1) % recipe.checkpoint_every == 0 or last or stopping:
            log.flush()
            run.save(trainer.checkpointables(), step + 1)
        if stopping and not last:
            raise KeyboardInterrupt
    log.close()
    return run.finish(trainer.checkpointables(), trainer.generator_optimizer.parameters, outcome)
