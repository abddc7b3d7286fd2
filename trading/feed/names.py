"""Ids of invented markets, in the source's shapes and reversible: an id spells the market it names."""

import struct
from dataclasses import dataclass

from trading.feed import chance

LONG_IDS_FROM = 500_000
IDS_PER_STREAM = 20_000
SHORT_IDS_FROM = 50_000_000
FURTHEST_NUMBER = 20_000_000
_CONDITION, _YES_TOKEN, _NO_TOKEN, _QUESTION = range(4)
_PLACE = struct.Struct(">HqH")


@dataclass(frozen=True, slots=True)
class Names:
    gamma_id: int
    condition_id: str
    question_id: str
    token_ids: tuple[str, str]


def names(seed: int, stream: int, number: int, *, short: bool) -> Names:
    """The ids of one market; Gamma ids grow with the number, as the source's do."""
    gamma_id = SHORT_IDS_FROM if short else LONG_IDS_FROM + IDS_PER_STREAM * stream + IDS_PER_STREAM // 2
    return Names(
        gamma_id=gamma_id + number,
        condition_id="0x" + _written(seed, stream, number, _CONDITION).hex(),
        question_id="0x" + _written(seed, stream, number, _QUESTION).hex(),
        token_ids=(
            str(int.from_bytes(_written(seed, stream, number, _YES_TOKEN))),
            str(int.from_bytes(_written(seed, stream, number, _NO_TOKEN))),
        ),
    )


def place_of_condition(condition_id: str) -> tuple[int, int] | None:
    """(stream, number) that a condition id spells; whether the market really bears it is the caller's to compare."""
    try:
        return _read(bytes.fromhex(condition_id.removeprefix("0x")))
    except ValueError:
        return None


def place_of_token(token_id: str) -> tuple[int, int] | None:
    """(stream, number) that a token id spells, as ``place_of_condition``."""
    if not (token_id.isascii() and token_id.isdigit() and len(token_id) <= 78):
        return None
    try:
        return _read(int(token_id).to_bytes(32))
    except OverflowError:
        return None


def _written(seed: int, stream: int, number: int, kind: int) -> bytes:
    head = bytearray(chance.digest(f"{seed}/{stream}/{number}/{kind}", 20))
    head[0] |= 0x80  # so that a token has 77 or 78 digits
    return bytes(head) + _masked(_PLACE.pack(stream, number, kind), bytes(head))


def _read(spelled: bytes) -> tuple[int, int] | None:
    if len(spelled) != 32:
        return None
    stream, number, _ = _PLACE.unpack(_masked(spelled[20:], spelled[:20]))
    return (stream, number) if abs(number) <= FURTHEST_NUMBER else None


def _masked(place: bytes, head: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(place, chance.digest(head.hex(), _PLACE.size), strict=True))
