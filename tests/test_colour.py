"""Brand colours: normal form, contrast, and readable text whatever the colour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predictu import colour

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#1A2b3C", "#1a2b3c"),
        ("#fA0", "#ffaa00"),
        ("red", "#010203"),
        ("", "#010203"),
        ("#12345", "#010203"),
        ("#12345g", "#010203"),
        ("#123456;}*{display:none", "#010203"),
        ("#123456\n", "#010203"),
    ],
)
def test_normal(text, expected):
    assert colour.normal(text, default="#010203") == expected


def test_contrast_of_the_extremes():
    assert colour.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colour.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert colour.contrast("#777777", "#777777") == 1


@pytest.mark.parametrize(
    ("brand", "expected"),
    [
        ("#000000", ("#000000", "#ffffff")),
        ("#15803d", ("#15803d", "#ffffff")),
        ("#facc15", ("#facc15", "#000000")),
        ("#ffffff", ("#ffffff", "#000000")),
        ("#1478dc", ("#1376d9", "#ffffff")),
    ],
)
def test_surface(brand, expected):
    assert colour.surface(brand) == expected


@given(colours)
def test_text_is_readable_on_every_surface(brand):
    background, text = colour.surface(brand)
    assert colour.contrast(background, text) >= colour.READABLE


@given(colours)
def test_text_in_every_colour_is_readable_on_paper(brand):
    assert colour.contrast(colour.on_white(brand), colour.WHITE) >= colour.READABLE
    if colour.contrast(brand, colour.WHITE) >= colour.READABLE:
        assert colour.on_white(brand) == brand
