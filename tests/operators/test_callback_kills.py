"""Workers killed at random while they send; the full size is ``python -m tests.soak.callbacks``."""

import pytest

from tests.soak import callbacks

SEED = 20261121


@pytest.mark.slow
@pytest.mark.committed
def test_killed_workers_lose_nothing_and_keep_every_user_s_order(celery_worker_process, authority):
    verdict = callbacks.run(
        events=1_500, rounds=3, users=100, seed=SEED, authority=authority, start_worker=celery_worker_process
    )
    assert verdict.lost == 0
    assert verdict.out_of_order == []
    assert verdict.ids_changed == 0
    assert verdict.events == verdict.confirmed == 1_500
    assert verdict.requests == 1_500 + verdict.duplicates


def test_the_judge_sees_what_is_wrong():
    expected = {(1, 0): "a", (1, 1): "b", (2, 0): "c"}
    clean = [("a", 1, 0, False), ("c", 2, 0, True), ("a", 1, 0, True), ("b", 1, 1, True), ("b", 1, 1, True)]
    assert callbacks.judge(clean, expected) == callbacks.Verdict(3, 3, 5, 2, [], 0, 0)
    early = [("b", 1, 1, True), ("a", 1, 0, True)]
    found = callbacks.judge(early, expected)
    assert (found.out_of_order, found.lost) == (["user 1: 1 came before 0 was confirmed"], 1)
    assert callbacks.judge([("x", 1, 0, True)], expected).ids_changed == 1
