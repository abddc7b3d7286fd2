from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from django.db import connection, transaction
from django.db.models import Sum

from accounts.models import LedgerEntry, Player
from accounts.services import players
from operators.models import CallbackEvent
from predictu import errors, ids
from predictu.platform import approvals
from predictu.platform.models import ActivityEvent, ConfigRevision
from risk.models import CircuitBreaker, ExposureBucket
from tests.factories import make_admin, make_market, make_operator, make_player, now, place
from trading import positions
from trading.models import Market, Position, RevenueFact, Settlement, SettlementPart, Trade
from trading.queries import corrections as corrected
from trading.services import cancels, corrections, rollups, settlements, settling, verification

pytestmark = pytest.mark.django_db

ROOM = {"new_tier_limit": 10_000, "regular_tier_limit": 10_000, "max_bet_usd": 10_000}


def resolve(market, outcome, *, at=None):
    """Resolve as staff and settle; the settlement's row."""
    done = settlements.resolve(
        market_id=market.id, outcome=outcome, reason="seen on TV", actor=make_admin(), now=at or now()
    )
    settling.settle(done.settlement.id, now=at or now())
    return Settlement.objects.get(market=market)


def balance(player):
    return Player.objects.get(pk=player.pk).balance_usd


def bodies(event, player=None):
    found = CallbackEvent.objects.filter(event=event, **({"user_id": player.id} if player else {})).order_by("ordinal")
    return [orjson.loads(bytes(each.body)) for each in found]


@pytest.fixture
def scene():
    """A yes holder, a no holder who has sold some, one who holds both, one who sold out; two operators."""

    class Scene:
        market = make_market()
        first, second = make_operator(**ROOM), make_operator(**ROOM, custom_fees_bps=150)
        yes, both = make_player(first, balance="100"), make_player(first, balance="100")
        no, out = make_player(second, balance="100"), make_player(second, balance="100")

    place(Scene.yes, Scene.market, 50)
    place(Scene.yes, Scene.market, "30.5")
    place(Scene.no, Scene.market, 40, outcome="no")
    place(Scene.no, Scene.market, 10, outcome="no", side="sell")
    place(Scene.both, Scene.market, 20)
    place(Scene.both, Scene.market, 10, outcome="no")
    place(Scene.out, Scene.market, 25)
    place(Scene.out, Scene.market, 25, side="sell")
    return Scene


def test_yes_pays_a_dollar_a_share_and_no_nothing(scene):
    before = {each.id: balance(each) for each in (scene.yes, scene.no, scene.both, scene.out)}
    row = resolve(scene.market, "yes")
    assert balance(scene.yes) == before[scene.yes.id] + Decimal("80.50")
    assert balance(scene.both) == before[scene.both.id] + 20
    assert (balance(scene.no), balance(scene.out)) == (before[scene.no.id], before[scene.out.id])
    # no: 40 × 0.3838 = 15.36 (up), a quarter of it sold: 11.52; both's 10 × 0.3838 = 3.84
    assert (row.status, row.positions_settled, row.winners, row.losers) == ("completed", 4, 2, 2)
    assert (row.total_payout_usd, row.total_loss_usd) == (Decimal("100.50"), Decimal("15.36"))
    assert row.net_pnl_usd == Decimal("-85.14")
    basis = Decimal("31.31") + Decimal("19.11") + Decimal("11.52") + Decimal("12.53") + Decimal("3.84")
    assert row.house_pnl_usd == basis - Decimal("100.50")
    assert (row.refund_usd, row.positions_total) == (0, 4)
    assert row.completeness == {
        "positions": 4, "positions_settled": 4, "positions_open": 0, "credits": 2, "credits_usd": "100.50",
        "ledger_rows": 2, "ledger_usd": "100.50", "callbacks": 4,
    }  # fmt: skip


