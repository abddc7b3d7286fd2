"""Reading PDFs back, and running the same code under other environments."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pypdf

ROOT = Path(__file__).resolve().parent.parent
# Time zones, locales and hash seeds that would show in a careless file.
ENVIRONMENTS = (
    {"TZ": "UTC", "LANG": "C", "PYTHONHASHSEED": "0"},
    {"TZ": "Pacific/Kiritimati", "LANG": "ja_JP.UTF-8", "LC_ALL": "C.UTF-8", "LANGUAGE": "ja", "PYTHONHASHSEED": "1"},
    {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "FC_LANG": "zh-tw", "PYTHONHASHSEED": "4711"},
)


def text_of(content):
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def font_names(content):
    """The names of the fonts of all pages; fails for one that is not embedded or maps to no characters."""
    names = set()
    for page in pypdf.PdfReader(io.BytesIO(content)).pages:
        for font in page["/Resources"]["/Font"].values():
            font = font.get_object()
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert "/FontFile2" in descriptor or "/FontFile3" in descriptor
            assert "/ToUnicode" in font
            names.add(str(font["/BaseFont"]))
    return names


def outputs(code):
    """What ``code`` writes to standard output under each of ENVIRONMENTS, in processes of their own."""
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME"}}
    return [
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={**kept, **environment}, check=True, capture_output=True
        ).stdout
        for environment in ENVIRONMENTS
    ]
