"""The report of a run.

    python -m benchmark.report build ...

``build`` makes the interactive page (benchmark.report.build). A rule of the workflow runs it.
"""

from __future__ import annotations

from benchmark.report import build
from osediff.common.command_line import make_parser
from osediff.common.errors import run


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.report", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build.add_arguments(commands.add_parser("build", help="make the interactive page"))
    args = parser.parse_args()
    build.build(args)


if __name__ == "__main__":
    run(main)
