"""Spec files: the settings of one job as a YAML file, which is an input of the job's rule.

Snakemake runs a job again when an input has other content, so a spec holds what decides a job's result and nothing
else. A file whose content is the same already is not written again.
"""

from __future__ import annotations

from pathlib import Path

from osediff.common.settings import Settings, write

SHARED = "runs/specs"  # of jobs whose outputs all presets share


def write_spec(folder: str, job: str, settings: Settings) -> str:
    """Write the spec of a job.

    Args:
        folder: ``runs/PRESET/specs`` (``Paths.specs``), or ``SHARED`` where the outputs belong to no preset.
        job: rule and wildcards with slashes between, such as ``train/osediff/demo/0``.
        settings: what the job's module reads by ``osediff.common.settings.read``.

    Returns:
        The path of the file, for ``input: spec=``.
    """
    path = Path(folder, f"{job}.yaml")
    write(path, settings)
    return str(path)
