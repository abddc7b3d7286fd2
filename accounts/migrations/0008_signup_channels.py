"""Users by channel, filled from those counted already."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO accounts_signupchannel (operator_id, channel, users)
SELECT operator_id, channel, count(*) FROM accounts_player WHERE counted AND NOT is_test GROUP BY 1, 2
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_ledger_in_batches"),
        ("operators", "0004_plain_plurals"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignupChannel",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("channel", models.CharField(blank=True, max_length=64)),
                ("users", models.BigIntegerField(default=0)),
                (
                    "operator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="operators.operator",
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("operator", "channel"), name="signup_channel_unique")],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
