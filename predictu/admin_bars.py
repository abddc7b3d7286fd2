"""What a scope holds of its limit, drawn by ``admin/bars.html``."""

from dataclasses import dataclass
from decimal import Decimal

from predictu import shown

# From these on a bar is amber, then red: as the walls' own colours.
_AMBER, _RED = 60, 85


@dataclass(frozen=True, slots=True)
class Bar:
    """A scope's exposure against its limit, in dollars; ``url`` is the scope's own page."""

    name: str
    url: str | None
    exposure_usd: Decimal
    limit_usd: Decimal

    @property
    def used_pct(self) -> Decimal:
        return self.exposure_usd * 100 / self.limit_usd

    @property
    def drawn_pct(self) -> str:
        return f"{min(self.used_pct, Decimal(100)):.1f}"

    @property
    def look(self) -> str:
        return "is-bad" if self.used_pct >= _RED else "is-warn" if self.used_pct >= _AMBER else ""

    @property
    def told(self) -> str:
        return f"${shown.amount(self.exposure_usd)} of ${shown.amount(self.limit_usd, 0)}"
