"""Further metrics of pyiqa: files in the official layout, with random weights, give what pyiqa's own network gives.

Networks are built at reduced width, by pyiqa's own classes. Their weights are written as the official files are, and
read by this suite.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.metrics import build
from benchmark.metrics.registry import MetricRegistry
from osediff.common.errors import InputError
from tests.benchmark.fixture_types import ImagePair, WriteWeights

pytestmark = pytest.mark.slow

Network = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # of SR and HR images


def clip(module: Any, vision_layers: Any = 2, side: int = 224) -> nn.Module:
    """Make a small CLIP with random weights; a new one has projections that are not initialized."""
    kind = module.AFINECLIP if hasattr(module, "AFINECLIP") else module.CLIP
    network: nn.Module = kind(32, side, vision_layers, 64, 32, 77, 49408, 64, 1, 1)
    for value in network.parameters():
        nn.init.normal_(value, 0, 0.05)
    return network.float().eval()


def no_reference(network: nn.Module) -> Network:
    """Make a network of SR and HR images of one that gets only the SR image."""
    return lambda sr, _: network.eval()(sr)


def topiq(key: str, use_ref: bool, write: WriteWeights, monkeypatch: pytest.MonkeyPatch) -> Network:
    """TOPIQ with a smaller ResNet."""
    import timm
    from pyiqa.archs.topiq_arch import CFANet

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda _, pretrained, **more: create("resnet10t", False, **more))
    network = CFANet(use_ref=use_ref, pretrained=False, backbone_pretrain=False)
    write(key, {"params": {f"module.{name}": value for name, value in network.state_dict().items()}})
    return network.eval() if use_ref else no_reference(network)


def nima(write: WriteWeights, monkeypatch: pytest.MonkeyPatch) -> Network:
    """NIMA with a smaller backbone."""
    import timm
    from pyiqa.archs.nima_arch import NIMA

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", lambda _, pretrained, **more: create("resnet10t", False, **more))
    network = NIMA("inception_resnet_v2", pretrained=False)
    write("nima-ava", {"params": network.state_dict()})
    return no_reference(network)


def liqe(write: WriteWeights, monkeypatch: pytest.MonkeyPatch) -> Network:
    """LIQE with a small CLIP, whose text features pyiqa would keep in its cache."""
    from pyiqa.archs import clip_model, liqe_arch

    small = clip(clip_model)
    with monkeypatch.context() as patches:
        patches.setattr(liqe_arch, "load", lambda *_: small)
        patches.setattr(liqe_arch, "DEFAULT_CACHE_DIR", str(write("liqe-koniq", {}).parent))
        network = liqe_arch.LIQE(pretrained=False)
    write("liqe-koniq", {"params": network.state_dict()})
    return no_reference(network)


def clipiqa_plus(write: WriteWeights, monkeypatch: pytest.MonkeyPatch) -> Network:
    """CLIPIQA+ with a small ViT; CLIP's file is a program, in place of which the small ViT is given."""
    from pyiqa.archs import clip_model, clipiqa_arch

    small = {str(write("clip-vit-l14", {})): clip(clip_model)}
    monkeypatch.setattr(clip_model, "load", lambda path, _: small[path])
    with monkeypatch.context() as patches:
        patches.setattr(clipiqa_arch, "load", lambda *_: next(iter(small.values())))
        network = clipiqa_arch.CLIPIQA("clipiqa+_vitL14_512", "ViT-L/14", pretrained=False, pos_embedding=True)
    nn.init.normal_(network.prompt_learner.ctx, 0, 0.2)
    write("clipiqa-plus-vitl14", {"params": network.state_dict()})
    return no_reference(network)


def afine(model_type: str, write: WriteWeights, monkeypatch: pytest.MonkeyPatch) -> Network:
    """A-FINE with a small CLIP and heads that fit it."""
    from pyiqa.archs import afine_arch, afineclip_model

    for head, sizes in ((afine_arch.AFINEQhead, ((3, 64, 64), 1, 64, 8)), (afine_arch.AFINEDhead, ((3, 64, 64),))):
        defaults = sizes + head.__init__.__defaults__[len(sizes) :]
        monkeypatch.setattr(head.__init__, "__defaults__", defaults)
    small = clip(afineclip_model)
    parts = {
        "finetuned_clip": small,
        "natural": afine_arch.AFINEQhead(),
        "fidelity": afine_arch.AFINEDhead(),
        "fidelity_scale": afine_arch.AFINENLM_FR_Fit_with_limit(yita3=0.5, yita4=0.15),
        "natural_scale": afine_arch.AFINENLM_NR_Fit(yita3=4.9592, yita4=21.5968),
        "adapter": afine_arch.AFINELearnLambda(),
    }
    path = write("afine", {name: part.state_dict() for name, part in parts.items()})
    with monkeypatch.context() as patches:
        patches.setattr(afine_arch, "load", lambda *_, **__: (small, None))
        network = afine_arch.AFINE(model_type, pretrained_model_path=str(path))
    return (lambda sr, hr: network(sr.clone(), hr.clone())) if model_type != "afine_nr" else no_reference(network)


