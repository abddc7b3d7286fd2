"""What dashboard, revenue, exposure and analytics must say, worked out slowly from the bare rows.

Plain loops written from the decisions alone: no query, helper or rounding of the product is used, and no rollup,
counter or fact is read. The rows are those of users, trades, positions, markets, settlements and operators; what
changed in between (a share, a correction) comes from the rows' own dates and from ``shares``.
"""

import json
import math
from collections import defaultdict
from datetime import UTC, timedelta
from decimal import ROUND_HALF_UP, Decimal

from django.db import connection

ZERO = Decimal(0)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PERIODS = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
TABLES = (
    "accounts_player trading_trade trading_position trading_market trading_settlement operators_operator "
    "risk_circuitbreaker"
).split()
TIER_LIMITS = {"standard": 50_000, "premium": 100_000, "elite": 250_000}


def read(table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 one of TABLES
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def type_id(prefix, value):
    number, text = value.int, ""
    for _ in range(26):
        text = "0123456789abcdefghjkmnpqrstvwxyz"[number & 31] + text
        number >>= 5
    return f"{prefix}_{text}"


def half_up(value, places=2):
    return Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def midnight(moment):
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def monday(moment):
    return midnight(moment) - timedelta(days=moment.weekday())


def first_of_month(moment):
    return midnight(moment).replace(day=1)


def following(start, unit):
    if unit == "month":
        return first_of_month(start + timedelta(days=32))
    return start + {"hour": HOUR, "day": DAY, "week": 7 * DAY}[unit]


def starting(moment, unit):
    if unit == "hour":
        return moment.replace(minute=0, second=0, microsecond=0)
    return {"day": midnight, "week": monday, "month": first_of_month}[unit](moment)


def shown(moment):
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def largest_remainder(total, counts, places):
    """Parts of ``total`` that add up; of equal remainders the earlier is rounded up."""
    whole, step = sum(counts), Decimal(1).scaleb(-places)
    if not whole:
        return [0.0 for _ in counts]
    units = int(total / step)
    parts = [units * count // whole for count in counts]
    left = [units * count % whole for count in counts]
    for index in sorted(range(len(counts)), key=lambda index: (-left[index], index))[: units - sum(parts)]:
        parts[index] += 1
    return [float(part * step) for part in parts]


class Oracle:
    """The rows as they are, and the answers ``now``."""

    def __init__(self, *, now, config, shares):
        """``shares``: by operator id, the moments from which a percentage was in force."""
        self.now, self.config, self.shares = now, config, shares
        rows = {table: read(table) for table in TABLES}
        self.operators = {row["id"]: row for row in rows["operators_operator"]}
        self.players = {row["id"]: row for row in rows["accounts_player"] if not row["is_test"]}
        self.markets = {row["id"]: row for row in rows["trading_market"]}
        self.settlements = {row["market_id"]: row for row in rows["trading_settlement"]}
        self.trades = [row for row in rows["trading_trade"] if not row["is_test"]]
        self.trades.sort(key=lambda row: (row["created_at"], row["id"]))
        self.positions = [row for row in rows["trading_position"] if not row["is_test"]]
        self.breakers = rows["risk_circuitbreaker"]
        self.facts = list(self._facts())

    # -- what was earned, dated when it happened -----------------------------------------------------------------------
    def _facts(self):
        """(at, operator, player, category, share, spread, fees, settlement fees, volume, trades, is a trade)."""
        for trade in self.trades:
            owner = (trade["operator_id"], trade["player_id"], trade["category"], trade["share_pct"])
            yield (
                trade["created_at"], *owner, trade["spread_usd"], trade["fee_usd"], ZERO, trade["cost_usd"], 1, True,
            )  # fmt: skip
            if trade["status"] != "cancelled":
                continue
            spread, fee = trade["spread_usd"], trade["fee_usd"]
            if self._voided(trade):
                spread, fee = self._taken_back(trade, spread), self._taken_back(trade, fee)
            yield (trade["cancelled_at"], *owner, -spread, -fee, ZERO, -trade["cost_usd"], -1, False)
        yield from self._settlement_fees()

    def _voided(self, trade):
        ended = self.settlements.get(trade["market_id"])
        return (
            trade["status"] == "cancelled"
            and ended is not None
            and ended["resolution"] == "cancelled"
            and ended["settled_at"] == trade["cancelled_at"]
        )

    def _taken_back(self, trade, amount):
        """Of a buy's amount the part remaining ÷ bought; nothing of a sell's."""
        if trade["side"] == "sell":
            return ZERO
        bought = sold = ZERO
        for other in self.trades:
            key = ("player_id", "market_id", "outcome")
            if all(other[name] == trade[name] for name in key) and (
                other["status"] != "cancelled" or self._voided(other)
            ):
                if other["side"] == "buy":
                    bought += other["quantity"]
                else:
                    sold += other["quantity"]
        return half_up(amount * (bought - sold) / bought)

    def _settlement_fees(self):
        rate = Decimal(self.config["fees.settlement_fee_bps"]) / 10_000
        for position in self.positions:
            ended = self.settlements.get(position["market_id"])
            if ended is None or position["status"] != "settled" or ended["resolution"] == "cancelled":
                continue
            market = self.markets[position["market_id"]]
            results = [(ended["settled_at"], ended["resolution"])]
            if ended["version"] == 2:
                first = json.loads(ended["versions"])[0]["resolution"]
                results = [(ended["settled_at"], first), (market["updated_at"], ended["resolution"])]
            before = ZERO
            for at, resolution in results:
                price = Decimal("0.5") if resolution == "split" else Decimal(position["outcome"] == resolution)
                payout = Decimal(math.floor(position["quantity"] * price * 100)) / 100
                fee = half_up(payout * rate)
                if fee != before:
                    operator = position["operator_id"]
                    share = [share for since, share in self.shares[operator] if since <= at][-1]
                    owner = (operator, position["player_id"], market["category"], Decimal(share))
                    yield (at, *owner, ZERO, ZERO, fee - before, ZERO, 0, False)
                before = fee

    def _sums(self, start, end, operator=None):
        """Gross of a span: spread, fees, settlement fees among them, volume, trades; and who traded."""
        spread = fees = settlement = volume = ZERO
        trades, traders = 0, set()
        for at, owner, player, _, _, a_spread, a_fee, a_settlement, a_volume, a_count, is_trade in self.facts:
            if start <= at < end and operator in (None, owner):
                spread += a_spread
                fees += a_fee + a_settlement
                settlement += a_settlement
                volume += a_volume
                trades += a_count
                if is_trade:
                    traders.add(player)
        return {
            "spread": spread, "fees": fees, "settlement": settlement, "gross": spread + fees, "volume": volume,
            "trades": trades, "traders": len(traders),
        }  # fmt: skip

    def _predictu(self, start, end, operator=None):
        """R(end) − R(start) of every operator, month, source and percentage, summed; never over a month's end."""
        grains = defaultdict(lambda: [ZERO, ZERO])
        for at, owner, _, _, share, spread, fee, settlement, *_ in self.facts:
            if operator not in (None, owner):
                continue
            month = first_of_month(at)
            for source, amount in (("spread", spread), ("fees", fee + settlement)):
                grain = grains[owner, month, source, share]
                if at < min(end, following(month, "month")):
                    grain[1] += amount
                if at < max(start, month):
                    grain[0] += amount
        total = ZERO
        for (_, month, _, share), (before, until) in grains.items():
            if month < end and following(month, "month") > start:
                total += half_up(until * share / 100) - half_up(before * share / 100)
        return total

    # -- dashboard -----------------------------------------------------------------------------------------------------
    def dashboard(self, period, operator=None):
        now = self.now
        beginning = midnight(min(row["created_at"] for row in self.operators.values()))
        begin = beginning if period == "all" else now - PERIODS[period] * DAY
        current = self._sums(begin, now, operator)
        before = None if period == "all" else self._sums(begin - (now - begin), begin, operator)
        own = [row for row in self.operators.values() if operator in (None, row["id"])]
        users = [row for row in self.players.values() if operator in (None, row["operator_id"])]
        joined = sum(begin <= row["created_at"] < now for row in users)
        joined_before = sum(begin - (now - begin) <= row["created_at"] < begin for row in users)
        standing = [t for t in self.trades if t["status"] != "cancelled" and operator in (None, t["operator_id"])]
        day = self._sums(now - DAY, now, operator)
        return {
            "operators": {
                "total": len(own),
                "active": sum(row["stage"] == "live" and row["suspended_at"] is None for row in own),
                "pending_onboarding": sum(row["stage"] != "live" and row["suspended_at"] is None for row in own),
            },
            "users": {
                "total": len(users),
                "active_24h": day["traders"],
                "active_7d": self._sums(now - 7 * DAY, now, operator)["traders"],
                "new_7d": sum(now - 7 * DAY <= row["created_at"] < now for row in users),
                "delta_pct": None if before is None else self._delta(joined, joined_before),
            },
            "trades": {
                "total": len(standing),
                "volume_usd": sum((row["cost_usd"] for row in standing), ZERO),
                "count_24h": day["trades"],
                "volume_24h_usd": day["volume"],
                "delta_pct": before and self._delta(current["volume"], before["volume"]),
            },
            "revenue": {
                "total_usd": self._sums(beginning, now, operator)["gross"],
                "period_usd": current["gross"],
                "delta_pct": before and self._delta(current["gross"], before["gross"]),
                "breakdown": {"spread": current["spread"], "fees": current["fees"]},
            },
            "exposure": self._whole_exposure(operator),
            "risk": self._risk(operator),
            "settlements": self._waiting(operator),
            "chart_data": self._chart(begin, operator),
        }

    @staticmethod
    def _delta(current, before):
        return half_up((Decimal(current) - before) * 100 / before, 1) if before else None

    def _whole_exposure(self, operator):
        held = sum((row["quantity"] for row in self._open(operator)), ZERO)
        limit = self._operator_limit(operator) if operator else Decimal(self.config["risk.global_exposure_limit_usd"])
        return {"current_usd": half_up(held), "max_usd": limit, "utilization_pct": half_up(held * 100 / limit, 1)}

    def _risk(self, operator):
        by_market = defaultdict(Decimal)
        for row in self._open():
            by_market[row["market_id"]] += row["quantity"]
        own = {row["market_id"] for row in self._open(operator)}
        most = Decimal(self.config["risk.per_market_max_usd"])
        return {
            "circuit_breakers_active": sum(
                row["status"] == "tripped"
                and row["is_enabled"]
                and (operator is None or (row["scope"], row["scope_id"]) == ("operator", type_id("op", operator)))
                for row in self.breakers
            ),
            "high_exposure_markets": sum(held >= most * 80 / 100 for key, held in by_market.items() if key in own),
            "sharp_bettors_flagged": sum(
                row["tier"] != "normal" and operator in (None, row["operator_id"]) for row in self.players.values()
            ),
        }

    def _waiting(self, operator):
        count, due, settled = 0, ZERO, []
        for row in self._open(operator):
            resolution = self.markets[row["market_id"]]["resolution"]
            if resolution is None:
                continue
            count += 1
            price = Decimal("0.5") if resolution == "split" else Decimal(row["outcome"] == resolution)
            due += (
                row["cost_basis_usd"]
                if resolution == "cancelled"
                else Decimal(math.floor(row["quantity"] * price * 100)) / 100
            )
        for key, row in self.settlements.items():
            owners = {held["operator_id"] for held in self.positions if held["market_id"] == key and held["settled_at"]}
            if row["settled_at"] and (operator is None or operator in owners):
                settled.append(row["settled_at"])
        return {
            "pending_count": count,
            "pending_usd": due,
            "last_settled_at": shown(max(settled)) if settled else None,
        }

    def _chart(self, begin, operator):
        day, rows = midnight(begin), []
        while day < self.now:
            sums = self._sums(day, day + DAY, operator)
            rows.append(
                {
                    "date": f"{day:%Y-%m-%d}", "revenue_usd": sums["gross"], "trades": sums["trades"],
                    "users": sums["traders"],
                }
            )  # fmt: skip
            day += DAY
        return rows

    # -- revenue -------------------------------------------------------------------------------------------------------
    def _buckets(self, start, end, unit):
        bucket = starting(start, unit)
        while bucket < end:
            after = following(bucket, unit)
            yield bucket, max(bucket, start), min(after, end)
            bucket = after

    def _date(self, bucket, unit):
        return shown(bucket) if unit == "hour" else f"{bucket:%Y-%m-%d}"

    def revenue(self, start, end, unit, operator=None):
        sums, predictu = self._sums(start, end, operator), self._predictu(start, end, operator)
        by_operator = []
        for key in {fact[1] for fact in self.facts if start <= fact[0] < end and operator in (None, fact[1])}:
            own = self._sums(start, end, key)
            by_operator.append(
                {
                    "operator_slug": self.operators[key]["slug"],
                    "gross_usd": own["gross"],
                    "predictu_share_usd": self._predictu(start, end, key),
                    "trade_count": own["trades"],
                }
            )
        series = []
        for bucket, begin, until in self._buckets(start, end, unit):
            own = self._sums(begin, until, operator)
            series.append(
                {
                    "date": self._date(bucket, unit), "gross_usd": own["gross"], "spread_usd": own["spread"],
                    "fees_usd": own["fees"], "predictu_usd": self._predictu(begin, until, operator),
                    "trades": own["trades"], "volume_usd": own["volume"],
                }
            )  # fmt: skip
        return {
            "totals": {
                "gross_revenue_usd": sums["gross"],
                "spread_revenue_usd": sums["spread"],
                "fee_revenue_usd": sums["fees"],
                "settlement_fee_revenue_usd": sums["settlement"],
                "predictu_share_usd": predictu,
                "operator_share_usd": sums["gross"] - predictu,
                "trade_volume_usd": sums["volume"],
                "trade_count": sums["trades"],
                "unique_traders": sums["traders"],
                "revenue_per_trade_usd": half_up(sums["gross"] / sums["trades"]) if sums["trades"] > 0 else ZERO,
            },
            "by_operator": sorted(by_operator, key=lambda row: (-row["gross_usd"], row["operator_slug"])),
            "series": series,
        }

    def operator_revenue(self, start, end, unit, operator):
        whole = self.revenue(start, end, unit, operator)
        totals = whole["totals"]
        return {
            "totals": {
                "revenue_usd": totals["gross_revenue_usd"],
                **{
                    name: totals[name]
                    for name in (
                        "spread_revenue_usd", "fee_revenue_usd", "settlement_fee_revenue_usd", "predictu_share_usd",
                        "operator_share_usd",
                    )
                },
            },
            "series": [
                {
                    "date": row["date"], "revenue_usd": row["gross_usd"], "spread_usd": row["spread_usd"],
                    "fees_usd": row["fees_usd"], "trade_count": row["trades"], "volume_usd": row["volume_usd"],
                }
                for row in whole["series"]
            ],
        }  # fmt: skip

    # -- exposure ------------------------------------------------------------------------------------------------------
    def _open(self, operator=None):
        return [
            row
            for row in self.positions
            if row["status"] == "open" and row["quantity"] > 0 and operator in (None, row["operator_id"])
        ]

    def _operator_limit(self, operator):
        row = self.operators[operator]
        return row["exposure_limit_usd"] or Decimal(TIER_LIMITS[row["risk_tier"]])

    def _category_limit(self, category):
        return Decimal(self.config[f"risk.category_limits.{category}"])

    def _part(self, held, limit):
        return {
            "exposure_usd": half_up(held),
            "limit_usd": half_up(limit),
            "utilization_pct": half_up(held * 100 / limit, 1),
        }

    def _by(self, rows, key):
        sums = defaultdict(Decimal)
        for row in rows:
            sums[key(row)] += row["quantity"]
        return sums

    def _top_users(self, operator=None):
        held = self._by(self._open(operator), lambda row: row["player_id"])
        ordered = sorted(held, key=lambda key: (-held[key], type_id("usr", key)))[:10]
        return [(self.players[key], held[key]) for key in ordered]

    def exposure(self):
        """All of it that is not zero, without the alerts, which are events."""
        rows, limit = self._open(), Decimal(self.config["risk.global_exposure_limit_usd"])
        total = sum((row["quantity"] for row in rows), ZERO)
        operators = self._by(rows, lambda row: row["operator_id"])
        categories = self._by(rows, lambda row: self.markets[row["market_id"]]["category"])
        markets = self._by(rows, lambda row: row["market_id"])
        most = Decimal(self.config["risk.per_market_max_usd"])
        return {
            "total_exposure_usd": half_up(total),
            "global_limit_usd": limit,
            "utilization_pct": half_up(total * 100 / limit, 1),
            "by_operator": [
                {"operator_slug": self.operators[key]["slug"], **self._part(operators[key], self._operator_limit(key))}
                for key in sorted(operators, key=lambda key: -operators[key])
            ],
            "by_category": [
                {"category": name, **self._part(categories[name], self._category_limit(name))}
                for name in ("sports", "crypto")
                if categories[name]
            ],
            "top_markets": [
                {
                    "market_id": type_id("mkt", key),
                    "title": self.markets[key]["title"],
                    "exposure_usd": half_up(markets[key]),
                    "limit_usd": most,
                    "utilization_pct": half_up(markets[key] * 100 / most, 1),
                    "position_count": sum(row["market_id"] == key for row in rows),
                }
                for key in sorted(markets, key=lambda key: -markets[key])[:10]
            ],
            "top_users": [
                {
                    "user_id": type_id("usr", player["id"]),
                    "username": player["username"],
                    "operator_slug": self.operators[player["operator_id"]]["slug"],
                    "exposure_usd": half_up(held),
                    "tier": player["tier"],
                }
                for player, held in self._top_users()
            ],
        }

    def operator_exposure(self, operator):
        rows, limit = self._open(operator), self._operator_limit(operator)
        total = sum((row["quantity"] for row in rows), ZERO)
        categories = self._by(rows, lambda row: self.markets[row["market_id"]]["category"])
        whole = Decimal(self.config["risk.global_exposure_limit_usd"])
        markets = self._by(rows, lambda row: row["market_id"])
        return {
            "operator_slug": self.operators[operator]["slug"],
            "total_exposure_usd": half_up(total),
            "exposure_limit_usd": limit,
            "utilization_pct": half_up(total * 100 / limit, 1),
            "by_category": [
                {"category": name, **self._part(categories[name], limit * self._category_limit(name) / whole)}
                for name in ("sports", "crypto")
                if categories[name]
            ],
            "by_market": [
                {
                    "market_id": type_id("mkt", key),
                    "title": self.markets[key]["title"],
                    "exposure_usd": half_up(markets[key]),
                    **{
                        f"{side}_exposure_usd": half_up(
                            sum((r["quantity"] for r in rows if (r["market_id"], r["outcome"]) == (key, side)), ZERO)
                        )
                        for side in ("yes", "no")
                    },
                    "position_count": sum(row["market_id"] == key for row in rows),
                    "volume_usd": sum(
                        (
                            t["cost_usd"]
                            for t in self.trades
                            if (t["market_id"], t["operator_id"]) == (key, operator) and t["status"] != "cancelled"
                        ),
                        ZERO,
                    ),
                }
                for key in sorted(markets, key=lambda key: -markets[key])[:10]
            ],
            "top_users": [
                {
                    "user_id": type_id("usr", player["id"]),
                    "username": player["username"],
                    "exposure_usd": half_up(held),
                    "tier": player["tier"],
                }
                for player, held in self._top_users(operator)
            ],
        }

    # -- analytics -----------------------------------------------------------------------------------------------------
    def _of_users(self, users, category=None, until=None, first_days=None):
        """Gross, volume and trades of users: of one category, before a moment, of each one's first days."""
        gross = volume = ZERO
        trades = 0
        for at, _, player, fact_category, _, spread, fee, settlement, a_volume, count, _ in self.facts:
            if (
                player in users
                and category in (None, fact_category)
                and (until is None or at < until)
                and (first_days is None or at < self.players[player]["created_at"] + timedelta(days=first_days))
            ):
                gross += spread + fee + settlement
                volume += a_volume
                trades += count
        return gross, volume, trades

    def cohorts(self, start, end, unit, operator=None):
        groups = defaultdict(list)
        for player in self.players.values():
            if starting(start, unit) <= player["created_at"] < end and operator in (None, player["operator_id"]):
                groups[starting(player["created_at"], unit)].append(player["id"])
        rows, known = [], []
        for begin in sorted(groups):
            users = set(groups[begin])
            gross, volume, trades = self._of_users(users)
            shares, period, k = [], begin, 0
            while following(period, unit) <= self.now or k == 0:
                until = following(period, unit)
                active = {t["player_id"] for t in self.trades if period <= t["created_at"] < until} & users
                shares.append(Decimal(1) if k == 0 else Decimal(len(active)) / len(users))
                period, k = until, k + 1
            if following(begin, unit) > self.now:
                known.append((begin, len(users), []))
            else:
                known.append((begin, len(users), shares))
            rows.append(
                {
                    "cohort": self._label(begin, unit),
                    "signup_count": len(users),
                    "retention": {f"{unit}_{k}": half_up(share, 4) for k, share in enumerate(shares)},
                    "avg_trades_per_user": half_up(Decimal(trades) / len(users), 1),
                    "avg_revenue_per_user_usd": half_up(gross / len(users)),
                    "avg_volume_per_user_usd": half_up(volume / len(users)),
                }
            )
        second = [(shares[1], users, begin) for begin, users, shares in known if len(shares) > 1]
        best = min(second, key=lambda each: (-each[0], -each[1], each[2]), default=None)
        worst = min(second, key=lambda each: (each[0], -each[1], each[2]), default=None)
        return {
            "cohorts": rows,
            "summary": {
                **{f"avg_{unit}_{k}_retention": self._mean([s[k] for _, _, s in known if len(s) > k]) for k in (1, 4)},
                "best_cohort": best and self._label(best[2], unit),
                "worst_cohort": worst and self._label(worst[2], unit),
            },
        }

    @staticmethod
    def _mean(shares):
        return half_up(sum(shares, ZERO) / len(shares), 4) if shares else None

    @staticmethod
    def _label(begin, unit):
        return f"{begin:%Y-%m}" if unit == "month" else "{}-W{:02d}".format(*begin.isocalendar()[:2])

    def ltv(self, segment, operator=None):
        everyone = {key for key, row in self.players.items() if operator in (None, row["operator_id"])}
        groups = defaultdict(set)
        for key in everyone:
            row = self.players[key]
            if segment == "category":
                for fact in self.facts:
                    if fact[2] == key:
                        groups[fact[3]].add(key)
            else:
                label = {
                    "operator": self.operators[row["operator_id"]]["slug"], "tier": row["tier"],
                    "channel": row["channel"] or "unknown",
                }[segment]  # fmt: skip
                groups[label].add(key)
        gross, first = self._of_users(everyone)[0], self._of_users(everyone, first_days=30)[0]
        return {
            "global_ltv_usd": half_up(gross / len(everyone)),
            "global_ltv_30d_usd": half_up(first / len(everyone)),
            "segments": [
                self._life(label, groups[label], label if segment == "category" else None)
                for label in sorted(groups, key=lambda label: (-len(groups[label]), label.replace("unknown", "")))
            ],
            "trend": self._trend(everyone),
        }

    def _life(self, label, users, category):
        gross, volume, trades = self._of_users(users, category)
        first = self._of_users(users, category, first_days=30)[0]
        spans = []
        for key in users:
            times = [
                t["created_at"] for t in self.trades if t["player_id"] == key and category in (None, t["category"])
            ]
            if times:
                spans.append((max(times) - min(times)) / DAY)
        return {
            "label": label,
            "user_count": len(users),
            "ltv_usd": half_up(gross / len(users)),
            "ltv_30d_usd": half_up(first / len(users)),
            "avg_lifespan_days": math.floor(sum(spans) / len(spans) + 0.5) if spans else None,
            "avg_trades": half_up(Decimal(trades) / len(users), 1),
            "avg_volume_usd": half_up(volume / len(users)),
        }

    def _trend(self, everyone):
        month = first_of_month(min(self.players[key]["created_at"] for key in everyone))
        rows = []
        while month <= self.now:
            until = min(following(month, "month"), self.now)
            registered = sum(self.players[key]["created_at"] < until for key in everyone)
            gross = self._of_users(everyone, until=until)[0]
            rows.append({"month": f"{month:%Y-%m}", "ltv_usd": half_up(gross / registered)})
            month = following(month, "month")
        return rows

    def behavior(self, start, end, operator=None):
        trades = [
            t
            for t in self.trades
            if t["status"] != "cancelled" and start <= t["created_at"] < end and operator in (None, t["operator_id"])
        ]
        hours, categories, devices, sizes, markets = (defaultdict(int) for _ in range(5))
        by_player = defaultdict(list)
        for trade in trades:
            hours[trade["created_at"].hour] += 1
            categories[trade["category"]] += 1
            devices[trade["device"]] += 1
            markets[trade["market_id"]] += 1
            cost = trade["cost_usd"]
            name = (
                "under_5_usd"
                if cost < 5
                else "5_20_usd"
                if cost < 20
                else "20_100_usd"
                if cost < 100
                else "100_plus_usd"
            )
            sizes[name] += 1
            by_player[trade["player_id"]].append(trade["created_at"])
        sessions, seconds, frequencies = 0, 0.0, defaultdict(int)
        for times in by_player.values():
            run = [times[0]]
            for moment in [*times[1:], None]:
                if moment is not None and moment - run[-1] <= timedelta(minutes=30):
                    run.append(moment)
                    continue
                sessions += 1
                seconds += (run[-1] - run[0]).total_seconds() if len(run) > 1 else 60
                run = [moment]
            per_week = int(half_up(Decimal(len(times)) / len({monday(moment) for moment in times}), 0))
            frequencies[
                "1_per_week" if per_week <= 1 else "2_5_per_week" if per_week <= 5
                else "6_10_per_week" if per_week <= 10 else "11_plus_per_week"
            ] += 1  # fmt: skip

        def shares(counts, names):
            return dict(zip(names, largest_remainder(1, [counts[name] for name in names], 2), strict=True))

        ordered = sorted(categories, key=lambda name: (-categories[name], name))
        percent = largest_remainder(100, [categories[name] for name in ordered], 1)
        popular = sorted(markets, key=lambda key: (-markets[key], type_id("mkt", key)))[:10]
        return {
            "peak_hours_utc": sorted(sorted(hours, key=lambda hour: (-hours[hour], hour))[:4]),
            "category_distribution": [
                {"category": name, "pct": part} for name, part in zip(ordered, percent, strict=True)
            ],
            "avg_session_duration_minutes": half_up(Decimal(seconds) / 60 / sessions, 1) if sessions else ZERO,
            "avg_trades_per_session": half_up(Decimal(len(trades)) / sessions, 1) if sessions else ZERO,
            "trade_frequency_distribution": shares(
                frequencies, ("1_per_week", "2_5_per_week", "6_10_per_week", "11_plus_per_week")
            ),
            "device_breakdown": shares(devices, ("mobile", "desktop", "tablet")),
            "bet_size_distribution": shares(sizes, ("under_5_usd", "5_20_usd", "20_100_usd", "100_plus_usd")),
            "popular_markets": [
                {
                    "market_id": type_id("mkt", key), "title": self.markets[key]["title"], "trade_count": markets[key],
                }
                for key in popular
            ],
        }  # fmt: skip
