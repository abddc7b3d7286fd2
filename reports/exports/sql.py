"""TypeIDs and instants in SQL, cheap enough for millions of rows. Pure: texts in, texts out."""

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
# Looked up in bytes, where a position is found at once; in text it would be counted out.
_PAIRS = "'" + "".join(first + second for first in _ALPHABET for second in _ALPHABET) + "'::bytea"


def type_id(prefix: str, raw: str) -> str:
    """``predictu.ids.encode`` of the sixteen bytes that the column ``raw`` holds: ``uuid_send(id)`` of a subquery."""
    pairs = " || ".join(f"substring({_PAIRS}, ({group}) * 2 + 1, 2)" for group in _groups(raw))
    return f"'{prefix}_' || convert_from({pairs}, 'SQL_ASCII')"


def _groups(raw: str) -> list[str]:
    """The ten-bit groups of 130 bits, two zeros in front; every operator binds alike in PostgreSQL, hence brackets."""

    def byte(place: int) -> str:
        return f"get_byte({raw}, {place})"

    groups = [byte(0)]
    for start in (1, 6, 11):
        groups += [
            f"({byte(start)} << 2) | ({byte(start + 1)} >> 6)",
            f"(({byte(start + 1)} & 63) << 4) | ({byte(start + 2)} >> 4)",
            f"(({byte(start + 2)} & 15) << 6) | ({byte(start + 3)} >> 2)",
            f"(({byte(start + 3)} & 3) << 8) | {byte(start + 4)}",
        ]
    return groups


def instant(column: str) -> str:
    """An instant as ISO 8601 in UTC with microseconds, as every format of an export writes it."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
