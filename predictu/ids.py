"""TypeIDs: a prefix that names the kind, and a UUIDv7 in 26 lower-case characters.

The database stores the bare UUID; everywhere else the id is the one string, opaque to clients.
"""

import os
import threading
import time
import uuid
from datetime import UTC, datetime

from predictu.errors import BadRequest

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]
# The 32 digits as ``int`` writes them; whatever is none of ours becomes what it refuses.
_DIGITS = b"0123456789abcdefghijklmnopqrstuv"
_TO_DIGITS = bytes(_DIGITS[_ALPHABET.index(chr(n))] if chr(n) in _ALPHABET else ord("!") for n in range(256))
_SHIFTS = range(120, -1, -10)

_state = threading.local()


def uuid7(moment: datetime | None = None) -> uuid.UUID:
    """A new UUIDv7 of ``moment`` (default: now). One thread's ids of the same millisecond ascend where they can.

    There the tail grows by a random step of up to 32 bits, so millions of ids of one moment stay apart and in order; a
    tail that would run over starts afresh.
    """
    ms = time.time_ns() // 1_000_000 if moment is None else int(moment.timestamp() * 1000)
    tail = int.from_bytes(os.urandom(10), "big") & ((1 << 74) - 1)
    if getattr(_state, "ms", None) == ms:
        following = _state.tail + 1 + (tail & 0xFFFFFFFF)
        tail = following if following < 1 << 74 else tail
    _state.ms, _state.tail = ms, tail
    return uuid.UUID(
        int=(ms & ((1 << 48) - 1)) << 80 | 0x7 << 76 | (tail >> 62) << 64 | 0b10 << 62 | tail & ((1 << 62) - 1)
    )


def encode(prefix: str, value: uuid.UUID) -> str:
    """``trd`` and a UUID as ``trd_01h455vb4pex5vsknk084sn02q``."""
    number = value.int
    return f"{prefix}_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])


def decode(prefix: str, text: str) -> uuid.UUID:
    """The UUID inside ``text``. Raises ValueError for another prefix or anything malformed."""
    head, _, body = text.rpartition("_")
    if head != prefix or len(body) != 26 or body[0] > "7":
        raise ValueError(f"not a {prefix}_ id")
    try:
        return uuid.UUID(int=int(body.encode("latin-1").translate(_TO_DIGITS), 32))
    except ValueError:
        raise ValueError(f"not a {prefix}_ id") from None


def new(prefix: str, moment: datetime | None = None) -> str:
    """A fresh TypeID."""
    return encode(prefix, uuid7(moment))


def is_one(prefix: str, text: str) -> bool:
    """Whether ``text`` is a well-formed id of this kind."""
    try:
        decode(prefix, text)
    except ValueError:
        return False
    return True


def parse(prefix: str, text: str, *, parameter: str) -> str:
    """``text`` if it is a well-formed id of this kind, else BadRequest naming the parameter."""
    try:
        decode(prefix, text)
    except ValueError:
        raise BadRequest(
            f"{parameter} must be a {prefix}_ id", details={parameter: [f"must be a {prefix}_ id"]}
        ) from None
    return text


def instant(text: str) -> datetime:
    """The moment inside an id, to the millisecond."""
    prefix = text.rpartition("_")[0]
    return datetime.fromtimestamp((decode(prefix, text).int >> 80) / 1000, UTC)


def first(moment: datetime) -> uuid.UUID:
    """The lowest UUIDv7 of ``moment``'s millisecond: ids are ranges of time, and none is from before 1970."""
    return uuid.UUID(int=(max(0, int(moment.timestamp() * 1000)) & ((1 << 48) - 1)) << 80)
