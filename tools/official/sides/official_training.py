"""The official training script (cswry/OSEDiff, train_osediff.py) on a CPU, its own main() run for some steps.

    python tools/official/sides/official_training.py --official CHECKOUT --backbone DIR --given FILE --out FILE

None of its code is here. Around it: names that newer versions of diffusers moved are given back, "cuda" means the CPU
while it builds its models, its data set gives the one batch of ``--given`` again and again, and its prompt extractor
(RAM) answers that batch's prompts at once. Weights of the adapters, noise and timesteps come from ``--given`` (see
tools.official.sides.training_sides); the random functions of torch answer with them. LPIPS is the package ``lpips``.

Run by path, not with -m: the checkout's own module is called osediff too.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import time
import types
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from official_osediff import OnTheCPU, give_back_names
from serving import peak
from torch import Tensor, nn


def module(name: str, **contents: Any) -> None:
    """Puts a module of that name and ``contents`` where ``import`` finds it first."""
    sys.modules[name] = types.ModuleType(name)
    vars(sys.modules[name]).update(contents)


def put(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Copies ``weights`` into ``network`` by name."""
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for name, weight in weights.items():
            parameters[name].copy_(weight)


def gradients(network: nn.Module) -> dict[str, Tensor]:
    """Gradients by name, of what has any."""
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None and p.grad.any()}


