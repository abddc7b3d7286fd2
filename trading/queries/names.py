"""Names for texts that were stored with ids in braces, as in ``{usr_…} bought …``: put in when they are read."""

import re
from collections.abc import Sequence

from accounts.models import Player
from operators.models import Operator
from predictu import ids
from trading.models import Market

_QUOTED = re.compile(r"\{((?:usr|op|mkt)_[0-9a-z]{26})\}")
_NAMED = {"usr": (Player, "username"), "op": (Operator, "name"), "mkt": (Market, "title")}


def fill(texts: Sequence[str], *, people: bool = True) -> list[str]:
    """``texts`` with each id in braces replaced by its name, or by the id itself where nothing has it.

    One query for each kind of thing named. A name is never searched for braces itself. Without ``people`` users keep
    their ids.
    """
    quoted = {each for text in texts for each in _QUOTED.findall(text)}
    found = names({each for each in quoted if people or not each.startswith("usr_")})
    return [_QUOTED.sub(lambda match: found.get(match[1], match[1]), text) for text in texts]


def names(quoted: set[str]) -> dict[str, str]:
    """Name by id, of those that exist."""
    found: dict[str, str] = {}
    for prefix, (model, field) in _NAMED.items():
        wanted = [each for each in quoted if each.startswith(f"{prefix}_") and _is_id(each)]
        if wanted:
            found |= dict(model._base_manager.filter(pk__in=wanted).values_list("pk", field))
    return found


def _is_id(text: str) -> bool:
    try:
        ids.decode(text.partition("_")[0], text)
    except ValueError:
        return False
    return True
