"""Backbones that the tests of networks share."""

from __future__ import annotations

import http.server
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from osediff.models import backbone as backbones
from osediff.models.backbone import Backbone


@pytest.fixture(scope="module")
def backbone(backbone_folder: Path) -> Backbone:
    """The tiny backbone, loaded once for a module; nobody may change it."""
    return backbones.load(backbone_folder)


@pytest.fixture
def served(backbone_folder: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Address and folder of a web server that has the tiny backbone."""
    folder = tmp_path / "served"
    shutil.copytree(backbone_folder, folder / "v1")

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{{revision}}/{{file}}", folder / "v1"
    server.shutdown()
    server.server_close()
