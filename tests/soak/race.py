"""Many processes at once on few markets: the actors, the guard that watches every booking, and what must hold after.

The guard is a trigger that computes the limits in force by itself, so that it does not believe the code it watches.
"""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from multiprocessing import get_context
from multiprocessing.queues import Queue

from django.conf import settings
from django.db import connection, connections

from accounts.models import AdminUser, Player, system_admin
from accounts.services import promotion
from predictu import errors
from predictu.celery import app as celery_app
from risk import walls
from risk.models import CircuitBreaker, ExposureBucket, RiskEvent
from risk.services import desk, limits, operator_changes, users
from tests.factories import make_market, make_operator, make_player, now, place
from trading.models import Market, Position, Trade
from trading.services import cancels, corrections, settlements, settling, verification

GUARD = """
CREATE TABLE soak_breach (at timestamptz DEFAULT clock_timestamp(), scope text, scope_id text, what text);

CREATE FUNCTION soak_limit(scope text, scope_id text) RETURNS numeric LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  config jsonb;
  operator operators_operator;
  own numeric;
  name text;
  whole numeric;
  category numeric;
BEGIN
  SELECT values INTO config FROM platform_configrevision ORDER BY number DESC LIMIT 1;
  whole := coalesce((config->>'risk.global_exposure_limit_usd')::numeric, 500000);
  IF scope = 'global' THEN RETURN whole; END IF;
  IF scope = 'market' THEN RETURN coalesce((config->>'risk.per_market_max_usd')::numeric, 50000); END IF;
  name := CASE WHEN scope = 'operator_category' THEN split_part(scope_id, ':', 2) ELSE scope_id END;
  category := coalesce((config->>('risk.category_limits.' || name))::numeric,
    (CASE name WHEN 'sports' THEN 200000 WHEN 'crypto' THEN 150000 WHEN 'politics' THEN 100000 ELSE 50000 END));
  IF scope = 'category' THEN RETURN category; END IF;
  SELECT found.* INTO operator FROM operators_operator found JOIN soak_operator key ON key.bare = found.id
    WHERE key.text_id = split_part(scope_id, ':', 1);
  own := coalesce(operator.exposure_limit_usd,
    CASE operator.risk_tier WHEN 'standard' THEN 50000 WHEN 'premium' THEN 100000 ELSE 250000 END);
  IF scope = 'operator' THEN RETURN own; END IF;
  RETURN coalesce((operator.category_limits->>name)::numeric, own * category / whole);
END $$;

CREATE FUNCTION soak_watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.yes_usd + NEW.no_usd > soak_limit(NEW.scope, NEW.scope_id) THEN
    INSERT INTO soak_breach (scope, scope_id, what) VALUES (NEW.scope, NEW.scope_id,
      (NEW.yes_usd + NEW.no_usd) || ' over ' || soak_limit(NEW.scope, NEW.scope_id));
  END IF;
  IF EXISTS (SELECT 1 FROM risk_circuitbreaker breaker WHERE breaker.scope = NEW.scope
             AND breaker.scope_id = NEW.scope_id AND breaker.status = 'tripped' AND breaker.is_enabled) THEN
    INSERT INTO soak_breach (scope, scope_id, what) VALUES (NEW.scope, NEW.scope_id, 'traded past a tripped breaker');
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER soak_watch AFTER UPDATE ON risk_exposurebucket FOR EACH ROW
  WHEN (NEW.yes_usd + NEW.no_usd > OLD.yes_usd + OLD.no_usd) EXECUTE FUNCTION soak_watch();
"""

# By bucket: what the counters should be, from the rows they count.
SUMS = """
SELECT scope, scope_id, sum(yes), sum(no), sum(positions) FROM (
  SELECT position.market_id, market.category, position.operator_id,
         sum(quantity) FILTER (WHERE outcome = 'yes') AS yes, sum(quantity) FILTER (WHERE outcome = 'no') AS no,
         count(*) AS positions
  FROM trading_position position JOIN trading_market market ON market.id = position.market_id
  WHERE position.status = 'open' AND NOT position.is_test GROUP BY 1, 2, 3) AS open
CROSS JOIN LATERAL (VALUES
  ('market', market_id::text), ('category', category), ('operator_category', operator_id || ':' || category),
  ('operator', operator_id::text), ('global', '')) AS bucket (scope, scope_id)
GROUP BY 1, 2
"""


