"""The tables of tasks: every name in them is a task, and each task has its queue."""

import pytest

from predictu.celery import app
from predictu.schedule import FAST, PERIODIC


@pytest.mark.parametrize("name", sorted({*FAST, *(each["task"] for each in PERIODIC.values())}))
def test_a_task_that_is_named_exists_and_goes_to_its_queue(name):
    app.loader.import_default_modules()
    assert name in app.tasks
    queue = app.amqp.router.route({}, name)["queue"]
    assert getattr(queue, "name", queue) == ("fast" if name in FAST else "slow")