def test_every_row_of_a_winner(scene):
    row = resolve(scene.market, "yes")
    position = Position.objects.get(player=scene.yes)
    assert (position.status, position.quantity, position.payout_price, position.payout_usd) == (
        "settled", Decimal("80.5"), 1, Decimal("80.50"),
    )  # fmt: skip
    assert position.realized_pnl_usd == Decimal("80.50") - Decimal("50.42")
    entry = LedgerEntry.objects.get(player=scene.yes, type="settlement")
    assert (entry.amount_usd, entry.reference_type, entry.reference_id) == (Decimal("80.50"), "settlement", row.id)
    assert entry.idempotency_key == f"predictu:settlement:{row.id}:{position.id}"
    assert entry.metadata == {
        "market_id": scene.market.id, "outcome": "yes", "position_id": position.id, "quantity": 80.5,
        "cause": "settlement",
    }  # fmt: skip
    trades = list(Trade.objects.filter(player=scene.yes).order_by("created_at", "id"))
    assert [trade.status for trade in trades] == ["settled", "settled"]
    assert [trade.pnl_usd for trade in trades] == positions.buy_pnls([Decimal(50), Decimal("30.5")], Decimal("30.08"))
    player = Player.objects.get(pk=scene.yes.pk)
    assert (player.open_positions, player.exposure_usd, player.realized_pnl_usd) == (0, 0, Decimal("30.08"))
    assert (player.resolved_count, player.winning_count) == (2, 2)


def test_callbacks_tell_what_became_of_each_position_and_balance(scene):
    before = balance(scene.yes)
    row = resolve(scene.market, "yes")
    [told] = bodies("POSITION_RESOLVED", scene.yes)
    position = Position.objects.get(player=scene.yes)
    assert (told["event"], told["operator_id"], told["test"]) == ("POSITION_RESOLVED", scene.first.id, False)
    assert told["payload"] == {
        "position_id": position.id, "user_id": scene.yes.id, "external_id": scene.yes.external_id,
        "market_id": scene.market.id, "outcome": "yes", "resolution": "yes", "quantity": 80.5, "payout_usd": 80.5,
        "realized_pnl_usd": 30.08, "settlement_version": 1,
    }  # fmt: skip
    moved = bodies("BALANCE_CHANGED", scene.yes)[-1]["payload"]
    assert moved == {
        "user_id": scene.yes.id, "external_id": scene.yes.external_id, "previous_balance_usd": float(before),
        "new_balance_usd": float(before + Decimal("80.5")), "amount_usd": 80.5, "reason": "payout",
        "reference_id": row.id,
    }  # fmt: skip
    [lost] = bodies("POSITION_RESOLVED", scene.no)
    assert (lost["payload"]["payout_usd"], len(bodies("BALANCE_CHANGED", scene.no))) == (0, 1)
    assert not bodies("POSITION_RESOLVED", scene.out)
    assert sorted(
        (body["operator_id"], body["payload"]["affected_user_count"]) for body in bodies("MARKET_RESOLVED")
    ) == (sorted([(scene.first.id, 2), (scene.second.id, 1)]))
    assert CallbackEvent.objects.filter(event="POSITION_RESOLVED", subject_id=row.id).count() == 4


def test_counters_are_given_back_and_the_feed_says_so(scene):
    resolve(scene.market, "no")
    for bucket in ExposureBucket.objects.all():
        assert (bucket.yes_usd, bucket.no_usd, bucket.position_count) == (0, 0, 0), bucket
    assert ExposureBucket.objects.get(scope="global").trade_count == 8
    titles = list(ActivityEvent.objects.filter(type="settlement").order_by("ordinal").values_list("title", flat=True))
    assert titles == ["Market resolved", "Market settled"]
    assert RevenueFact.objects.exclude(kind="trade").count() == 0


def test_a_split_pays_half_a_dollar_either_side(scene):
    before = {each.id: balance(each) for each in (scene.yes, scene.no, scene.both)}
    row = resolve(scene.market, "split")
    assert balance(scene.yes) == before[scene.yes.id] + Decimal("40.25")
    assert balance(scene.no) == before[scene.no.id] + 15
    assert balance(scene.both) == before[scene.both.id] + 15
    assert (row.winners, row.losers, row.total_loss_usd, row.total_payout_usd) == (4, 0, 0, Decimal("70.25"))
    assert set(Position.objects.filter(status="settled").values_list("payout_price", flat=True)) == {Decimal("0.5")}


