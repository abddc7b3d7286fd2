import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from predictu import ids
from predictu.errors import BadRequest

# The TypeID specification's example, and that of RFC 9562, made on 22 February 2022 at 19:22:22 UTC.
TYPEID = "prefix_01h2xcejqtf2nbrexx3vqjhp41"
TYPEID_UUID = uuid.UUID("0188bac7-4afa-78aa-bc3b-bd1eef28d881")
RFC_UUID = uuid.UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
SMALLEST = "trd_00000000000000000000000000"
LARGEST = "trd_7zzzzzzzzzzzzzzzzzzzzzzzzz"
MOMENT = datetime(2026, 3, 19, 12, 0, 0, 123_000, UTC)


def test_the_specifications_example():
    assert ids.encode("prefix", TYPEID_UUID) == TYPEID
    assert ids.decode("prefix", TYPEID) == TYPEID_UUID


@pytest.mark.parametrize(("text", "number"), [(SMALLEST, 0), (LARGEST, (1 << 128) - 1)])
def test_the_smallest_and_the_largest(text, number):
    assert ids.encode("trd", uuid.UUID(int=number)) == text
    assert ids.decode("trd", text).int == number


@given(number=st.integers(0, (1 << 128) - 1))
@settings(max_examples=200, deadline=None)
def test_every_uuid_comes_back(number):
    text = ids.encode("trd", uuid.UUID(int=number))
    assert len(text) == 30
    assert ids.decode("trd", text) == uuid.UUID(int=number)


@given(numbers=st.tuples(*[st.integers(0, (1 << 128) - 1)] * 2))
@settings(max_examples=200, deadline=None)
def test_texts_sort_as_their_uuids(numbers):
    first, second = (ids.encode("trd", uuid.UUID(int=number)) for number in sorted(numbers))
    assert first <= second


@pytest.mark.parametrize(
    "text",
    [
        "",
        "trd",
        "trd_",
        "_",
        "prefix_",
        "01h2xcejqtf2nbrexx3vqjhp41",
        "_01h2xcejqtf2nbrexx3vqjhp41",
        "trd_01h2xcejqtf2nbrexx3vqjhp41",
        "PREFIX_01h2xcejqtf2nbrexx3vqjhp41",
        "prefix-01h2xcejqtf2nbrexx3vqjhp41",
        "pre_prefix_01h2xcejqtf2nbrexx3vqjhp41",
        "prefix_01H2XCEJQTF2NBREXX3VQJHP41",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4",
        "prefix_01h2xcejqtf2nbrexx3vqjhp411",
        "prefix_01h2xcejqtf2nbrexx3vqjhp41\n",
        " prefix_01h2xcejqtf2nbrexx3vqjhp41",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4i",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4l",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4o",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4u",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4-",
        "prefix_01h2xcejqtf2nbrexx3vqjhp4١",
        "prefix_80000000000000000000000000",
        "prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "prefix_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "0188bac7-4afa-78aa-bc3b-bd1eef28d881",
    ],
)
def test_anything_malformed_is_refused_naming_the_parameter(text):
    with pytest.raises(ValueError, match="not a prefix_ id"):
        ids.decode("prefix", text)
    with pytest.raises(BadRequest) as refusal:
        ids.parse("prefix", text, parameter="user_id")
    assert refusal.value.message == "user_id must be a prefix_ id"
    assert refusal.value.details == {"user_id": ["must be a prefix_ id"]}


def test_a_well_formed_id_parses_to_itself():
    assert ids.parse("prefix", TYPEID, parameter="id") == TYPEID


def test_a_new_id_is_a_uuid_of_version_7():
    value = ids.uuid7()
    assert (value.version, value.variant) == (7, uuid.RFC_4122)


def test_an_id_holds_its_moment_to_the_millisecond():
    assert ids.instant(ids.new("trd", MOMENT)) == MOMENT
    assert ids.instant(ids.new("trd", MOMENT + timedelta(microseconds=999))) == MOMENT
    assert ids.instant(ids.encode("trd", RFC_UUID)) == datetime(2022, 2, 22, 19, 22, 22, 0, UTC)


def test_an_id_of_now_lies_between_two_readings_of_the_clock():
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    assert before <= ids.instant(ids.new("trd")) <= datetime.now(UTC)


def test_ids_of_one_moment_ascend():
    made = [ids.new("trd", MOMENT) for _ in range(10_000)]
    assert made == sorted(made)
    assert len(set(made)) == 10_000


def test_ids_of_later_moments_are_greater():
    made = [ids.new("trd", MOMENT + timedelta(milliseconds=step)) for step in range(1_000)]
    assert made == sorted(made)


def test_a_tail_that_would_run_over_starts_afresh_and_leaves_the_moment_alone(monkeypatch):
    full = SimpleNamespace(ms=int(MOMENT.timestamp() * 1000), tail=(1 << 74) - 1)
    monkeypatch.setattr(ids, "_state", full)
    first, second = ids.new("trd", MOMENT), ids.new("trd", MOMENT)
    assert ids.instant(first) == ids.instant(second) == MOMENT
    assert len({first, second, ids.encode("trd", uuid.UUID(int=full.tail))}) == 3
    assert first < second
