"""The log of a training: JSON lines, TensorBoard, the progress bar."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

from osediff.common.files import read_json_lines, write_text

LOG_EVERY = 10  # steps


def open_log(path: Path, steps: int) -> TextIO:
    """Open a JSON-lines log for appending, without the lines after ``steps``, which will be written again."""
    rows = [row for row in read_json_lines(path) if isinstance(row, dict) and isinstance(row.get("step"), int)]
    write_text(path, "".join(json.dumps(row) + "\n" for row in rows if row["step"] <= steps))
    return path.open("a", encoding="utf-8")


class TrainingLog:
    """The log of a training that continues after ``first`` of ``steps`` steps.

    Only the main process writes; on the others (``active`` false) every method does nothing.
    """

    def __init__(self, path: Path, board: Path, first: int, steps: int, active: bool) -> None:
        self.first, self.active = first, active
        self.bar = tqdm(
            range(first, steps), initial=first, total=steps, desc="training", unit="step", disable=not active
        )
        self.file: TextIO | None = None
        if active:
            from torch.utils.tensorboard import SummaryWriter  # seconds to import

            self.file = open_log(path, first)
            self.board: Any = SummaryWriter(board, purge_step=first)

    def steps(self) -> Iterator[int]:
        """Yield the numbers of the steps, from ``first`` on."""
        return iter(self.bar)

    def write(self, step: int, rate: float, numbers: dict[str, float], reason: str = "") -> None:
        """Write ``numbers`` of ``step`` (from 0) at learning rate ``rate``; ``reason``: why the training diverged."""
        if self.file is None:
            return
        finite = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
        diverged = {"diverged": reason} if reason else {}
        self.file.write(json.dumps({"step": step + 1, "learning_rate": rate, **finite, **diverged}) + "\n")
        for name, number in numbers.items():
            self.board.add_scalar(name, number, step + 1)

    def show(self, rate: float, numbers: dict[str, float], memory: str) -> None:
        """Show ``numbers`` behind the progress bar."""
        texts = {name: f"{number:.3g}" for name, number in numbers.items()}
        self.bar.set_postfix(texts | {"lr": f"{rate:.2g}", "memory": memory}, refresh=False)

    def flush(self) -> None:
        """Write buffered lines to the disk; call it before a state is saved, which relies on them."""
        if self.file is not None:
            self.file.flush()

    def close(self) -> None:
        """Close the files."""
        if self.file is not None:
            self.file.close()
            self.board.close()