def test_a_cancelled_market_gives_the_remaining_basis_and_its_fees_back(scene):
    before = {each.id: balance(each) for each in (scene.yes, scene.no, scene.both, scene.out)}
    sold = Player.objects.get(pk=scene.no.pk).realized_pnl_usd
    row = resolve(scene.market, "cancelled")
    # yes: 31.31 + 19.11 and the whole fees 0.16 + 0.10; no: 15.36 with 0.23 fee, three quarters of it left
    assert balance(scene.yes) == before[scene.yes.id] + Decimal("50.68")
    assert balance(scene.no) == before[scene.no.id] + Decimal("11.52") + Decimal("0.17")
    assert balance(scene.out) == before[scene.out.id]
    refund = sum((balance(each) - before[each.id] for each in (scene.yes, scene.no, scene.both)), Decimal(0))
    assert (row.refund_usd, row.winners, row.losers, row.total_payout_usd) == (refund, 0, 0, 0)
    assert (row.house_pnl_usd, row.net_pnl_usd, row.positions_settled) == (0, 0, 4)
    assert set(Trade.objects.values_list("status", flat=True)) == {"cancelled"}
    assert LedgerEntry.objects.filter(player=scene.yes, reference_id=row.id).get().type == "adjustment"
    player = Player.objects.get(pk=scene.no.pk)
    assert (player.realized_pnl_usd, player.trade_count, player.volume_usd) == (sold, 0, 0)
    assert Market.objects.get(pk=scene.market.pk).status == "cancelled"
    assert bodies("BALANCE_CHANGED", scene.yes)[-1]["payload"]["reason"] == "refund"
    whole = ExposureBucket.objects.get(scope="global")
    assert (whole.trade_count, whole.volume_usd, whole.trade_rows) == (0, 0, 8)


def test_a_void_takes_its_parts_of_revenue_back_on_its_own_date(scene):
    resolve(scene.market, "cancelled")
    for trade in Trade.objects.all():
        facts = RevenueFact.objects.filter(trade=trade)
        earned = sum((fact.fee_usd for fact in facts), Decimal(0))
        assert sum(fact.volume_usd for fact in facts) == sum(fact.trade_count for fact in facts) == 0
        position = Position.objects.get(player=trade.player_id, outcome=trade.outcome)
        held = position.quantity if trade.side == "buy" else Decimal(0)
        assert earned == trade.fee_usd - positions.void_part(trade.fee_usd, held, position.bought_quantity)


def test_a_settlement_fee_is_a_row_of_its_own_and_revenue(scene):
    ConfigRevision.objects.create(
        values={"fees.settlement_fee_bps": 150}, reason="fee", actor=make_admin(), created_at=now()
    )
    before = balance(scene.yes)
    row = resolve(scene.market, "yes")
    assert balance(scene.yes) == before + Decimal("80.50") - Decimal("1.21")
    fees = LedgerEntry.objects.filter(type="fee", reference_id=row.id)
    assert sorted(fees.values_list("amount_usd", flat=True)) == [Decimal("-1.21"), Decimal("-0.30")]
    facts = RevenueFact.objects.filter(kind="settlement_fee")
    assert sorted(facts.values_list("settlement_fee_usd", flat=True)) == [Decimal("0.30"), Decimal("1.21")]
    moved = bodies("BALANCE_CHANGED", scene.yes)[-1]["payload"]
    assert (moved["amount_usd"], moved["new_balance_usd"]) == (79.29, float(balance(scene.yes)))


def test_any_credit_first_repays_a_debt(scene):
    Player.objects.filter(pk=scene.yes.pk).update(debt_usd=Decimal("20"))
    before = balance(scene.yes)
    resolve(scene.market, "yes")
    player = Player.objects.get(pk=scene.yes.pk)
    assert (player.debt_usd, player.balance_usd) == (0, before + Decimal("60.50"))
    entry = LedgerEntry.objects.filter(player=scene.yes).order_by("-seq").first()
    assert (entry.type, entry.amount_usd, entry.metadata) == (
        "adjustment", Decimal("-20.00"), {"cause": "debt_repayment"},
    )  # fmt: skip


