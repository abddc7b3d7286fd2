"""PNG, JPEG and WebP: decoded, turned upright, and encoded anew from the pixels alone. Pure."""

import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image, ImageFile, ImageOps

from predictu.filetypes.refusal import Unacceptable

MOST_PIXELS = 25_000_000
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
_OPTIONS: dict[str, dict[str, object]] = {
    "PNG": {"optimize": True},
    "JPEG": {"quality": 90, "optimize": True},
    "WEBP": {"quality": 90},
}

_lenience = threading.Lock()


def reencoder(content_type: str) -> Callable[[bytes], tuple[bytes, int | None, int | None]]:
    """The function that re-encodes files of this type."""
    return lambda content: _reencoded(content, _FORMATS[content_type])


def _reencoded(content: bytes, name: str) -> tuple[bytes, int, int]:
    """New bytes, width and height. Only the first frame of an animation is kept."""
    try:
        with Image.open(io.BytesIO(content), formats=[name]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise Unacceptable(f"must have at most {MOST_PIXELS:,} pixels")
            image.verify()
        with _strictly(), Image.open(io.BytesIO(content), formats=[name]) as image:
            image.load()
            pixels = _plain(ImageOps.exif_transpose(image), name)
    except Unacceptable:
        raise
    except Exception as error:  # noqa: BLE001 decoders of damaged files raise whatever they stumble over
        raise Unacceptable(f"is a damaged {name} image") from error
    out = io.BytesIO()
    pixels.save(out, name, **_OPTIONS[name])
    return out.getvalue(), pixels.width, pixels.height


@contextmanager
def _strictly() -> Iterator[None]:
    """No image is taken that breaks off: WeasyPrint, once imported, makes Pillow lenient for the whole process."""
    with _lenience:
        before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        try:
            yield
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before


def _plain(image: Image.Image, name: str) -> Image.Image:
    """A new image of the same pixels, without palette, profile or any other information."""
    alpha = name != "JPEG" and (image.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in image.info)
    mode = "RGBA" if alpha else "L" if image.mode in ("1", "L") else "RGB"
    plain = Image.new(mode, image.size)
    plain.paste(image.convert(mode))
    return plain
