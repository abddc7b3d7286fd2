"""A template filled in: the title, rules and labels of one invented market."""

import re
from dataclasses import dataclass
from datetime import datetime

from trading.feed import chance
from trading.feed.templates import FIELDS, Template

_FIELD = re.compile(r"\{(day|time|[a-z]+?)(2?)\}")


@dataclass(frozen=True, slots=True)
class Wording:
    title: str
    description: str
    labels: tuple[str, str]


def fill(template: Template, key: str, end: datetime) -> Wording:
    """The words of the market ``key`` planned to end at ``end`` (UTC)."""

    def drawn(found: re.Match[str]) -> str:
        name, another = found.groups()
        if name == "day":
            return f"{end.day} {end:%B %Y}"
        if name == "time":
            return f"{end:%H:%M} UTC"
        options = FIELDS[name]
        place = int(chance.uniform(f"{key}/{name}") * len(options))
        if another:
            place += 1 + int(chance.uniform(f"{key}/{name}2") * (len(options) - 1))
        return options[place % len(options)]

    title = _FIELD.sub(drawn, template.title)
    title = title[0].upper() + title[1:]
    first, second = (_FIELD.sub(drawn, label) for label in template.labels)
    return Wording(
        title=title,
        description=(
            f"This market resolves to “{first}” or “{second}” by what is publicly known on {end.day} {end:%B %Y} at "
            f"{end:%H:%M} UTC. If the question becomes meaningless, it resolves 50-50.\n\nDemo market: the event is "
            "invented, and so is its outcome."
        ),
        labels=(first, second),
    )