def test_twice_changes_nothing(scene):
    row = resolve(scene.market, "yes")
    before = (list(Player.objects.order_by("pk").values()), LedgerEntry.objects.count(), CallbackEvent.objects.count())
    assert settling.settle(row.id, now=now()) is False
    again = settlements.resolve(market_id=scene.market.id, outcome="yes", reason="x", actor=make_admin(), now=now())
    assert (again.created, again.settlement.id) == (False, row.id)
    with pytest.raises(errors.Conflict):
        settlements.resolve(market_id=scene.market.id, outcome="no", reason="x", actor=make_admin(), now=now())
    assert before == (
        list(Player.objects.order_by("pk").values()), LedgerEntry.objects.count(), CallbackEvent.objects.count(),
    )  # fmt: skip


def test_nothing_trades_after_a_resolution(scene):
    settlements.resolve(market_id=scene.market.id, outcome="yes", reason="x", actor=make_admin(), now=now())
    for side in ("buy", "sell"):
        with pytest.raises(errors.MarketNotTradeable) as refused:
            place(scene.yes, scene.market, 5, side=side)
        assert refused.value.details == {"reasons": ["market_resolved"]}


def test_test_users_settle_and_count_nowhere():
    market = make_market()
    operator = make_operator(stage="testing", onboarded_at=None, **ROOM)
    player = make_player(operator, balance="100")
    place(player, market, 50)
    row = resolve(market, "yes")
    assert balance(player) == Decimal("100") - Decimal("31.47") + 50
    assert (row.positions_settled, row.total_payout_usd, SettlementPart.objects.count()) == (0, 0, 0)
    assert row.completeness["positions"] == 1
    assert [body["test"] for body in bodies("POSITION_RESOLVED")] == [True]
    assert not RevenueFact.objects.exists()


def test_a_market_nobody_touched_settles_to_nothing():
    row = resolve(make_market(), "no")
    assert (row.status, row.positions_settled, row.completeness["positions"]) == ("completed", 0, 0)


def test_the_preview_is_what_happens(scene):
    for outcome in ("yes", "no", "split"):
        found = settlements.preview(scene.market.id, outcome)
        assert found["positions"] == 4
    shown = settlements.preview(scene.market.id, "cancelled")
    row = resolve(scene.market, "cancelled")
    assert (shown["refund_usd"], shown["positions"]) == (row.refund_usd, 4)
    assert sum(part["refund_usd"] for part in shown["by_operator"]) == row.refund_usd
    with pytest.raises(errors.Conflict):
        settlements.preview(scene.market.id, "yes")


def test_shares_of_a_result_add_up_whatever_the_quantities():
    operator, market = make_operator(**ROOM), make_market()
    player = make_player(operator, balance="1000")
    for quantity in ("3.3333", "3.3334", "3.3333", "7.0001"):
        place(player, market, quantity)
    resolve(market, "yes")
    position = Position.objects.get()
    trades = list(Trade.objects.order_by("created_at", "id"))
    assert [each.pnl_usd for each in trades] == positions.buy_pnls(
        [each.quantity for each in trades], position.realized_pnl_usd
    )


def test_ids_in_sql_are_ids():
    wanted = [ids.new("pos") for _ in range(50)] + ["pos_00000000000000000000000000", "pos_7zzzzzzzzzzzzzzzzzzzzzzzzz"]
    with connection.cursor() as cursor:
        for each in wanted:
            cursor.execute("SELECT predictu_typeid('pos', %s)", [ids.decode("pos", each)])
            assert cursor.fetchone()[0] == each
        at = now()
        cursor.execute("SELECT predictu_uuid7(%s)", [at])
        made = cursor.fetchone()[0]
    assert made.version == 7 and abs((ids.instant(ids.encode("pos", made)) - at).total_seconds()) < 0.0015


# -- corrections ------------------------------------------------------------------------------------------------------


