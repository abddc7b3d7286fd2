"""SVG: drawings come through, whatever runs, loads or leads elsewhere does not."""

import pytest

from predictu import filetypes
from predictu.filetypes import Unacceptable

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def check(inner, attributes='width="64" height="32px"', before=""):
    return filetypes.check(f"{before}{HEAD} {attributes}>{inner}</svg>".encode())


def test_a_drawing():
    checked = check(
        '<title>Logo</title><defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/></linearGradient></defs>'
        '<style>.x{fill:url(#a)}</style><g class="x"><path d="M0 0L1 1" fill="url(\'#a\')" style="stroke:red"/></g>'
        '<use xlink:href="#a"/><image href="data:image/png;base64,iVBORw0KGgo="/><text xml:space="preserve">A</text>'
    )
    assert (checked.content_type, checked.width, checked.height) == ("image/svg+xml", 64, 32)
    text = checked.content.decode()
    assert text.startswith("<?xml version='1.0' encoding='utf-8'?>\n<svg xmlns=")
    for part in ("linearGradient", "url(#a)", 'd="M0 0L1 1"', 'xlink:href="#a"', 'xml:space="preserve"'):
        assert part in text


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('viewBox="0 0 24.4 24.6"', (24, 25)),
        ('width="100%" height="1" viewBox="0,0,10,20"', (10, 20)),
        ("", (None, None)),
        ('viewBox="0 0 -1 1e99"', (None, None)),
    ],
)
def test_sizes(attributes, size):
    checked = check("<path/>", attributes)
    assert (checked.width, checked.height) == size


def test_what_editors_leave_behind_is_dropped():
    checked = check(
        "<!-- by Eve --><?xml-stylesheet href='x'?><metadata><x>made by Eve</x></metadata>"
        '<e:view xmlns:e="urn:editor" e:by="Eve"/><path xmlns:e="urn:editor" e:by="Eve" d="M0 0"/>'
    )
    assert b"Eve" not in checked.content and b"stylesheet" not in checked.content
    assert b'd="M0 0"' in checked.content


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        "<script href='#a'/>",
        "<g><script/></g>",
        '<x:script xmlns:x="http://www.w3.org/2000/svg"/>',
        "<foreignObject><p>hi</p></foreignObject>",
        '<p xmlns="http://www.w3.org/1999/xhtml"/>',
        '<e:x xmlns:e="urn:e"><script xmlns="http://www.w3.org/2000/svg">1</script></e:x>',
        '<path onload="alert(1)"/>',
        '<path ONCLICK="alert(1)"/>',
        '<a href="https://evil.example"><path/></a>',
        '<use href="https://evil.example/a.svg#x"/>',
        '<use xlink:href="//evil.example/a.svg#x"/>',
        '<image href="http://evil.example/pixel.png"/>',
        '<image href="data:image/svg+xml;base64,PHN2Zz4="/>',
        '<image href="data:text/html;base64,PHN2Zz4="/>',
        '<use href="data:image/png;base64,iVBORw0KGgo="/>',
        '<use href="javascript:alert(1)"/>',
        '<path fill="url(https://evil.example/#a)"/>',
        '<path style="fill:url(//evil.example/#a)"/>',
        '<path style="background:\\75rl(//evil.example)"/>',
        "<style>@import '//evil.example/a.css';</style>",
        "<style>@font-face{font-family:x;src:url(//evil.example/x)}</style>",
        "<style>a{background:image-set('//evil.example/x' 1x)}</style>",
        '<animate attributeName="href" to="javascript:alert(1)"/>',
        '<set attributeName="onload" to="alert(1)"/>',
        "<iframe/>",
        '<filter><feImage href="#a"/></filter>',
    ],
)
def test_refused(inner):
    with pytest.raises(Unacceptable, match="must be a plain drawing"):
        check(inner)


@pytest.mark.parametrize(
    "content",
    [
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]>' + HEAD.encode() + b">&a;</svg>",
        b'<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + HEAD.encode() + b"><text>&x;</text></svg>",
        b'<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x.dtd">' + HEAD.encode() + b"/>",
        b"<svg",
        b"<html><script>1</script></html>",
        b"<svg/>",
        b'<?xml version="1.0" encoding="utf-7"?><svg/>',
        HEAD.encode() + b">" + b"<g/>" * 50_000 + b"</svg>",
    ],
)
def test_no_svg_we_take(content):
    with pytest.raises(Unacceptable):
        filetypes.check(content)


def test_other_encodings_are_read_as_what_they_are():
    with pytest.raises(Unacceptable):
        filetypes.check(f"{HEAD}><script/></svg>".encode("utf-16"))
    latin = f'<?xml version="1.0" encoding="iso-8859-1"?>{HEAD}><text>\xe9</text></svg>'.encode("latin-1")
    assert "\xe9" in filetypes.check(latin).content.decode()
