"""Changes of operators that meet: real transactions, real locks."""

import threading
from datetime import timedelta

import pytest
from django.db import connection, transaction

from accounts.models import Player
from operators.errors import NameTaken, StepConflict
from operators.models import CallbackEvent, OnboardingStep, Operator, OperatorKey
from operators.services import facts, gate, keys
from predictu.errors import OperatorInactive, PredictuError
from predictu.platform.models import AuditEntry
from risk.models import CircuitBreaker, ExposureBucket
from risk.services import operator_changes
from tests.factories import make_admin, make_operator, make_player, now

pytestmark = pytest.mark.committed


def at_once(*acts):
    """Run all of them at the same time; what each gave or raised."""
    results, start = [None] * len(acts), threading.Barrier(len(acts))

    def run(number, act):
        start.wait()
        try:
            results[number] = act()
        except PredictuError as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return results


def values(**changes):
    return {"name": "Northlight", "domain": "n.example", "contact_email": "a@n.example", **changes}


def test_of_two_creations_with_one_name_one_wins():
    admin = make_admin()

    def create(domain):
        return lambda: operator_changes.create(values=values(domain=domain), actor=admin, now=now())

    results = at_once(*(create(f"n{number}.example") for number in range(4)))
    assert sorted(type(result).__name__ for result in results) == ["NameTaken"] * 3 + ["tuple"]
    assert Operator.objects.count() == 1
    assert NameTaken().code == "NAME_EXISTS"
    assert AuditEntry.objects.filter(action="operator.create").count() == 1


def test_a_new_operator_has_its_breaker():
    operator, pair = operator_changes.create(values=values(), actor=make_admin(), now=now())
    assert pair is None
    assert CircuitBreaker.objects.filter(scope="operator", scope_id=operator.id, follows_config=True).count() == 1


def test_a_step_is_taken_once_however_many_advance_it():
    admin = make_admin()
    operator, _ = operator_changes.create(values=values(), actor=admin, now=now())

    def advance():
        return operator_changes.advance(
            operator_id=operator.id,
            step="branding",
            changes={"branding": {"primary_color": "#000000"}},
            data={},
            notes="",
            actor=admin,
            now=now(),
        )

    results = at_once(*[advance] * 4)
    assert sum(isinstance(result, StepConflict) for result in results) == 3
    assert OnboardingStep.objects.count() == 1
    assert AuditEntry.objects.filter(action="onboarding.advance").count() == 1


def test_keys_made_at_once_leave_one_active():
    operator, admin, at = make_operator(), make_admin(), now()
    at_once(*[lambda: keys.issue(operator=operator, label="k", grace=timedelta(hours=1), actor=admin, now=at)] * 4)
    assert OperatorKey.objects.filter(expires_at=None).count() == 1
    assert OperatorKey.objects.filter(expires_at=at + timedelta(hours=1)).count() == 3


def test_a_suspension_waits_for_who_is_inside_and_binds_the_next():
    operator, admin = make_operator(), make_admin()
    inside, done = threading.Event(), []

    def suspend():
        inside.wait()
        try:
            operator_changes.update(
                operator_id=operator.id, changes={}, status="suspend", reason="x", actor=admin, now=now()
            )
            done.append(True)
        finally:
            connection.close()

    thread = threading.Thread(target=suspend)
    thread.start()
    with transaction.atomic():
        gate.enter(operator.id)
        inside.set()
        thread.join(0.3)
        assert done == [], "someone is inside"
        assert gate.enter(operator.id).may_trade
    thread.join()
    with pytest.raises(OperatorInactive):
        make_player(operator)
    assert not Player.objects.exists()
    assert [event.event for event in CallbackEvent.objects.all()] == ["OPERATOR_STATUS_CHANGED"]


def test_suspending_at_once_is_told_once():
    operator, admin = make_operator(), make_admin()

    def suspend():
        return operator_changes.update(
            operator_id=operator.id, changes={}, status="suspend", reason="x", actor=admin, now=now()
        )

    results = at_once(*[suspend] * 3)
    assert sorted(len(result.changes) for result in results) == [0, 0, 1]
    assert CallbackEvent.objects.count() == 1


def test_a_limit_moves_the_operators_bucket_and_nothing_else_does():
    operator, admin = make_operator(), make_admin()

    def revision():
        found = ExposureBucket.objects.filter(scope="operator", scope_id=operator.id).first()
        return found.revision if found else 0

    def update(changes):
        operator_changes.update(operator_id=operator.id, changes=changes, actor=admin, now=now())
        return revision()

    assert update({"contact_name": "Ada"}) == 0
    assert update({"exposure_limit_usd": 1000}) == 1
    assert update({"exposure_limit_usd": 1000}) == 1
    assert update({"config": {"risk_tier": "elite"}}) == 2
    assert update({"category_limits": {"sports": 5}}) == 3


def test_only_test_users_retire_at_go_live():
    operator = make_operator(stage="testing", onboarded_at=None)
    tester, late = make_player(operator), make_player(operator)
    Player.objects.filter(pk=late.pk).update(is_test=False)
    for name in ("configure_revenue", "test_ping", "configure_branding", "set_callback", "whitelist_origins"):
        facts.establish(operator_id=operator.id, name=name, now=now())
    Operator.objects.update(callback_url="https://a.example/cb", embed_origins=["https://a.example"])
    facts.establish(operator_id=operator.id, name="create_record", now=now())
    keys.issue(operator=operator, label="k", grace=timedelta(hours=1), actor=make_admin(), now=now())
    updated = operator_changes.update(
        operator_id=operator.id, changes={}, status="activate", actor=make_admin(), now=now()
    )
    assert updated.went_live
    assert dict(Player.objects.values_list("id", "status")) == {tester.id: "inactive", late.id: "active"}