def correct(market, outcome):
    return corrections.correct(
        market_id=market.id, outcome=outcome, reason="the feed was wrong", actor=make_admin(), now=now()
    ).settlement


def test_a_correction_pays_what_is_right_and_takes_back_what_was_not(scene):
    before = {each.id: balance(each) for each in (scene.yes, scene.no, scene.both, scene.out)}
    first = resolve(scene.market, "yes")
    row = correct(scene.market, "no")
    assert balance(scene.yes) == before[scene.yes.id]
    assert balance(scene.no) == before[scene.no.id] + 30
    assert balance(scene.both) == before[scene.both.id] + 10
    assert (row.version, row.resolution, row.resolution_source) == (2, "no", "correction")
    assert (row.winners, row.losers, row.total_payout_usd) == (2, 2, 40)
    [old] = row.versions
    assert (old["resolution"], old["total_payout_usd"], old["winners"]) == ("yes", 100.5, 2)
    assert row.id == first.id
    position = Position.objects.get(player=scene.yes)
    assert (position.payout_usd, position.payout_price, position.realized_pnl_usd) == (0, 0, Decimal("-50.42"))
    player = Player.objects.get(pk=scene.yes.pk)
    assert (player.realized_pnl_usd, player.resolved_count, player.winning_count) == (Decimal("-50.42"), 2, 0)
    assert sum(trade.pnl_usd for trade in Trade.objects.filter(player=scene.yes)) == Decimal("-50.42")
    told = bodies("POSITION_RESOLVED", scene.yes)[-1]["payload"]
    assert (told["correction"], told["previous_payout_usd"], told["settlement_version"]) == (True, 80.5, 2)
    assert told["payout_usd"] == 0
    assert bodies("BALANCE_CHANGED", scene.yes)[-1]["payload"]["amount_usd"] == -80.5
    assert Market.objects.get(pk=scene.market.pk).resolution == "no"
    # credits first, then reversals
    entries = LedgerEntry.objects.filter(player=scene.both, reference_id=row.id).order_by("seq")
    assert [entry.amount_usd for entry in entries] == [20, 10, -20]


def test_a_correction_does_not_depend_on_events_that_are_forgotten_by_then(scene):
    resolve(scene.market, "yes")
    CallbackEvent.objects.all().delete()
    row = correct(scene.market, "no")
    assert (row.resolution, row.completeness["positions"], row.completeness["callbacks"]) == ("no", 4, 8)
    assert len(bodies("POSITION_RESOLVED")) == 4


def test_what_a_balance_cannot_cover_becomes_a_debt_that_blocks(scene):
    resolve(scene.market, "yes")
    spent = balance(scene.yes) - 10
    players.move_money(
        operator_id=scene.first.id, player_id=scene.yes.id, kind="withdraw", amount_usd=spent, key="w-1",
        reference=None, transaction_id=None, actor="operator:x", now=now(),
    )  # fmt: skip
    row = correct(scene.market, "no")
    player = Player.objects.get(pk=scene.yes.pk)
    assert (player.balance_usd, player.debt_usd) == (0, Decimal("70.50"))
    assert row.completeness["owed_usd"] == "70.50"
    with pytest.raises(errors.DebtOpen):
        place(scene.yes, make_market(), 5)


def test_a_resolution_is_corrected_once_and_only_into_something_else(scene):
    with pytest.raises(errors.Conflict):
        correct(scene.market, "no")
    resolve(scene.market, "yes")
    with pytest.raises(errors.Conflict):
        correct(scene.market, "yes")
    correct(scene.market, "split")
    with pytest.raises(errors.Conflict):
        correct(scene.market, "no")


def test_a_correction_moves_settlement_fees_too(scene):
    ConfigRevision.objects.create(
        values={"fees.settlement_fee_bps": 150}, reason="fee", actor=make_admin(), created_at=now()
    )
    before = {each.id: balance(each) for each in (scene.yes, scene.no)}
    resolve(scene.market, "yes")
    correct(scene.market, "no")
    assert balance(scene.yes) == before[scene.yes.id]
    assert balance(scene.no) == before[scene.no.id] + 30 - Decimal("0.45")
    assert sum(RevenueFact.objects.values_list("settlement_fee_usd", flat=True)) == Decimal("0.60")


