"""From the source's word to money paid: sync, trades of 200 users of 3 operators, four results, three corrections."""

import random
from collections import defaultdict
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Sum

from accounts.models import LedgerEntry, Player
from operators.models import CallbackEvent
from risk.models import ExposureBucket
from tests.factories import make_admin, make_operator, make_player, now, place
from tests.trading.polymarket.records import gamma_event, gamma_market, listed
from trading import positions
from trading.models import HourlyRevenue, Market, Position, RevenueFact, Settlement, Trade
from trading.polymarket import parse
from trading.positions import Holding
from trading.services import corrections, rollups, settlements, settling, sync, verification

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 10_000, "regular_tier_limit": 10_000, "max_bet_usd": 10_000, "risk_tier": "elite"}
RESULTS = {"yes": ("1", "0"), "no": ("0", "1"), "split": ("0.5", "0.5")}
PRICE = {"yes": {"yes": 1, "no": 0}, "no": {"yes": 0, "no": 1}, "split": {"yes": Decimal("0.5"), "no": Decimal("0.5")}}


def record(name, **changes):
    number = sum(name.encode())
    own = {
        "id": str(number), "conditionId": f"0x{number:064x}", "question": f"Will it end {name}?",
        "clobTokenIds": listed(f"{number}1", f"{number}2"), "endDate": "2099-01-01T00:00:00Z",
    }  # fmt: skip
    return gamma_market(**(own | changes))


def take(*records):
    return sync.take_over(parse.parse_event(gamma_event(*records)), now=now())


def trade_about(seed):
    """Users of three operators buy and sell in four markets; the trades as they were made."""
    chance = random.Random(seed)
    operators = [make_operator(**ROOM, custom_fees_bps=fee) for fee in (None, 150, 0)]
    users = [make_player(operators[number % 3], balance="400") for number in range(200)]
    markets = list(Market.objects.order_by("title"))
    held = defaultdict(Decimal)
    made = []
    for user in users:
        for _ in range(chance.randint(1, 3)):
            market, outcome = chance.choice(markets), chance.choice(["yes", "no"])
            quantity = Decimal(chance.randint(30_000, 300_000)) / 10_000
            made.append(place(user, market, quantity, outcome=outcome))
            held[user.id, market.id, outcome] += quantity
            if chance.random() < 0.3:
                whole = held[user.id, market.id, outcome]
                part = whole if chance.random() < 0.5 else (whole / 3).quantize(Decimal("0.0001"))
                if part == whole or part * Decimal("0.4") > 1:
                    made.append(place(user, market, part, outcome=outcome, side="sell"))
                    held[user.id, market.id, outcome] -= part
    return operators, users, made


def books(made):
    """What each user holds of each outcome by the trades alone, and the buys of each holding."""
    holdings, buys = defaultdict(Holding), defaultdict(list)
    for row in made:
        key = (row["user_id"], row["market_id"], row["outcome"])
        quantity, cost = Decimal(str(row["quantity"])), Decimal(str(row["cost_usd"]))
        if row["side"] == "buy":
            holdings[key] = positions.bought(holdings[key], quantity, cost)
            buys[key].append((quantity, Decimal(str(row["fee_usd"]))))
        else:
            holdings[key], _ = positions.sold(holdings[key], quantity, cost)
    return holdings, buys


def due(holding, buys, outcome, result):
    """What a holding gets by ``result``."""
    if result == "cancelled":
        fees = (positions.void_part(fee, holding.quantity, holding.bought_quantity) for _, fee in buys)
        return holding.cost_basis_usd + sum(fees, Decimal(0))
    return positions.payout(holding.quantity, Decimal(PRICE[result][outcome]))


def test_from_sync_to_paid(settings, tmp_path):
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path)
    names = ("yes", "no", "split", "cancelled")
    assert take(*(record(name) for name in names)).new == 4
    operators, users, made = trade_about(seed=6)
    before = dict(Player.objects.values_list("id", "balance_usd"))
    holdings, buys = books(made)
    market_of = {name: Market.objects.get(title=f"Will it end {name}?") for name in names}

    # the oracle's word settles three; staff cancel the fourth
    final = {"closed": True, "acceptingOrders": False, "umaResolutionStatus": "resolved"}
    report = take(*(record(name, outcomePrices=listed(*RESULTS[name]), **final) for name in RESULTS))
    assert report.resolved == 3
    settlements.resolve(
        market_id=market_of["cancelled"].id, outcome="cancelled", reason="void", actor=make_admin(), now=now()
    )
    for row in Settlement.objects.order_by("id"):
        assert settling.settle(row.id, now=now())
    results = {market_of[name].id: name for name in names}
    check_figures(results, holdings, buys, before)

    # what was resolved no should have been yes; what yes, cancelled; what was cancelled, no
    for name, right in (("no", "yes"), ("yes", "cancelled"), ("cancelled", "no")):
        corrections.correct(
            market_id=market_of[name].id, outcome=right, reason="wrong feed", actor=make_admin(), now=now()
        )
        results[market_of[name].id] = right
        check_figures(results, holdings, buys, before)

    assert rollups.compact() == RevenueFact.objects.count()
    assert verification.verify() == []
    check_revenue(results, holdings)
    call_command("rebuild_rollups", stdout=StringIO())
    check_revenue(results, holdings)
    out = StringIO()
    call_command("verify_ledger", "--anchor", stdout=out)
    assert "Everything holds" in out.getvalue()
    assert verification.verify() == []
    assert not ExposureBucket.objects.exclude(yes_usd=0, no_usd=0, position_count=0).exists()
    assert len(users) == 200 and len(operators) == 3