def pi(write: WriteWeights, _: pytest.MonkeyPatch) -> Network:
    """PI with forests of one random split, and NIQE's parameters of this suite."""
    from pyiqa.archs.niqe_arch import NIQE
    from pyiqa.archs.nrqm_arch import NRQM

    from benchmark.metrics.niqe import parameters

    rng, trees = np.random.default_rng(0), 5
    fields = ("ldau", "rdau", "unused1", "unused2", "threshold", "prediction", "attribute")
    forests = np.empty((1, 3), object)
    for index in range(3):
        split = np.array([[2], [0], [0]]) * np.ones((1, trees), int)
        values = (split, split + (split > 0), split, split, rng.random((3, trees)), rng.random((3, trees)) * 10)
        attribute = np.ones((3, trees), int)
        forests[0, index] = dict(zip(fields, (*values, attribute), strict=True))
    write("nrqm", {"model": {"linear": np.array([[1.0], [0.2], [0.3], [0.5]]), "rf": forests}})
    mean, covariance = parameters()
    folder = write("niqe-pyiqa", {"mu_prisparam": mean[None], "cov_prisparam": covariance}).parent
    nrqm = NRQM(crop_border=4, color_space="ycbcr", pretrained_model_path=str(folder / "NRQM_model.mat"))
    of_niqe = {"pretrained_model_path": str(folder / "niqe_modelparameters.mat")}
    niqe = NIQE(crop_border=4, color_space="ycbcr", **of_niqe)
    return lambda sr, _: (10 - nrqm(sr) + niqe(sr)) / 2


METRICS: dict[str, Callable[[WriteWeights, pytest.MonkeyPatch], Network]] = {
    "topiq-nr": partial(topiq, "topiq-nr-koniq", False),
    "topiq-fr": partial(topiq, "topiq-fr-kadid", True),
    "liqe": liqe,
    "clipiqa-plus": clipiqa_plus,
    "nima": nima,
    "pi": pi,
    "afine": partial(afine, "afine_all_scale"),
    "afine-nr": partial(afine, "afine_nr"),
}


@pytest.mark.parametrize("name", list(METRICS))
def test_a_file_in_the_official_layout_gives_the_values_of_pyiqa(
    metric_registry: MetricRegistry,
    write_weights: WriteWeights,
    monkeypatch: pytest.MonkeyPatch,
    photos: ImagePair,
    name: str,
) -> None:
    network = METRICS[name](write_weights, monkeypatch)
    selection = metric_registry.select([name])
    assert not build.unavailable_reason(name, selection)
    score = build.build_batch_metric(name, selection, "cpu")
    sr, hr = ([image, np.ascontiguousarray(image[::-1])] for image in photos)
    with torch.no_grad():
        expected = [
            float(network(*(torch.tensor(image).permute(2, 0, 1)[None].float() / 255 for image in pair)))
            for pair in zip(sr, hr, strict=True)
        ]
    values = score(sr, hr)
    assert values == pytest.approx(expected, abs=1e-5) and values[0] != values[1]
    if not selection.metrics[name].needs_reference:
        assert score(sr[:1], sr[:1])[0] == pytest.approx(values[0], abs=1e-6)
    if selection.metrics[name].side_multiple > 1:  # what is beyond the last multiple is cut off
        wider = [np.pad(image, ((0, 5), (0, 9), (0, 0)), mode="edge") for image in (sr[0], hr[0])]
        assert score([wider[0]], [wider[1]])[0] == pytest.approx(values[0], abs=1e-6)


def test_a_damaged_file_of_afine_is_one_line(
    metric_registry: MetricRegistry, write_weights: WriteWeights, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_weights("afine", {"finetuned_clip": {"weight": torch.tensor([float("nan")])}})
    with pytest.raises(InputError, match=r"afine\.pth: finetuned_clip: weight holds values that are not finite"):
        build.build_batch_metric("afine", metric_registry.select(["afine"]), "cpu")
    write_weights("afine", {"params": {}})
    with pytest.raises(InputError, match=r"afine\.pth: holds no network of A-FINE"):
        build.build_batch_metric("afine", metric_registry.select(["afine"]), "cpu")
