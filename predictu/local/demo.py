"""Files that tell how far the demo of one place has come."""

from pathlib import Path

from predictu.local.place import Place


def keys_file(place: Place) -> Path:
    """Where `manage.py demo` leaves the operators' keys, which it can show only once."""
    return place.data / "demo-keys.json"


def unfinished(place: Place) -> Path:
    """Exists while demo data is being made; found at a start, it says that the last attempt was cut off."""
    return place.data / "demo.unfinished"
