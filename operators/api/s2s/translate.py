"""The operator in the words of the S2S document, to and fro. Pure.

Its names differ from the shared ones in four places, and it has three words for a status.
"""

from collections.abc import Mapping
from typing import Any

from operators.steps import s2s_status

_NAMES = {
    "embed_origins": "allowed_origins",
    "config.allowed_categories": "allowed_categories",
    "branding.favicon_url": "branding.icon_url",
}
STATUSES = ("active", "inactive", "onboarding")

BRANDING = ("primary_color", "secondary_color", "bg_primary", "bg_secondary", "logo_url", "icon_url")


def name(shared: str) -> str:
    """A shared dotted name as the S2S document has it."""
    return _NAMES.get(shared, shared)


def changes(diff: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """A diff under S2S names; a status that reads the same before and after is no change here."""
    shown = {}
    for shared, change in diff.items():
        if shared == "status":
            change = {"from": s2s_status(change["from"]), "to": s2s_status(change["to"])}
            if change["from"] == change["to"]:
                continue
        shown[name(shared)] = {"from": change["from"], "to": change["to"]}
    return shown


def shared(given: Mapping[str, Any]) -> dict[str, Any]:
    """A validated S2S body under the shared names."""
    values = {key: value for key, value in given.items() if key not in ("status", "reason")}
    if values.get("callback_url", "") is None:
        values["callback_url"] = ""
    if "allowed_origins" in values:
        values["embed_origins"] = values.pop("allowed_origins")
    if "branding" in values:
        values["branding"] = {"favicon_url" if key == "icon_url" else key: v for key, v in values["branding"].items()}
    config = dict(values.pop("config", {}))
    if "allowed_categories" in values:
        config["allowed_categories"] = values.pop("allowed_categories")
    return values | ({"config": config} if config else {})


def branding(stored: Mapping[str, Any]) -> dict[str, Any]:
    """The six keys the S2S document shows."""
    return {key: stored.get("favicon_url" if key == "icon_url" else key) for key in BRANDING}
