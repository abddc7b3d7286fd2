"""A small world both ways: the same kind of platform, every check of the ledger clean, sums as rebuilt."""

import csv
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts.models import LedgerEntry, Player
from billing.models import Invoice
from operators.models import CallbackEvent, Operator
from predictu.platform.models import ActivityEvent
from reports.simulation.parameters import POPULATIONS
from risk.models import ExposureBucket, PlayerScore, RiskEvent
from tests.factories import make_operator
from trading.models import HourlyRevenue, Market, MonthlyRevenue, PlayerRevenue, Position, Settlement, Trade
from trading.services import rollups, verification

pytestmark = pytest.mark.django_db

UNTIL = datetime(2026, 11, 4, tzinfo=UTC)
SMALL = {"operators": 3, "days": 30, "seed": 3, "until": UNTIL, "scores": 1}
SUMS = (HourlyRevenue, MonthlyRevenue, PlayerRevenue)


def what_is_there():
    """The kinds of everything, whatever their number."""
    return {
        "sides": set(Trade.objects.values_list("side", flat=True)),
        "trades": set(Trade.objects.values_list("status", flat=True)),
        "positions": set(Position.objects.values_list("status", flat=True)),
        "markets": set(Market.objects.values_list("status", flat=True)),
        "results": set(Settlement.objects.values_list("resolution", "status")),
        "ledger": set(LedgerEntry.objects.values_list("type", "reference_type")),
        "causes": set(LedgerEntry.objects.values_list("metadata__cause", flat=True)),
        "limit tiers": set(Player.objects.values_list("limit_tier", flat=True)),
        "scopes": set(ExposureBucket.objects.filter(trade_rows__gt=0).values_list("scope", flat=True)),
        "activity": set(
            ActivityEvent.objects.filter(type__in=("settlement", "user_signup")).values_list("type", "title")
        ),
    }


def sums():
    """Every rolled-up row, without its number."""
    found = {}
    for model in SUMS:
        fields = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
        found[model.__name__] = sorted(model.objects.values_list(*fields), key=repr)
    return found


@pytest.fixture
def odd(monkeypatch):
    """A world with more of what is rare, so that a small one has it."""
    from reports.management.commands import simulate as command

    odder = {
        name: command.replace(each, cancelled_share=0.08, split_share=0.08, undone_share=0.004)
        for name, each in command.PARAMETER_SETS.items()
    }
    monkeypatch.setattr(command, "PARAMETER_SETS", odder)


def test_a_world_by_copy_holds_in_everything_and_its_sums_are_those_of_a_rebuild(odd, tmp_path):
    labels, schema = tmp_path / "labels.csv", _schema()
    call_command("simulate", way="copy", labels=labels, users=300, trades=4_000, markets=40, **SMALL)
    assert Trade.objects.count() == 4_000 and Player.objects.count() == 300 and Operator.objects.count() == 3
    assert verification.verify() == []
    as_loaded = sums()
    assert rollups.rebuild() == 4_000 + Trade.objects.filter(status="cancelled").count()
    assert sums() == as_loaded
    assert {row["external_id"] for row in csv.DictReader(labels.open())} == set(
        Player.objects.values_list("external_id", flat=True)
    )
    assert Settlement.objects.filter(version=2).exists(), "a result was corrected through the service"
    assert Invoice.objects.exists() and PlayerScore.objects.exists()
    told = CallbackEvent.objects.filter(event="POSITION_RESOLVED").exclude(sequence=None)
    corrected = Position.objects.filter(market__settlement__version=2, status="settled").count()
    assert told.count() == Position.objects.filter(status="settled").count() + corrected
    assert not ActivityEvent.objects.filter(number=None).exists()
    assert not RiskEvent.objects.filter(severity__in=("warning", "critical"), type="wall_violation").exists()
    assert _guards_off() == 0 and _schema() == schema and len(schema) > 200
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(player::text, ' ') FROM accounts_player player")
        [(text,)] = cursor.fetchall()
    assert not [word for word in set(POPULATIONS) - {"sharp"} if word in text], (
        "informed or not stands in the side file alone (sharp is a tier, too)"
    )


def _guards_off():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled <> 'O'")
        return cursor.fetchone()[0]


def _schema():
    """Every key, check, reference and index, as the database spells it; partitions come with the months."""
    with connection.cursor() as cursor:
        cursor.execute("""
          SELECT conrelid::regclass::text, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
          WHERE conparentid = 0 AND connamespace = 'public'::regnamespace
            AND NOT (SELECT relispartition FROM pg_class WHERE oid = conrelid) UNION ALL
          SELECT indrelid::regclass::text, indexrelid::regclass::text, indisvalid, pg_get_indexdef(indexrelid)
          FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
          WHERE relnamespace = 'public'::regnamespace AND NOT relispartition""")
        return set(cursor.fetchall())


def test_both_ways_make_the_same_kind_of_platform(odd):
    tiny = SMALL | {"days": 12, "users": 30, "trades": 150, "markets": 40}
    found = {}
    for way in ("services", "copy"):
        with transaction.atomic():
            call_command("simulate", way=way, **tiny)
            assert verification.verify() == []
            found[way] = what_is_there()
            assert 130 < Trade.objects.count() <= 150 and Player.objects.count() == 30
            transaction.set_rollback(True)
    assert found["services"] == found["copy"]
    assert found["copy"]["trades"] == {"filled", "settled", "cancelled"}
    assert found["copy"]["positions"] == {"open", "closed", "settled"}
    assert ("cancelled", "completed") in found["copy"]["results"]


def test_a_world_by_copy_is_the_same_world_again(odd):
    tiny = SMALL | {"days": 8, "scores": 0, "users": 60, "trades": 400, "markets": 40, "way": "copy"}
    heads = []
    for _ in range(2):
        with transaction.atomic():
            call_command("simulate", **tiny)
            heads.append(list(Player.objects.order_by("id").values_list("id", "external_id", "balance_usd")))
            heads.append(list(Trade.objects.order_by("id").values_list("id", "player_id", "price", "pnl_usd")))
            transaction.set_rollback(True)
    assert heads[:2] == heads[2:] and len(heads[0]) == 60 and len(heads[1]) == 400


@pytest.mark.parametrize(("options", "words"), [({}, "--beside"), ({"beside": True, "way": "copy"}, "empty database")])
def test_a_database_that_is_not_empty_is_left_alone(options, words):
    make_operator()
    with pytest.raises(CommandError, match=words):
        call_command("simulate", users=20, trades=100, **SMALL, **options)
    assert Operator.objects.count() == 1 and not Player.objects.exists()
