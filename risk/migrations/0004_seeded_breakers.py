"""Breakers remember who made them and what they last saw; the platform's own for the categories and the whole."""

from datetime import UTC, datetime

from django.db import migrations, models

CATEGORIES = ("sports", "politics", "entertainment", "crypto", "science", "business")
SYSTEM = "system@predictu.invalid"


def seed(apps, schema_editor):
    breakers, now = apps.get_model("risk", "CircuitBreaker"), datetime.now(UTC)
    system = apps.get_model("accounts", "AdminUser").objects.get(email=SYSTEM)
    common = {"trigger_threshold": 90, "follows_config": True, "seeded": True, "created_by": system}
    common |= {"created_at": now, "updated_at": now}
    for category in CATEGORIES:
        breakers.objects.create(scope="category", scope_id=category, **common)
    # The document's global breaker waits for staff: nothing arms it by itself.
    breakers.objects.create(scope="global", scope_id="", cooldown_minutes=120, auto_reset=False, **common)
    for operator in apps.get_model("operators", "Operator").objects.all():
        breakers.objects.create(scope="operator", scope_id=operator.pk, **common)


class Migration(migrations.Migration):
    dependencies = [
        ("risk", "0003_bucket_subject"),
        ("accounts", "0004_system_admin_and_first_revision"),
    ]
    operations = [
        migrations.AddField(
            "circuitbreaker",
            "last_value",
            models.DecimalField(
                decimal_places=2, help_text="The house loss last judged, for loss_usd_24h.", max_digits=20, null=True
            ),
        ),
        migrations.AddField(
            "circuitbreaker",
            "seeded",
            models.BooleanField(default=False, help_text="Made by the platform, once for its scope."),
        ),
        migrations.AddConstraint(
            "circuitbreaker",
            models.UniqueConstraint(
                condition=models.Q(("seeded", True)), fields=("scope", "scope_id"), name="breaker_seeded_once"
            ),
        ),
        migrations.RunPython(seed, migrations.RunPython.noop, elidable=False),
    ]
