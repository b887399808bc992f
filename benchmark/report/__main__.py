"""The report of a run.

    python -m benchmark.report build ...
    python -m benchmark.report export ...

``build`` makes the interactive page (benchmark.report.build); a rule of the workflow runs it. ``export`` makes a
submission of one method's results (benchmark.report.export).
"""

from __future__ import annotations

from benchmark.report import build, export
from osediff.common.command_line import make_parser
from osediff.common.errors import run


def main() -> None:
    """Run the command line."""
    parser = make_parser("benchmark.report", __doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build.add_arguments(commands.add_parser("build", help="make the interactive page"))
    export.add_arguments(commands.add_parser("export", help="make a submission of one method's results"))
    args = parser.parse_args()
    {"build": build.build, "export": export.export}[args.command](args)


if __name__ == "__main__":
    run(main)