@dataclass
class World:
    """The ids that actors choose from."""

    operators: list[str]
    players: list[str]
    markets: list[str]
    admin: str


@dataclass
class Tally:
    """What one actor met: outcomes by name, and what nobody may meet."""

    counts: Counter = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)


def build(*, markets: int = 6, operators: int = 3, players: int = 24) -> World:
    """A small world with tight limits, in which every wall has work and breakers trip and come back at once."""
    admin = system_admin()
    terms = {"max_bet_usd": 5000, "new_tier_limit": 5000, "regular_tier_limit": 5000, "vip_tier_limit": 5000}
    terms["auto_promote_trades"] = 2
    made = [make_operator(exposure_limit_usd=Decimal(3000), **terms) for _ in range(operators)]
    with connection.cursor() as cursor:
        cursor.execute("SHOW deadlock_timeout")
        assert cursor.fetchone() == ("10ms",), "the test server looks for deadlocks at once"
        cursor.execute("CREATE TABLE soak_operator (text_id text PRIMARY KEY, bare uuid)")
        cursor.executemany(
            "INSERT INTO soak_operator SELECT %s, id FROM operators_operator WHERE slug = %s",
            [(operator.id, operator.slug) for operator in made],
        )
        cursor.execute(GUARD)
    limits.change(
        changes={
            "risk.global_exposure_limit_usd": Decimal(7000),
            "risk.category_limits.crypto": Decimal(5000),
            "risk.category_limits.sports": Decimal(4000),
            "risk.per_market_max_usd": Decimal(2000),
            "risk.circuit_breaker_threshold_pct": Decimal(97),
        },
        actor=admin,
        reason="tight",
        now=now(),
    )
    CircuitBreaker.objects.update(cooldown_minutes=0, auto_reset=True)
    later = now() + timedelta(days=1)
    found = [
        make_market(category="sports" if index % 3 == 2 else "crypto", priced_at=later) for index in range(markets)
    ]
    traders = [make_player(made[index % operators], balance="100000") for index in range(players)]
    # Old enough to be promoted, by their fifth trade or by the nightly round, whichever comes first.
    Player.objects.update(created_at=now() - timedelta(days=8))
    return World([each.id for each in made], [each.id for each in traders], [each.id for each in found], admin.id)


def run(world: World, *, processes: int, seconds: float, seed: int = 7) -> Tally:
    """Let ``processes`` processes (two of them staff) act for ``seconds``; all they met together."""
    context = get_context("fork")
    connections.close_all()
    results: Queue = context.Queue()
    actors = [_staff, _desk] + [_trader] * (processes - 2)
    started = [
        context.Process(target=_act, args=(actor, world, seconds, seed + index, results))
        for index, actor in enumerate(actors)
    ]
    for process in started:
        process.start()
    together = Tally()
    for _ in started:
        counts, faults = results.get(timeout=seconds + 120)
        together.counts.update(counts)
        together.faults += faults
    for process in started:
        process.join()
    return together


def _act(actor, world: World, seconds: float, seed: int, results: Queue) -> None:
    settings.CELERY_TASK_ALWAYS_EAGER = celery_app.conf.task_always_eager = False
    chance, tally = random.Random(seed), Tally()
    admin, until = AdminUser.objects.get(pk=world.admin), time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            actor(world, chance, tally, admin)
        except errors.PredictuError as refusal:
            tally.counts[refusal.code] += 1
            if refusal.code == "VALIDATION_ERROR":
                tally.faults.append(f"{actor.__name__}: {refusal.details}")
            if refusal.status == 500:
                tally.faults.append(repr(refusal))
        except Exception as fault:  # noqa: BLE001 whatever it is, a caller would have seen it
            tally.faults.append(f"{actor.__name__}: {type(fault).__name__}: {fault}"[:500])
    connections.close_all()
    results.put((tally.counts, tally.faults))


def _trader(world: World, chance: random.Random, tally: Tally, admin: AdminUser) -> None:
    player = Player.objects.get(pk=chance.choice(world.players))
    hot = chance.random() < 0.6
    market = Market.objects.get(pk=world.markets[0] if hot else chance.choice(world.markets))
    if chance.random() < 0.4:
        held = Position.objects.filter(player=player, quantity__gt=0, market__resolution=None).order_by("?").first()
        if held is None:
            return
        part = held.quantity if chance.random() < 0.5 else (held.quantity / 2).quantize(Decimal("0.0001"))
        place(player, held.market, part, side="sell", outcome=held.outcome, key=_key(chance))
        tally.counts["sold"] += 1
        return
    outcome, amount = chance.choice(["yes", "no"]), Decimal(chance.randint(100, 20_000)) / 100
    try:
        place(player, market, amount_usd=amount, outcome=outcome, key=_key(chance))
        tally.counts["bought"] += 1
    except errors.RiskRejected as refusal:
        tally.counts[f"wall {refusal.details.get('wall', 'breaker')}"] += 1
        allowed = refusal.details.get("max_allowed_usd")
        if allowed:
            place(player, market, amount_usd=allowed, outcome=outcome, key=_key(chance))
            tally.counts["bought what was allowed"] += 1


