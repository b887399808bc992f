"""Named protocols: what differs from the paper's in how metrics are computed. Only data; nothing heavy is imported."""

from __future__ import annotations

from typing import Any

from contracts.checks import known


def resolve(content: dict[str, Any], name: str, source: str) -> dict[str, Any]:
    """The metric registry under protocol ``name``, given ``content``, the whole of config/metrics.yaml.

    The file's own protocol is the base. Another one replaces keys of single metrics, ``options`` as a whole, and stands
    on every row by its own id and version. InputError: no such protocol, or one that changes an unknown metric."""
    others = content.get("protocols", {})
    known("protocol", name, [content["protocol"]["id"], *others], source)
    if name == content["protocol"]["id"]:
        return content
    metrics = dict(content["metrics"])
    for metric, change in others[name]["metrics"].items():
        known("metric", metric, metrics, f"{source}: {name}")
        metrics[metric] = metrics[metric] | change
    return content | {"protocol": {"id": name, "version": others[name]["version"]}, "metrics": metrics}