def books():
    """What is left of a result on users, their holdings, trades and the counters, and what revenue came to."""
    users = Player.objects.order_by("id").values_list(
        "id", "balance_usd", "trade_count", "volume_usd", "realized_pnl_usd", "resolved_count", "winning_count",
        "debt_usd", "open_positions", "exposure_usd",
    )  # fmt: skip
    held = Position.objects.order_by("id").values_list("id", "status", "payout_usd", "payout_price", "realized_pnl_usd")
    trades = Trade.objects.order_by("id").values_list("id", "status", "pnl_usd")
    counters = ExposureBucket.objects.order_by("scope", "scope_id").values_list(
        "scope", "scope_id", "yes_usd", "no_usd", "position_count", "trade_rows", "trade_count", "volume_usd"
    )
    names = ("spread_usd", "fee_usd", "settlement_fee_usd", "volume_usd", "trade_count")
    revenue = RevenueFact.objects.aggregate(**{name: Sum(name) for name in names})
    shown = Settlement.objects.values_list(
        "resolution", "winners", "losers", "total_payout_usd", "total_loss_usd", "net_pnl_usd", "house_pnl_usd",
        "refund_usd",
    )  # fmt: skip
    parts = SettlementPart.objects.order_by("operator_id").values_list(
        "operator_id", "positions", "winners", "losers", "users", "payout_usd", "loss_usd", "basis_usd", "refund_usd"
    )
    market = Market.objects.values_list("status", "resolution")
    return [list(found) for found in (users, held, trades, counters, shown, parts, market)] + [revenue]


@pytest.mark.parametrize(("wrong", "right"), [("yes", "cancelled"), ("split", "cancelled"), ("cancelled", "no")])
def test_corrected_into_or_out_of_a_void_it_is_as_if_it_had_been_right_at_once(scene, wrong, right, tmp_path, settings):
    """The same trades settled rightly at once, in a transaction undone again, leave what the correction leaves."""
    settings.PREDICTU_ANCHOR_DIR = str(tmp_path)
    ConfigRevision.objects.create(
        values={"fees.settlement_fee_bps": 150}, reason="fee", actor=make_admin(), created_at=now()
    )
    with transaction.atomic():
        resolve(scene.market, right)
        wanted = books()
        transaction.set_rollback(True)
    first = resolve(scene.market, wrong)
    before, counted = dict(Player.objects.values_list("id", "balance_usd")), corrected.preview(first, right)
    row = correct(scene.market, right)
    assert books() == wanted
    moved = {key: amount - before[key] for key, amount in Player.objects.values_list("id", "balance_usd")}
    assert (
        counted["credit_usd"] - counted["reversal_usd"]
        == sum(moved.values())
        == Decimal(row.completeness["ledger_usd"])
    )
    assert (counted["debtors"], counted["users"]) == (0, sum(amount != 0 for amount in moved.values()))
    assert (row.version, row.versions[0]["resolution"], row.corrected_at is not None) == (2, wrong, True)
    rollups.compact()
    assert verification.verify() == []
    rollups.rebuild()
    assert verification.verify() == []


def test_a_void_that_was_wrong_gives_back_what_it_took_of_revenue_on_its_own_date(scene):
    resolve(scene.market, "cancelled", at=now() - timedelta(days=40))
    before = list(RevenueFact.objects.values())
    correct(scene.market, "no")
    assert list(RevenueFact.objects.filter(pk__in=[fact["id"] for fact in before]).values()) == before
    taken, given = (
        RevenueFact.objects.filter(kind="void", volume_usd__lt=0),
        RevenueFact.objects.filter(kind="void", volume_usd__gt=0),
    )
    assert taken.count() == given.count() == Trade.objects.count() == 8
    for back in given:
        fact = taken.get(trade_id=back.trade_id)
        assert (back.spread_usd, back.fee_usd, back.volume_usd, back.trade_count, back.share_pct) == (
            -fact.spread_usd, -fact.fee_usd, -fact.volume_usd, 1, fact.share_pct,
        )  # fmt: skip
        assert back.at - fact.at > timedelta(days=39)