def _key(chance: random.Random) -> str:
    return f"{chance.getrandbits(96):x}"


def _desk(world: World, chance: random.Random, tally: Tally, admin: AdminUser) -> None:
    """Limits up and down, breakers by hand, an operator suspended and let back."""
    time.sleep(0.05)
    what = chance.random()
    if what < 0.4:
        key, least, most = chance.choice(
            [
                ("risk.per_market_max_usd", 800, 2500),
                ("risk.global_exposure_limit_usd", 4000, 8000),
                ("risk.category_limits.crypto", 2000, 5000),
                ("risk.category_limits.sports", 1000, 4000),
            ]
        )
        limits.change(changes={key: Decimal(chance.randint(least, most))}, actor=admin, reason="race", now=now())
        tally.counts["limit changed"] += 1
    elif what < 0.6:
        values = {"exposure_limit_usd": Decimal(chance.randint(1500, 4000))}
        operator_changes.update(
            operator_id=chance.choice(world.operators), changes=values, actor=admin, reason="race", now=now()
        )
        tally.counts["operator limit changed"] += 1
    elif what < 0.8:
        breaker = chance.choice(CircuitBreaker.objects.order_by("pk"))
        desk.trip_breaker(breaker_id=breaker.id, actor=admin, reason="race", now=now())
        time.sleep(0.02)
        tally.counts["breaker tripped by hand"] += 1
        desk.reset_breaker(breaker_id=breaker.id, actor=admin, reason="race", now=now())
    else:
        operator_id = chance.choice(world.operators)
        for status in ("suspend", "resume"):
            operator_changes.update(
                operator_id=operator_id, changes={}, status=status, reason="race", actor=admin, now=now()
            )
            time.sleep(0.05)
        tally.counts["operator suspended"] += 1


def _staff(world: World, chance: random.Random, tally: Tally, admin: AdminUser) -> None:
    """Prices move; users are suspended, promoted, restricted, freed; trades cancelled; markets settled, corrected."""
    time.sleep(0.02)
    if chance.random() < 0.15:
        _undo(chance, tally, admin)
        return
    if chance.random() < 0.03:
        tally.counts["users promoted at night"] += promotion.promote(now=now())
        return
    if chance.random() < 0.03:
        _settle(chance.choice(world.markets[1:]), tally, admin)
        return
    what, player_id = chance.random(), chance.choice(world.players)
    if what < 0.4:
        mid = Decimal(chance.randint(30, 70)) / 100
        Market.objects.filter(pk=chance.choice(world.markets), resolution=None).update(yes_mid=mid)
        tally.counts["price moved"] += 1
        return
    changes = (
        {"status": "suspended"}
        if what < 0.5
        else {"limit_tier": chance.choice(["regular", "vip"])}
        if what < 0.6
        else {"tier": "sharp", "max_bet_usd": Decimal(50)}
        if what < 0.7
        else {"status": "active", "tier": "normal", "limit_tier": "new", "max_bet_usd": None}
    )
    users.change_by_staff(player_id=player_id, changes=changes, actor=admin, reason="race", now=now())
    tally.counts["user changed"] += 1


def _undo(chance: random.Random, tally: Tally, admin: AdminUser) -> None:
    """Cancel one of the newest buys (a cancelled sell adds exposure that no wall may stop)."""
    newest = list(Trade.objects.filter(side="buy", status="filled").order_by("-id").values_list("pk", flat=True)[:20])
    if newest:
        cancels.cancel(trade_id=chance.choice(newest), reason="race", actor=admin, now=now())
        tally.counts["trade cancelled"] += 1


