"""A release only adds: what the code of the release before writes still fits the tables of this one."""

import re

from django.apps import apps
from django.db import models
from django.db.migrations import operations
from django.db.migrations.loader import MigrationLoader
from django.db.models import NOT_PROVIDED, AutoField

OURS = ("platform", "operators", "accounts", "risk", "trading", "billing", "reports")
TAKES_AWAY = (operations.RemoveField, operations.DeleteModel, operations.RenameField, operations.RenameModel,
              operations.AlterModelTable)  # fmt: skip
# Written before there was a release whose code could still be running.
BEFORE_THE_FIRST_RELEASE = {
    *("accounts.0002_players", "operators.0006_claims_apart", "risk.0004_seeded_breakers"),
    *("trading.0004_prices_and_sync", "trading.0010_optimistic_trade", "trading.0015_tallies"),
}


def steps():
    """Every operation on a table that an earlier migration made: the migration's name, the operation, and the field
    as it was before."""
    known = {}
    for (app, name), migration in sorted(MigrationLoader(None).disk_migrations.items()):
        if app not in OURS:
            continue
        made = {each.name_lower for each in migration.operations if isinstance(each, operations.CreateModel)}
        for operation in migration.operations:
            for part in getattr(operation, "database_operations", [operation]):
                model = getattr(part, "model_name_lower", getattr(part, "name_lower", None))
                if isinstance(part, operations.CreateModel):
                    known |= {(app, model, field): declared for field, declared in part.fields}
                elif model not in made:
                    yield f"{app}.{name}", part, known.get((app, model, getattr(part, "name", None)))
                if isinstance(part, operations.AddField | operations.AlterField):
                    known[app, model, part.name] = part.field


def breaks_old_code(operation, before=None):
    if isinstance(operation, operations.AddField):
        field = operation.field
        needs_a_value = not (field.null or field.many_to_many or isinstance(field, AutoField))
        return needs_a_value and field.db_default is NOT_PROVIDED
    if isinstance(operation, operations.AlterField):
        after = operation.field
        return type(before) is not type(after) or (before.null and not after.null) or shorter(before, after)
    if isinstance(operation, operations.RunSQL):
        return re.search(r"\bDROP\s+(FUNCTION|TABLE|COLUMN|TYPE|VIEW)\b", str(operation.sql), re.IGNORECASE) is not None
    return isinstance(operation, TAKES_AWAY)


def shorter(before, after):
    return after.max_length is not None and (before.max_length is None or after.max_length < before.max_length)


def test_no_migration_takes_away_or_asks_for_what_old_code_does_not_give():
    assert set(OURS) <= {app.label for app in apps.get_app_configs()}
    found = [(name, step.describe()) for name, step, before in steps() if breaks_old_code(step, before)]
    assert [(name, what) for name, what in found if name not in BEFORE_THE_FIRST_RELEASE] == []


def test_the_rule_would_see_it():
    bad = operations.AddField("trade", "colour", models.TextField(default=""))
    fine = operations.AddField("trade", "colour", models.TextField(db_default=""))
    empty = operations.AddField("trade", "colour", models.TextField(null=True))
    gone = operations.RemoveField("trade", "price")
    function, index = operations.RunSQL("DROP FUNCTION f;"), operations.RunSQL("DROP INDEX i;")
    verdicts = [breaks_old_code(each) for each in (bad, fine, empty, gone, function, index)]
    assert verdicts == [True, False, False, True, True, False]
    was, loose = models.CharField(max_length=10, null=True), models.CharField(max_length=20, null=True, db_index=True)
    tight = models.CharField(max_length=10)
    assert not breaks_old_code(operations.AlterField("trade", "colour", loose), was)
    assert breaks_old_code(operations.AlterField("trade", "colour", tight), was)
