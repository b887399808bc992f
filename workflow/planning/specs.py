"""Write spec files: the settings of one job as a YAML file, which is an input of the job's rule.

Snakemake runs a job again when an input has other content, so a spec contains only settings that decide the job's
result. A file whose content would not change is not written again.
"""

from __future__ import annotations

from pathlib import Path

from osediff.common.settings import Settings, write

SHARED = "runs/specs"  # of jobs whose outputs all presets share


def write_spec(folder: str, job: str, settings: Settings) -> str:
    """Write the spec of a job.

    Args:
        folder: ``runs/PRESET/specs`` (``Configuration.specs``), or ``SHARED`` if the outputs belong to no preset.
        job: rule and wildcards with slashes between, such as ``train/osediff/demo/0``.
        settings: the settings that the job's module reads by ``osediff.common.settings.read``.

    Returns:
        The path of the file, for ``input: spec=``.
    """
    path = Path(folder, f"{job}.yaml")
    write(path, settings)
    return str(path)