def _settle(market_id: str, tally: Tally, admin: AdminUser) -> None:
    """Resolve and settle a market, then correct it; the hot one stays open."""
    row = settlements.resolve(market_id=market_id, outcome="yes", reason="race", actor=admin, now=now()).settlement
    if settling.settle(row.id, now=now()):
        tally.counts["market settled"] += 1
    corrections.correct(market_id=market_id, outcome="no", reason="race", actor=admin, now=now())
    tally.counts["settlement corrected"] += 1


def faults() -> list[str]:
    """What does not hold now, in words; empty when all does."""
    return [*_guarded(), *_counters(), *_players(), *_crossings(), *map(str, verification.verify())]


def _rows(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def _guarded() -> list[str]:
    found = [
        f"{scope} {scope_id}: {what}"
        for scope, scope_id, what in _rows("SELECT scope, scope_id, what FROM soak_breach")
    ]
    _rows("SELECT pg_stat_clear_snapshot()")
    ((deadlocks,),) = _rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return found + ([f"{deadlocks} deadlocks"] if deadlocks else [])


def _counters() -> list[str]:
    sums = {(scope, scope_id): (yes or 0, no or 0, count) for scope, scope_id, yes, no, count in _rows(SUMS)}
    found = []
    for bucket in ExposureBucket.objects.all():
        key = (bucket.scope, _bare(bucket))
        kept = (bucket.yes_usd, bucket.no_usd, bucket.position_count)
        if kept != sums.pop(key, (0, 0, 0)):
            found.append(f"{bucket}: counters {kept} are not the sums")
    found += [f"{key} has positions and no bucket" for key in sums]
    trades = _rows(
        "SELECT count(*), count(*) FILTER (WHERE status <> 'cancelled'),"
        " coalesce(sum(cost_usd) FILTER (WHERE status <> 'cancelled'), 0) FROM trading_trade WHERE NOT is_test"
    )[0]
    whole = ExposureBucket.objects.get(scope="global")
    if (whole.trade_rows, whole.trade_count, whole.volume_usd) != trades:
        found.append(f"global counts {whole.trade_rows, whole.trade_count, whole.volume_usd}, trades are {trades}")
    return found


def _bare(bucket: ExposureBucket) -> str:
    if bucket.scope == "operator_category":
        operator_id, _, category = bucket.scope_id.partition(":")
        return f"{ExposureBucket.objects.get(scope='operator', scope_id=operator_id).subject}:{category}"
    return str(bucket.subject) if bucket.subject else bucket.scope_id


def _players() -> list[str]:
    return [
        f"player {row[0]}: {row[1:]}"
        for row in _rows(
            "SELECT player.id, exposure_usd, held.exposure, open_positions, held.positions, balance_usd, money.balance"
            " FROM accounts_player player"
            " CROSS JOIN LATERAL (SELECT coalesce(sum(quantity), 0) AS exposure, count(*) AS positions"
            "   FROM trading_position WHERE player_id = player.id AND status = 'open') AS held"
            " CROSS JOIN LATERAL (SELECT coalesce(sum(amount_usd), 0) AS balance"
            "   FROM accounts_ledgerentry WHERE player_id = player.id) AS money"
            " WHERE exposure_usd <> held.exposure OR open_positions <> held.positions OR balance_usd <> money.balance"
        )
    ]


def _crossings() -> list[str]:
    """Open crossings of a bucket are its levels up to the one it is alert at, each once."""
    found = []
    for bucket in ExposureBucket.objects.all():
        crossed = RiskEvent.objects.filter(bucket=bucket, resolved_at=None, crossing_pct__isnull=False)
        open_ = sorted(crossed.values_list("crossing_pct", flat=True))
        wanted = [level for level in walls.LEVELS if level <= bucket.alert_level]
        if open_ != wanted:
            found.append(f"{bucket}: open crossings {open_}, alert level {bucket.alert_level}")
    return found


def room_is_real(world: World) -> list[str]:
    """With nobody else about: what a refusal says is allowed is accepted when tried next."""
    found = []
    CircuitBreaker.objects.update(is_enabled=False)
    Player.objects.update(status="active", tier="normal", limit_tier="new", max_bet_usd=None)
    for market in Market.objects.filter(resolution=None):
        for player in Player.objects.filter(pk__in=world.players[:3]):
            try:
                place(player, market, amount_usd=Decimal(4999))
            except errors.RiskRejected as refusal:
                allowed = refusal.details["max_allowed_usd"]
                try:
                    if allowed:
                        place(player, market, amount_usd=allowed)
                except errors.PredictuError as again:
                    found.append(f"{allowed} was allowed and refused: {again.code} {again.details}")
    return found
