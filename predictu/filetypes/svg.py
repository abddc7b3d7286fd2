"""SVG: written anew from harmless elements, or refused for what could run, load or lead elsewhere. Pure."""

import re
from xml.etree import ElementTree  # noqa: S405 only writes here; defusedxml reads

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from predictu.filetypes.refusal import Unacceptable

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
XML = "http://www.w3.org/XML/1998/namespace"

MOST_ELEMENTS = 50_000

_SHAPES = "circle ellipse line path polygon polyline rect image text textPath tspan use"
_STRUCTURE = "svg g defs symbol switch view title desc style marker mask clipPath pattern linearGradient radialGradient"
_FILTERS = (
    "filter feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix feDiffuseLighting "
    "feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur feMerge "
    "feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence"
)
_ALLOWED = frozenset(f"{_SHAPES} {_STRUCTURE} stop {_FILTERS}".split())
# What editors leave behind draws nothing: it is dropped with all it holds.
_DROPPED = frozenset({"metadata"})

_HREFS = frozenset({"href", f"{{{XLINK}}}href"})
_KEPT_FOREIGN = frozenset({f"{{{XLINK}}}href", f"{{{XML}}}space", f"{{{XML}}}lang"})
_RASTER_DATA = re.compile(r"data:image/(png|jpeg|webp);base64,[A-Za-z0-9+/=\s]*")
_INNER_URL = re.compile(r"url\(\s*(['\"]?)#[^)'\"\s]*\1\s*\)", re.IGNORECASE)
_DANGER = re.compile(
    r"\\|@import|@charset|@namespace|url\s*\(|src\s*\(|image-set|cross-fade|expression\s*\(|javascript:|vbscript:"
    r"|behavior\s*:|-moz-binding|https?:|data:",
    re.IGNORECASE,
)
_LENGTH = re.compile(r"\s*(\d{1,6}(?:\.\d+)?)(?:px)?\s*")


def rewritten(content: bytes) -> tuple[bytes, int | None, int | None]:
    """The drawing alone, with width and height in pixels where it names them. Raises Unacceptable."""
    try:
        root = fromstring(content, forbid_dtd=True)
    except DefusedXmlException:
        raise Unacceptable("must be an SVG without DTD and entities") from None
    except (ElementTree.ParseError, ValueError, LookupError):
        raise Unacceptable("must be a png, jpg, jpeg, svg, webp or pdf file: this is no well-formed SVG") from None
    if root.tag != f"{{{SVG}}}svg":
        raise Unacceptable("must be a png, jpg, jpeg, svg, webp or pdf file: this is another kind of XML")
    for number, element in enumerate(root.iter()):
        if number >= MOST_ELEMENTS:
            raise Unacceptable(f"must hold at most {MOST_ELEMENTS:,} elements")
        _clean(element)
    ElementTree.register_namespace("", SVG)
    ElementTree.register_namespace("xlink", XLINK)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), *_size(root)


def _clean(element: ElementTree.Element) -> None:
    """Check one element and its attributes, drop foreign ones; its children's turn comes later."""
    name = _local(element.tag)
    if name not in _ALLOWED:
        raise Unacceptable(f"must be a plain drawing: <{name[:40]}> is not allowed")
    for child in list(element):
        if not str(child.tag).startswith(f"{{{SVG}}}") or _local(child.tag) in _DROPPED:
            _refuse_foreign_html(child)
            element.remove(child)
    for attribute in list(element.attrib):
        if attribute.startswith("{") and attribute not in _KEPT_FOREIGN:
            del element.attrib[attribute]
        else:
            _check_attribute(name, attribute, element.attrib[attribute])
    if name == "style":
        _check_style(element.text or "")


def _refuse_foreign_html(child: ElementTree.Element) -> None:
    """Editors' data is dropped in silence; HTML inside a drawing is meant to do something."""
    for inner in child.iter():
        if str(inner.tag).startswith("{http://www.w3.org/1999/xhtml}") or _local(inner.tag) in ("script", "handler"):
            raise Unacceptable("must be a plain drawing: it holds HTML or a script")


def _check_attribute(element: str, attribute: str, value: str) -> None:
    if attribute.lower().startswith("on"):
        raise Unacceptable(f"must be a plain drawing: the event handler {attribute[:40]} is not allowed")
    if attribute in _HREFS:
        inner = value.strip()
        if not (inner.startswith("#") or (element == "image" and _RASTER_DATA.fullmatch(inner))):
            raise Unacceptable("must be a plain drawing: it refers to something outside itself")
    elif attribute not in ("class", "id"):
        _check_style(value)


def _check_style(text: str) -> None:
    if _DANGER.search(_INNER_URL.sub("", text)):
        raise Unacceptable("must be a plain drawing: a style refers to something outside itself")


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2]


def _size(root: ElementTree.Element) -> tuple[int | None, int | None]:
    lengths = [_LENGTH.fullmatch(root.get(name, "")) for name in ("width", "height")]
    if all(lengths):
        return tuple(round(float(length[1])) for length in lengths if length)  # type: ignore[return-value]
    box = root.get("viewBox", "").replace(",", " ").split()
    try:
        width, height = float(box[2]), float(box[3])
    except (IndexError, ValueError):
        return None, None
    if not (0 < width < 10**6 and 0 < height < 10**6):
        return None, None
    return round(width), round(height)
