"""What is installed, of a clone and of a wheel."""

from __future__ import annotations

import argparse
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from osediff import doctor
from osediff.common.errors import InputError


def test_an_extra_has_the_packages_of_the_extras_in_it() -> None:
    restoring, training = doctor.requirements("restore"), doctor.requirements("train")
    assert {"torch", "diffusers", "peft"} <= restoring.keys() < training.keys()
    assert "pyiqa" not in restoring and "snakemake" not in training
    assert doctor.requirements("metrics")["torch"].specifier == restoring["torch"].specifier


def test_a_wheel_says_the_same_by_its_metadata(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wheel = Message()
    for line in ("numpy==2.4.6", 'torch==2.15.0; extra == "restore"', 'osediff-benchmark[restore]; extra == "train"'):
        wheel["Requires-Dist"] = line
    wheel["Requires-Dist"] = 'scipy==1.17.1; extra == "train"'
    monkeypatch.setattr(doctor, "PACKAGE", tmp_path / "osediff")
    monkeypatch.setattr(doctor, "metadata", lambda _: wheel)
    assert doctor.requirements("restore").keys() == {"torch"}
    assert doctor.requirements("train").keys() == {"torch", "scipy"}


def test_missing_packages_and_other_versions_are_named() -> None:
    assert doctor.package_fault(Requirement("numpy>=1")) == ""
    assert doctor.package_fault(Requirement("no-such-package==1")) == "no-such-package is missing"
    assert doctor.package_fault(Requirement("numpy==1.0")).startswith("numpy is 2.")


def test_it_prints_the_state_and_fails_only_where_nothing_can_be_restored(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor.execute(argparse.Namespace())
    printed = capsys.readouterr().out
    assert "[restore]    osediff restore, export and push, and the Python interface: complete" in printed
    assert "checkpoints/demo, complete" in printed and "devices: cpu" in printed
    monkeypatch.setattr(doctor, "requirements", lambda extra: {"gone": Requirement("gone==1")})
    with pytest.raises(InputError, match=r"osediff restore cannot run \(gone is missing\): pip install"):
        doctor.execute(argparse.Namespace())
