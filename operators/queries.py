"""Operators as paths and parameters name them."""

from operators.models import Operator
from predictu import ids
from predictu.api.params import Query
from predictu.errors import BadRequest, NotFound


def by_slug(slug: str) -> Operator:
    """The operator of a God Mode path. Raises NotFound."""
    found = find(slug)
    if found is None:
        raise NotFound("No such operator")
    return found


def find(slug: str) -> Operator | None:
    """The operator with this slug, if there is one."""
    return Operator.objects.filter(slug=slug).first() if "\x00" not in slug else None


def of_query(query: Query, name: str = "operator") -> Operator | None:
    """The operator a parameter names by slug, None when it is absent. Raises BadRequest for an unknown one."""
    slug = query.text(name, longest=64)
    if slug is None:
        return None
    found = Operator.objects.filter(slug=slug).first()
    if found is None:
        raise BadRequest(f"{name} is not a known slug", details={name: ["is not a known slug"]})
    return found


def by_id(operator_id: str) -> Operator:
    """The operator of a path. Raises NotFound, for what cannot be an id too."""
    found = Operator.objects.filter(pk=operator_id).first() if ids.is_one("op", operator_id) else None
    if found is None:
        raise NotFound("No such operator")
    return found
