"""Brand colours made safe to print: whatever an operator chose, what is written on or in it stays readable.

Contrast is WCAG 2's ratio of relative luminances, 1 (none) to 21 (black on white); 4.5 is its least for plain text.
"""

import re

WHITE, BLACK = "#ffffff", "#000000"
READABLE, TAKES_WHITE = 4.5, 3.0
_HEX = re.compile(r"#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})")


def normal(text: str, *, default: str) -> str:
    """``text`` as ``#rrggbb``; ``default`` for anything but a three- or six-digit hex colour."""
    if not _HEX.fullmatch(text):
        return default
    digits = text[1:].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)


def contrast(one: str, other: str) -> float:
    """The WCAG contrast ratio of two ``#rrggbb`` colours."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def surface(brand: str) -> tuple[str, str]:
    """A background as near to ``brand`` as can be, and the readable colour of text on it.

    Middling colours are darkened a little and take white; bright ones, where that would spoil them, stay and take
    black.
    """
    return (on_white(brand), WHITE) if contrast(WHITE, brand) >= TAKES_WHITE else (brand, BLACK)


def on_white(colour: str) -> str:
    """``colour``, darkened just far enough to be readable as text on white paper."""
    channels = _channels(colour)
    for step in range(100, -1, -1):
        darkened = "#" + "".join(f"{channel * step // 100:02x}" for channel in channels)
        if contrast(darkened, WHITE) >= READABLE:
            return darkened
    raise AssertionError("black is readable on white")


def _channels(colour: str) -> list[int]:
    return [int(colour[start : start + 2], 16) for start in (1, 3, 5)]


def _luminance(colour: str) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (channel / 255 for channel in _channels(colour))
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
