"""Named protocols: what differs from the paper's in how metrics are computed. Only data; nothing heavy is imported."""

from __future__ import annotations

from typing import Any

from osediff.common.validation import known


def resolve(content: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    """The metric registry under protocol ``name``, given ``content``, the whole of config/metrics.yaml.

    The file's own protocol is the base. Another one replaces keys of single metrics, ``options`` as a whole, and stands
    by its own id and version on the rows of these; what it leaves alone is still measured by the base, and its rows say
    so. InputError: no such protocol, or one that changes an unknown metric."""
    others = content.get("protocols", {})
    known("protocol", name, [content["protocol"]["id"], *others], source)
    if name == content["protocol"]["id"]:
        return content
    metrics = dict(content["metrics"])
    for metric, change in others[name]["metrics"].items():
        known("metric", metric, metrics, f"{source}: {name}")
        metrics[metric] = metrics[metric] | change | {"protocol": f"{name}/{others[name]['version']}"}
    return content | {"metrics": metrics}
