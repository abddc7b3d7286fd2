"""UUIDv7s and TypeIDs for many rows at once, drawn from a seed so that the same world gets the same ids.

``uuid7`` and ``typeid`` are ``predictu.ids`` over arrays. Texts are ASCII bytes, as COPY and the ledger's hash take
them.
"""

import numpy as np
from numpy.typing import NDArray

from reports.simulation.markets import Ints

Raw = NDArray[np.uint8]
"""Rows of 16 bytes."""
Texts = NDArray[np.bytes_]

_ALPHABET = np.frombuffer(b"0123456789abcdefghjkmnpqrstvwxyz", dtype=np.uint8)
_HEX = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
_GROUPS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 16))


def uuid7(time_ms: Ints, rng: np.random.Generator) -> Raw:
    """An id for each moment. Those of one millisecond ascend in the order of the rows, up to 4,096 of them."""
    count = len(time_ms)
    raw = rng.integers(0, 256, size=(count, 16), dtype=np.uint8)
    for place in range(6):
        raw[:, place] = (time_ms >> (8 * (5 - place))) & 0xFF
    order = np.argsort(time_ms, kind="stable")
    moments = time_ms[order]
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count) - np.searchsorted(moments, moments)
    raw[:, 6] = 0x70 | ((rank >> 8) & 0x0F)
    raw[:, 7] = rank & 0xFF
    raw[:, 8] = 0x80 | (raw[:, 8] & 0x3F)
    return raw


def uuids(raw: Raw) -> Texts:
    """``018f0e3a-…``, 36 characters each."""
    digits = np.empty((len(raw), 32), dtype=np.uint8)
    digits[:, 0::2], digits[:, 1::2] = _HEX[raw >> 4], _HEX[raw & 0x0F]
    text = np.full((len(raw), 36), ord("-"), dtype=np.uint8)
    for number, (first, last) in enumerate(_GROUPS):
        text[:, 2 * first + number : 2 * last + number] = digits[:, 2 * first : 2 * last]
    return text.view("S36").ravel()


def typeids(prefix: str, raw: Raw) -> Texts:
    """``trd_01h455…`` each."""
    wide = raw.astype(np.uint16)
    head = np.frombuffer(f"{prefix}_".encode(), dtype=np.uint8)
    text = np.empty((len(raw), len(head) + 26), dtype=np.uint8)
    text[:, : len(head)] = head
    for group in range(26):
        low = 5 * (25 - group)
        last, shift = 15 - low // 8, low % 8
        window = wide[:, last] | (wide[:, last - 1] << 8 if last else 0)
        text[:, len(head) + group] = _ALPHABET[(window >> shift) & 31]
    return text.view(f"S{len(head) + 26}").ravel()
