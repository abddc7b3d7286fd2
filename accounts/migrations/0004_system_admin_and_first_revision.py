"""The system's own account, the four roles, and revision 1 of the configuration."""

from datetime import UTC, datetime

from django.db import migrations

ROLES = ("Admin", "Risk", "Finance", "Read-only")
SYSTEM = "system@predictu.invalid"


def seed(apps, schema_editor):
    now = datetime.now(UTC)
    for name in ROLES:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)
    system, _ = apps.get_model("accounts", "AdminUser").objects.get_or_create(
        email=SYSTEM,
        defaults={"name": "System", "password": "!", "is_active": True, "is_system": True, "created_at": now},
    )
    revisions = apps.get_model("platform", "ConfigRevision")
    if not revisions.objects.exists():
        revisions.objects.create(reason="The documented defaults", actor=system, created_at=now)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_ledger_guards"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("platform", "0002_guards"),
    ]
    operations = [migrations.RunPython(seed, migrations.RunPython.noop)]