class Run:
    """The script's surroundings: what it is given, and what is seen of it."""

    def __init__(self, given: dict[str, Any], steps: int, active: list[str]) -> None:
        self.given, self.steps, self.active = given, steps, active
        self.models: dict[str, Any] = {}
        self.losses: list[dict[str, float]] = []
        self.gradients: dict[str, dict[str, Tensor]] = {}
        self.times: list[tuple[float, float]] = []
        self.building = ExitStack()

    def surround(self, checkout: Path) -> Any:  # noqa: C901 (stand-ins, one after the other)
        """The script as a module, everything that it imports and that is not its own replaced."""
        sys.path.insert(0, str(checkout))
        give_back_names()
        run = self

        class Batches(torch.utils.data.Dataset):
            def __init__(self, split: str, args: Any) -> None:
                self.asked = itertools.cycle(range(len(run.given["lq"])))

            def __len__(self) -> int:
                return len(run.given["lq"]) * run.steps

            def __getitem__(self, index: int) -> dict[str, Tensor]:
                n = next(self.asked)  # the script shuffles
                return {"conditioning_pixel_values": run.given["lq"][n], "output_pixel_values": run.given["hq"][n],
                        "neg_prompt": run.given["negative_prompt"]}  # fmt: skip

        module("clip")
        module("dataloaders")
        module("dataloaders.realsr_dataset", PairedSROnlineTxtDataset=Batches)
        module("ram", inference_ram=lambda images, extractor: self.given["prompts"])
        module("ram.models")
        module("ram.models.ram_lora", ram=lambda **_: nn.Identity())
        import train_osediff

        import osediff

        for kind in (osediff.UNet2DConditionModel, osediff.AutoencoderKL, osediff.CLIPTextModel):
            # Files in float16 become float32, as in the versions that the code was written for.
            kind.from_pretrained = functools.partial(kind.from_pretrained, torch_dtype=torch.float32)

        class Generator(osediff.OSEDiff_gen):
            def set_train(self) -> None:
                super().set_train()
                put(self.unet, run.given["official"]["unet"])
                put(self.vae, run.given["official"]["vae"])
                # As in tools/official/sides/official_osediff.py: where 999 is looked up since diffusers 0.26.
                self.noise_scheduler.timesteps = torch.tensor([999])
                run.models["generator"] = self

            def encode_prompt(self, prompts: list[str]) -> Tensor:
                if "embeddings" not in run.given:
                    return super().encode_prompt(prompts)
                return run.given["embeddings"]["text" if prompts == run.given["prompts"] else "negative"]

        class Regularizer(osediff.OSEDiff_reg):
            def set_train(self) -> None:
                super().set_train()
                put(self.unet_update, run.given["official"]["regularizer"])
                if run.active:
                    self.unet_update.set_adapter(run.active)
                run.models["regularizer"] = self

        class Progress:
            def __init__(self, *_: Any, **__: Any) -> None:
                run.building.close()
                run.preprocess()
                run.times.append((time.perf_counter(), time.process_time()))

            def update(self, _: int) -> None:
                run.times.append((time.perf_counter(), time.process_time()))

            def set_postfix(self, **losses: float) -> None:
                run.losses.append(losses)

        train_osediff.OSEDiff_gen, train_osediff.OSEDiff_reg = Generator, Regularizer
        train_osediff.tqdm = Progress
        return train_osediff

    def preprocess(self) -> None:
        """Has the script's clipping show the gradients of the first step, and the random functions answer."""
        from accelerate import Accelerator

        clip = Accelerator.clip_grad_norm_

        def clipped(accelerator: Any, parameters: Any, norm: float) -> Any:
            if "gradients" in self.given and len(self.gradients) < 3:
                models = self.models
                if "unet" not in self.gradients:
                    generator = models["generator"]
                    self.gradients |= {"unet": gradients(generator.unet), "vae": gradients(generator.vae)}
                else:
                    self.gradients["regularizer"] = gradients(models["regularizer"].unet_update)
            return clip(accelerator, parameters, norm)

        Accelerator.clip_grad_norm_ = clipped  # type: ignore[method-assign]
        latent = self.given["normals"][0]
        first, second, third = self.given["normals"]
        # The second is what the scheduler adds to its last step: noise of deviation 1e-10.
        normals, integers = [first, torch.zeros_like(latent), second, third], list(self.given["timesteps"])
        calls = {"normal": 0, "integer": 0}

        def answer(kind: str, answers: list[Tensor]) -> Tensor:
            calls[kind] += 1
            return answers[(calls[kind] - 1) % len(answers)].clone()

        def of(shape: Any, otherwise: Any) -> Any:
            return answer("normal", normals) if tuple(shape) == tuple(latent.shape) else otherwise()

        randn, randn_like = torch.randn, torch.randn_like
        torch.randn = lambda *a, **k: of(a[0] if len(a) == 1 else a, lambda: randn(*a, **k))  # type: ignore[assignment]
        torch.randn_like = lambda x, **k: of(x.shape, lambda: randn_like(x, **k))  # type: ignore[assignment]
        torch.randint = lambda *_, **__: answer("integer", integers)  # type: ignore[assignment]

    def go(self, checkout: Path, backbone: Path, scratch: Path, precision: str, recomputing: bool) -> None:
        """Runs the script's main()."""
        script = self.surround(checkout)
        line = [f"--pretrained_model_name_or_path={backbone}", f"--output_dir={scratch}", "--report_to=tensorboard"]
        line += [f"--train_batch_size={len(self.given['lq'])}", "--gradient_accumulation_steps=1"]
        line += [f"--mixed_precision={precision}", "--num_training_epochs=1", f"--max_train_steps={self.steps}"]
        line += [f"--lambda_lpips={self.given['recipe']['loss']['perceptual']['weight']}"]
        line += ["--gradient_checkpointing"] if recomputing else []
        options = script.parse_args([*line, f"--learning_rate={self.given['learning_rate']}"])
        self.building.enter_context(OnTheCPU())
        with mock.patch.object(torch, "save"):  # its own checkpoint after the first step
            script.main(options)


def main() -> None:
    """Read the command line and run the comparison."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--official", type=Path, required=True, help="checkout of cswry/OSEDiff")
    parser.add_argument("--backbone", type=Path, required=True)
    parser.add_argument("--given", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--precision", choices=["no", "bf16"], default="no")
    parser.add_argument("--gradient-checkpointing", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    given = torch.load(args.given, weights_only=True)
    parts = [f"default_{part}" for part in ("encoder", "decoder", "others")]
    # Left as it is, the script trains the adapters of the middle block only: the last ones that were added.
    run = Run(given, args.steps, parts if given["trains"] == "all" else [])
    paths = (args.official.resolve(), args.backbone.resolve(), args.out.with_suffix(".scratch").resolve())
    run.go(*paths, args.precision, args.gradient_checkpointing)
    record = {"losses": run.losses, "gradients": run.gradients, "times": run.times, "peak": peak()}
    torch.save(record, args.out)


if __name__ == "__main__":
    main()
