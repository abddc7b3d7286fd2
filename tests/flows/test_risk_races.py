"""Eight processes at once: counters are sums, no limit is passed, nobody meets a fault or a deadlock."""

import pytest

from tests.soak import race

pytestmark = [pytest.mark.committed, pytest.mark.slow]


def test_eight_processes_on_few_markets_pass_no_limit():
    world = race.build()
    met = race.run(world, processes=8, seconds=6)
    assert met.faults == []
    assert race.faults() == []
    assert race.room_is_real(world) == []
    assert race.faults() == []
    for kind in ("bought", "sold", "limit changed", "user changed"):
        assert met.counts[kind] > 0, met.counts