def test_what_a_wrong_void_gave_back_becomes_a_debt_where_it_was_spent(scene):
    resolve(scene.market, "cancelled")
    players.move_money(
        operator_id=scene.second.id, player_id=scene.no.id, kind="withdraw", amount_usd=balance(scene.no), key="w-1",
        reference=None, transaction_id=None, actor="operator:x", now=now(),
    )  # fmt: skip
    correct(scene.market, "yes")
    # of 15.36 and a fee of 0.23 for 40 shares, the 30 that were left came back: 11.52 and 0.17
    player = Player.objects.get(pk=scene.no.pk)
    assert (player.balance_usd, player.debt_usd) == (0, Decimal("11.69"))
    told = bodies("POSITION_RESOLVED", scene.no)[-1]["payload"]
    assert (told["resolution"], told["payout_usd"], told["previous_payout_usd"]) == ("yes", 0, 11.69)


def test_a_trade_cancelled_by_staff_stays_cancelled_when_a_void_was_wrong(scene):
    [trade] = Trade.objects.filter(player=scene.both, outcome="no")
    cancels.cancel(trade_id=trade.id, reason="palpable", actor=make_admin(), now=now())
    resolve(scene.market, "cancelled")
    correct(scene.market, "no")
    assert Trade.objects.get(pk=trade.id).status == "cancelled"
    assert set(Trade.objects.exclude(pk=trade.id).values_list("status", flat=True)) == {"settled"}
    rollups.compact()
    assert verification.verify() == []


def test_a_correction_is_judged_for_what_the_house_lost_as_the_settlement_was(scene):
    breaker = CircuitBreaker.objects.create(
        scope="market", scope_id=scene.market.id, trigger_type="loss_usd_24h", trigger_threshold=10, auto_reset=False,
        created_by=make_admin(), created_at=now(), updated_at=now(),
    )  # fmt: skip
    first = resolve(scene.market, "no")
    breaker.refresh_from_db()
    assert (breaker.last_value, breaker.status) == (-first.house_pnl_usd, "armed")
    row = correct(scene.market, "yes")
    breaker.refresh_from_db()
    assert (breaker.last_value, breaker.status) == (-row.house_pnl_usd, "tripped")


def test_a_second_admin_confirms_what_pays_much(scene, settings):
    settings.PREDICTU_TWO_PERSON, settings.PREDICTU_SETTLEMENT_APPROVAL_USD = True, 100
    asked, other = make_admin(), make_admin()
    done = settlements.resolve(market_id=scene.market.id, outcome="yes", reason="x", actor=asked, now=now())
    assert done.settlement is None and not Settlement.objects.exists()
    with pytest.raises(errors.Forbidden):
        approvals.decide(approval_id=done.approval.id, approve=True, reason="", actor=asked, now=now())
    approvals.decide(approval_id=done.approval.id, approve=True, reason="seen it too", actor=other, now=now())
    assert Settlement.objects.get().resolution == "yes"
    cheap = settlements.resolve(market_id=make_market().id, outcome="no", reason="x", actor=asked, now=now())
    assert cheap.created


def test_a_second_admin_confirms_every_correction(scene, settings):
    resolve(scene.market, "yes")
    before = books()
    settings.PREDICTU_TWO_PERSON, settings.PREDICTU_SETTLEMENT_APPROVAL_USD = True, 10**9
    asked, other = make_admin(), make_admin()
    done = corrections.correct(market_id=scene.market.id, outcome="cancelled", reason="x", actor=asked, now=now())
    assert done.settlement is None and books() == before
    with pytest.raises(errors.Forbidden):
        approvals.decide(approval_id=done.approval.id, approve=True, reason="", actor=asked, now=now())
    assert books() == before
    approvals.decide(approval_id=done.approval.id, approve=True, reason="seen it too", actor=other, now=now())
    assert (Settlement.objects.get().resolution, Market.objects.get().status) == ("cancelled", "cancelled")