def check_figures(results, holdings, buys, before):
    """Settlements, positions, users and ledger against what the trades alone say."""
    expected, paid = defaultdict(Decimal), {}
    for key, holding in holdings.items():
        user, market, outcome = key
        paid[key] = due(holding, buys[key], outcome, results[market])
        expected[user] += paid[key]
    for player in Player.objects.all():
        assert player.balance_usd == before[player.id] + expected[player.id]
        assert (player.open_positions, player.exposure_usd, player.debt_usd) == (0, 0, 0)
        assert player.realized_pnl_usd == sum(
            Position.objects.filter(player=player).values_list("realized_pnl_usd", flat=True), Decimal(0)
        )
    for market, result in results.items():
        check_settlement(market, result, {key: value for key, value in holdings.items() if key[1] == market}, paid)
    for position in Position.objects.all():
        check_position(position, results[position.market_id], holdings, buys, paid)


def check_revenue(results, holdings):
    """What the rollups hold is what the trades earned, less the parts that the cancelled market gave back."""
    expected = defaultdict(Decimal)
    for trade in Trade.objects.all():
        holding = holdings[trade.player_id, trade.market_id, trade.outcome]
        void, sums = results[trade.market_id] == "cancelled", {"spread_usd": trade.spread_usd, "fee_usd": trade.fee_usd}
        for name, amount in sums.items():
            part = positions.void_part(amount, holding.quantity, holding.bought_quantity)
            expected[name] += amount - (part if void and trade.side == "buy" and holding.quantity else 0)
        expected["volume_usd"] += 0 if void else trade.cost_usd
        expected["trade_count"] += 0 if void else 1
    assert HourlyRevenue.objects.aggregate(**{name: Sum(name) for name in expected}) == dict(expected)


def check_settlement(market, result, holdings, paid):
    row = Settlement.objects.get(market_id=market)
    open_ones = {key: holding for key, holding in holdings.items() if holding.quantity > 0}
    void = result == "cancelled"
    whole = sum((paid[key] for key in open_ones), Decimal(0))
    basis = sum((holding.cost_basis_usd for holding in open_ones.values()), Decimal(0))
    winners = 0 if void else sum(paid[key] > 0 for key in open_ones)
    lost = sum((each.cost_basis_usd for key, each in open_ones.items() if paid[key] == 0 and not void), Decimal(0))
    assert (row.status, row.resolution, row.positions_settled) == ("completed", result, len(open_ones))
    assert (row.winners, row.losers) == (winners, 0 if void else len(open_ones) - winners)
    assert (row.total_payout_usd, row.refund_usd) == ((0, whole) if void else (whole, 0))
    assert (row.total_loss_usd, row.net_pnl_usd) == (lost, lost - row.total_payout_usd)
    assert row.house_pnl_usd == (0 if void else basis - whole)
    posted = LedgerEntry.objects.filter(reference_id=row.id).aggregate(sum=Sum("amount_usd"))["sum"] or Decimal(0)
    assert posted == whole
    told = CallbackEvent.objects.filter(subject_id=row.id, event="POSITION_RESOLVED").count()
    assert told == len(open_ones) * row.version


def check_position(position, result, holdings, buys, paid):
    key = (position.player_id, position.market_id, position.outcome)
    holding = holdings[key]
    assert (position.quantity, position.cost_basis_usd) == (holding.quantity, holding.cost_basis_usd)
    assert position.status == ("settled" if holding.quantity else "closed")
    gained = paid[key] - holding.cost_basis_usd if result != "cancelled" and holding.quantity else Decimal(0)
    assert position.realized_pnl_usd == holding.realized_pnl_usd + gained
    trades = Trade.objects.filter(player=position.player_id, market=position.market_id, outcome=position.outcome)
    assert {trade.status for trade in trades} == {"cancelled" if result == "cancelled" else "settled"}
    if result != "cancelled":
        parts = positions.buy_pnls([quantity for quantity, _ in buys[key]], gained)
        bought = trades.filter(side="buy").order_by("created_at", "id")
        assert [trade.pnl_usd for trade in bought] == parts
