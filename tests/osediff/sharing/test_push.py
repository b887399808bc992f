"""The upload, to a hub on this machine: every file arrives; a refusal is one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from osediff import tool
from osediff.common.errors import InputError
from tests.helpers import ROOT
from tests.osediff.sharing.hub_server import HubServer


def push(hub: HubServer, folder: Path, token: str, tmp_path: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``osediff push`` with a token; the libraries read their variables when they are imported."""
    environment = os.environ | {"HF_ENDPOINT": hub.address, "HF_TOKEN": token, "HF_HOME": str(tmp_path / "home")}
    environment |= {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "OSEDIFF_OFFLINE": "0"}
    command = [sys.executable, "-m", "osediff", "push", str(folder), "me/model", *options]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)


def test_every_file_of_the_folder_arrives(hub: HubServer, shared: Path, tmp_path: Path) -> None:
    done = push(hub, shared, "right", tmp_path, "--private")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{hub.address}/me/model/commit/0"
    assert hub.created == [{"name": "model", "organization": "me", "visibility": "private"}]
    written = {str(path.relative_to(shared)): path.read_bytes() for path in shared.rglob("*") if path.is_file()}
    assert hub.files == written and len(hub.objects) == 3, "three networks, through LFS"


def test_a_public_repository_gets_nothing_private(hub: HubServer, shared: Path, tmp_path: Path) -> None:
    hub.private = False
    done = push(hub, shared, "right", tmp_path, "--private")
    assert done.returncode == 2 and hub.files == {} == hub.objects
    assert "error: me/model: is public, so nothing is uploaded; make it private on the hub first" in done.stderr


def test_a_refusal_is_one_line(hub: HubServer, shared: Path, tmp_path: Path) -> None:
    done = push(hub, shared, "wrong", tmp_path)
    assert done.returncode == 2 and hub.files == {}
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert f"me/model: not uploaded to {hub.address} (" in line and "401" in line


def test_only_a_folder_for_diffusers_is_uploaded_and_nothing_offline(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has no model_index\.json; write it by `osediff export"):
        tool.execute(["push", str(tmp_path), "me/model"])
    with pytest.raises(InputError, match=r"not uploaded, since --offline"):
        tool.execute(["push", str(tmp_path), "me/model", "--offline"])
