"""Tampered weights: of a metric, of a checkpoint, and a training's state. None runs, none is used in silence."""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from osediff.common.files import read_json, write_json
from tests.faults import mutations
from tests.faults.outcomes import ACCEPTED, Outcome, judge
from tests.faults.sandbox import Sandbox

ALEXNET = {
    "0": (64, 3, 11, 11),
    "3": (192, 64, 5, 5),
    "6": (384, 192, 3, 3),
    "8": (256, 384, 3, 3),
    "10": (256, 256, 3, 3),
}
Tensors = dict[str, Any]


class Trap:
    """A pickle that runs a command where it is read without care."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        import os

        return os.system, ("touch proof",)


def make_lpips(folder: Path) -> None:
    """Write weights of LPIPS's shapes, with the names of the files of torchvision and LPIPS."""
    torch.manual_seed(0)
    names = {f"features.{name}": shape for name, shape in ALEXNET.items()}
    network = {f"{name}.weight": torch.randn(shape) / 50 for name, shape in names.items()}
    network |= {f"{name}.bias": torch.zeros(shape[0]) for name, shape in names.items()}
    heads = {f"lin{i}.model.1.weight": torch.rand(1, shape[0], 1, 1) for i, shape in enumerate(ALEXNET.values())}
    for path, content in (("checkpoints/alexnet-owt-7be5be79", network), ("pyiqa/LPIPS_v0.1_alex-df73285e", heads)):
        target = folder / "hub" / f"{path}.pth"
        target.parent.mkdir(parents=True, exist_ok=True)
        torch.save(content, target)


def edit_tensors(change: Callable[[Tensors, str], None]) -> mutations.Mutation:
    """Return a mutation of one tensor of a file of weights."""

    def mutate(path: Path, rng: random.Random) -> None:
        content: Tensors = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
        content = dict(content)
        change(content, rng.choice(sorted(content)))
        path.unlink()
        if path.suffix == ".safetensors":
            save_file({name: tensor.contiguous() for name, tensor in content.items()}, path)
        else:
            torch.save(content, path)

    mutate.__name__ = f"tensor {change.__name__}"
    return mutate


def replaced(function: Callable[[Tensor], Tensor], name: str) -> Callable[[Tensors, str], None]:
    """Return a change of one tensor by ``function``, called ``name``."""

    def change(content: Tensors, key: str) -> None:
        if isinstance(content[key], Tensor):
            content[key] = function(content[key])

    change.__name__ = name
    return change


def trap(path: Path, rng: random.Random) -> None:
    mutations.write(path, pickle.dumps(Trap()))


def zipped_trap(path: Path, rng: random.Random) -> None:
    path.unlink()
    torch.save({"state_dict": Trap(), "more": [Trap()]}, path)


def one_bit(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    mutations.write(path, bytes(content))


REFUSED_CHANGES = (
    replaced(lambda tensor: tensor / 0, "nan"),
    replaced(lambda tensor: tensor.float() + torch.inf, "infinite"),
    replaced(lambda tensor: tensor[None], "of another shape"),
    replaced(lambda tensor: tensor.float().to(torch.complex64), "complex"),
)
OTHER_CHANGES = (replaced(lambda tensor: tensor * 2, "doubled"), replaced(lambda tensor: tensor.int(), "whole numbers"))


def drop(content: Tensors, key: str) -> None:
    """Leave a tensor out."""
    del content[key]


BROKEN = (trap, zipped_trap, mutations.cut, mutations.noise, mutations.empty, mutations.page, mutations.pipe)
TENSORS = tuple(edit_tensors(change) for change in (*REFUSED_CHANGES, *OTHER_CHANGES, drop))


def tamper_metric(sandbox: Sandbox, copy: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Measure with tampered weights of LPIPS; other values need a note on the row."""
    make_lpips(copy / "torch")
    path = rng.choice(sorted((copy / "torch").rglob("*.pth")))
    mutation = rng.choice((*BROKEN, *TENSORS, one_bit))
    mutation(path, rng)
    job = rng.choice([job for job in sandbox.jobs if job.rule == "evaluate"])
    code, output = sandbox.run(job.words, copy, TORCH_HOME=str(copy / "torch"), BENCHMARK_WEIGHTS=str(copy / "none"))
    about, outcome = f"{path.name}: {mutation.__name__}", judge(code, output)
    if outcome.verdict == "accepted":
        rows = [line for line in (copy / job.outputs[0]).read_text().splitlines() if ",lpips," in line]
        silent = [row for row in rows if "other weights than the published" not in row and "needs" not in row]
        outcome = Outcome("accepted in silence", silent[0]) if silent else Outcome("named on the rows")
    return about, outcome


def tamper_checkpoint(sandbox: Sandbox, copy: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Restore with tampered adapters or recipe."""
    job = next(job for job in sandbox.jobs if job.rule == "restore")
    folder = copy / job.words[job.words.index("--checkpoint") + 1]
    alone = rng.random() < 0.5  # without the record of the training
    if alone:
        (folder / "provenance.json").unlink()
    if rng.random() < 0.3:
        key, value = rng.choice([("process_size", 0), ("alpha", 0), ("alpha", 3), ("timestep", 10**6), ("rank_vae", 7)])
        write_json(folder / "recipe.json", read_json(folder / "recipe.json") | {key: value})
        about = f"recipe.json: {key} {value}{' alone' if alone else ''}"
        may_pass = alone and (key, value) == ("alpha", 3)  # nobody can know
    else:
        changes = TENSORS if not alone else tuple(map(edit_tensors, (*REFUSED_CHANGES, OTHER_CHANGES[1], drop)))
        mutation = rng.choice((*BROKEN, *changes, *(() if alone else (one_bit,))))
        mutation(folder / "adapters.safetensors", rng)
        about, may_pass = f"adapters.safetensors: {mutation.__name__}{' alone' if alone else ''}", False
    outcome = judge(*sandbox.run(job.words, copy))
    return about, ACCEPTED if outcome.verdict == "accepted" and may_pass else outcome


def tamper_state(sandbox: Sandbox, copy: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Continue a training from a tampered state: it is refused, or set aside with a line and trained again."""
    job = next(job for job in sandbox.jobs if job.rule == "train")
    before = sandbox.content(copy, job.outputs)
    out = copy / job.words[job.words.index("--out") + 1]
    state = out / "state" / "state.pt"
    for name in job.outputs:
        (copy / name).unlink()
    state.parent.mkdir()
    torch.save({"step": 1, "settings": "{}", "states": {}}, state)
    mutation = rng.choice((*BROKEN, one_bit, *TENSORS[:3]))
    mutation(state, rng)
    outcome = judge(*sandbox.run(job.words, copy))
    if outcome.verdict == "accepted":
        same = sandbox.content(copy, job.outputs) == before and (out / "state-1").exists()
        outcome = ACCEPTED if same else Outcome("another result", "of the training")
    return f"state.pt: {mutation.__name__}", outcome


def trial(sandbox: Sandbox, place: Path, rng: random.Random) -> tuple[str, Outcome]:
    """Tamper with one file of weights in a copy of the demo, and use it."""
    with sandbox.copy(place) as copy:
        about, outcome = rng.choice((tamper_metric, tamper_checkpoint, tamper_state))(sandbox, copy, rng)
        return about, Outcome("executed", about) if (copy / "proof").exists() else outcome
