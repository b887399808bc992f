"""A folder for diffusers, made once, and a hub."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from osediff.pipeline import OSEDiff
from tests.osediff.sharing.hub_server import HubServer

RESULTS = """method,test_set,image,metric,value,protocol,note
osediff,photos,a,psnr,20.000000,osediff/2,
osediff,photos,b,psnr,21.000000,osediff/2,
osediff,photos,,lpips,,osediff/2,no weights
"""


@pytest.fixture(scope="session")
def shared(model: OSEDiff, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model as a folder for diffusers; nobody may change it."""
    folder = tmp_path_factory.mktemp("shared")
    (folder / "results.csv").write_text(RESULTS)
    model.save_pretrained(folder / "model", [folder / "results.csv"], "cc-by-sa-4.0")
    return folder / "model"


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A hub that answers as long as the test runs."""
    server = HubServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()
