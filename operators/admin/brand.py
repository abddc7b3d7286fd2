"""An operator's branding as its users see it: the logo, the colours, and whether text on them can be read."""

import base64
from dataclasses import dataclass

from django.core.files.storage import default_storage

from billing import parties
from operators.models import Operator
from predictu import colour

MOST_BYTES = 500_000
"""Larger logos are led to, not drawn into the page."""

_COLOURS = {
    "primary_color": "Primary",
    "secondary_color": "Secondary",
    "bg_primary": "Background",
    "bg_secondary": "Second background",
}


@dataclass(frozen=True, slots=True)
class Swatch:
    """One colour: ``text`` is the readable of black and white on it, with the contrast between the two."""

    name: str
    colour: str
    text: str
    contrast: str


@dataclass(frozen=True, slots=True)
class Brand:
    """``logo`` is a data URI, drawn only where the file is kept here; ``logo_url`` is where it lies."""

    display_name: str
    swatches: tuple[Swatch, ...]
    logo: str
    logo_url: str


def of_operator(operator: Operator) -> Brand:
    """What there is of the branding; a colour that is none is left out."""
    given = operator.branding
    found = [_swatch(label, str(given.get(name) or "")) for name, label in _COLOURS.items()]
    return Brand(
        display_name=str(given.get("display_name") or operator.name),
        swatches=tuple(one for one in found if one is not None),
        logo=_drawn(operator) if given.get("logo_url") else "",
        logo_url=str(given.get("logo_url") or ""),
    )


def _swatch(name: str, text: str) -> Swatch | None:
    shade = colour.normal(text, default="")
    if not shade:
        return None
    ratio, best = max((colour.contrast(each, shade), each) for each in (colour.WHITE, colour.BLACK))
    return Swatch(name, shade, best, f"{ratio:.1f}")


def _drawn(operator: Operator) -> str:
    """The logo's own bytes: the page's policy lets no other host draw on it. Empty where it is not kept here."""
    stored = parties.logo(operator)
    if stored is None or stored.size_bytes > MOST_BYTES:
        return ""
    try:
        with default_storage.open(stored.path) as stream:
            return f"data:{stored.content_type};base64,{base64.b64encode(stream.read()).decode()}"
    except OSError:
        return ""
