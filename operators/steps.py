"""Onboarding as facts with two views: the S2S checklist of eight and God Mode's five steps. Pure.

The checklist shows the facts as they are. God Mode's steps are moved by staff, one at a time, when their facts hold.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

CHECKLIST = (
    "create_record",
    "configure_revenue",
    "generate_keys",
    "set_callback",
    "test_ping",
    "configure_branding",
    "whitelist_origins",
    "activate",
)
ACTIVATE = "activate"

# God Mode's steps in order, and the facts each one needs.
STEPS: dict[str, tuple[str, ...]] = {
    "branding": ("configure_branding",),
    "s2s_config": ("generate_keys", "set_callback", "test_ping"),
    "embed_setup": ("whitelist_origins",),
    "test_trades": ("test_trades",),
    "go_live": (),
}
OPTIONAL = "embed_setup"
LAST = "go_live"

_UNMET = {
    "create_record": "The operator's record does not exist",
    "configure_revenue": "The revenue share has not been confirmed: name it in an update, or generate a key",
    "generate_keys": "No active API key exists",
    "set_callback": "No https callback URL is saved",
    "test_ping": "No PING to the saved callback URL has succeeded",
    "configure_branding": "Branding has not been saved",
    "whitelist_origins": "No embed origin is whitelisted",
    "test_trades": "No test user's trade in stage testing has had its TRADE_PLACED callback confirmed",
}
_S2S_OFF = "S2S callbacks are switched off for this operator (s2s_enabled)"

_SUSPENDED = "The operator is suspended"


@dataclass(frozen=True, slots=True)
class Fact:
    """A thing that is true of an operator, since when. A ``skipped`` one is not true but counts as satisfied."""

    completed_at: datetime
    skipped: bool = False


Facts = Mapping[str, Fact]


def leading(facts: Facts, *, live: bool) -> int:
    """``onboarding_step``: how many leading entries of the checklist are complete or skipped; all once live."""
    if live:
        return len(CHECKLIST)
    for number, name in enumerate(CHECKLIST):
        if name not in facts:
            return number
    return len(CHECKLIST)


def missing_for_activation(facts: Facts) -> list[str]:
    """The entries of the checklist that activation still waits for."""
    return [name for name in CHECKLIST if name != ACTIVATE and name not in facts]


def current(done: Collection[str]) -> str | None:
    """The step to be taken next; None after the last."""
    return next((step for step in STEPS if step not in done), None)


def before(step: str | None) -> str | None:
    """The step before ``step`` (before the end: the last); None before the first."""
    names = [*STEPS, None]
    place = names.index(step)
    return names[place - 1] if place else None


def unmet(step: str, facts: Facts, *, done: Collection[str], s2s_enabled: bool, suspended: bool) -> list[str]:
    """What advancing past ``step`` still needs, as sentences. Going live needs everything there is."""
    wanted: tuple[str, ...] = STEPS[step]
    if step == LAST:
        wanted = (*CHECKLIST[:-1], "test_trades")
    sentences = [_UNMET[name] for name in wanted if name not in facts]
    if step == LAST:
        sentences += [f"The step {name} is not completed" for name in STEPS if name not in done and name != LAST]
        sentences += [] if s2s_enabled else [_S2S_OFF]
        sentences += [_SUSPENDED] if suspended else []
    return sentences


def s2s_status(status: str) -> str:
    """God Mode's word for a status (a stage, or ``suspended``) as the S2S document has it."""
    return {"live": "active", "suspended": "inactive"}.get(status, "onboarding")


def sentence(fact: str) -> str:
    """What is missing while ``fact`` does not hold."""
    return _UNMET[fact]


def stage(done: Collection[str]) -> str:
    """The stage that follows from the steps taken."""
    if "branding" not in done:
        return "pending"
    if "embed_setup" not in done:
        return "configuring"
    return "live" if LAST in done else "testing"
