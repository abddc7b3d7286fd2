"""Rasters: the pixels come through, nothing else does."""

import io
import struct
import zlib

import pytest
from PIL import Image, ImageFile, PngImagePlugin

from predictu import filetypes
from predictu.filetypes import Unacceptable, rasters


def image(name, size=(3, 2), mode="RGB", colour=(200, 30, 60), **options):
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, name, **options)
    return out.getvalue()


def opened(checked):
    return Image.open(io.BytesIO(checked.content))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, data=b""):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "content_type", "extension"),
    [("PNG", "image/png", "png"), ("JPEG", "image/jpeg", "jpg"), ("WEBP", "image/webp", "webp")],
)
def test_each_kind_keeps_its_size_and_look(name, content_type, extension):
    content = image(name)
    checked = filetypes.check(content)
    assert (checked.content_type, checked.extension, checked.width, checked.height) == (content_type, extension, 3, 2)
    assert opened(checked).format == name
    shown = opened(checked).convert("RGB").getpixel((1, 1))
    assert all(abs(a - b) < 12 for a, b in zip(shown, (200, 30, 60), strict=True))


def test_metadata_and_what_hangs_on_the_end_are_gone():
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "made by Eve")
    for content in (
        image("JPEG", exif=exif, comment=b"made by Eve") + b"<script>alert(1)</script>",
        image("PNG", pnginfo=text, exif=exif) + b"<script>alert(1)</script>",
        image("WEBP", exif=exif),
    ):
        checked = filetypes.check(content)
        for left in (b"Eve", b"at home", b"script"):
            assert left not in checked.content
        assert not opened(checked).getexif()


def test_a_turned_photograph_is_set_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    checked = filetypes.check(image("JPEG", size=(30, 20), exif=exif))
    assert (checked.width, checked.height) == (20, 30) == opened(checked).size


@pytest.mark.parametrize(
    ("mode", "colour", "kept"),
    [("RGBA", (1, 2, 3, 0), "RGBA"), ("L", 7, "L"), ("1", 1, "L"), ("P", 3, "RGB"), ("LA", (5, 9), "RGBA")],
)
def test_modes(mode, colour, kept):
    assert opened(filetypes.check(image("PNG", mode=mode, colour=colour))).mode == kept


def test_print_colours_become_screen_colours():
    assert opened(filetypes.check(image("JPEG", mode="CMYK", colour=(0, 0, 0, 0)))).mode == "RGB"


def test_an_animation_is_its_first_frame():
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    checked = opened(filetypes.check(out.getvalue()))
    assert getattr(checked, "n_frames", 1) == 1
    assert checked.convert("RGB").getpixel((0, 0))[0] > 200


@pytest.mark.parametrize(
    "content",
    [
        png(5001, 5000),  # a bomb by its header
        png(60_000, 60_000, b"\0" * 1000),
        png(2, 2, b"\0"),  # too little data
        image("PNG")[:-20],
        image("JPEG")[: len(image("JPEG")) // 2],
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"RIFF\x00\x00\x00\x00WEBP",
    ],
)
def test_refused(content):
    with pytest.raises(Unacceptable):
        filetypes.check(content)


@pytest.mark.parametrize("content", [b"", b"hello", b"MZ" + b"\0" * 200, b"GIF89a", b"PK\x03\x04", b"\0" * 50])
def test_other_kinds(content):
    with pytest.raises(Unacceptable, match="must be a png, jpg, jpeg, svg, webp or pdf file"):
        filetypes.check(content)


def test_a_lenient_process_refuses_what_breaks_off_all_the_same(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 50).convert("RGB").save(whole, "JPEG")
    with pytest.raises(Unacceptable):
        rasters.reencoder("image/jpeg")(whole.getvalue()[:-400])
    assert ImageFile.LOAD_TRUNCATED_IMAGES
