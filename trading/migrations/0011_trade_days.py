"""Trades by operator and day, filled from the facts that are rolled up already."""

import django.db.models.deletion
from django.db import migrations, models

FILL = """
INSERT INTO trading_tradeday (day, operator_id, trade_rows)
SELECT (at AT TIME ZONE 'UTC')::date, operator_id, count(*) FROM trading_revenuefact
WHERE rolled AND kind = 'trade' GROUP BY 1, 2
"""


class Migration(migrations.Migration):
    dependencies = [
        ("operators", "0003_deliveries"),
        ("trading", "0010_optimistic_trade"),
    ]

    operations = [
        migrations.CreateModel(
            name="TradeDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("trade_rows", models.BigIntegerField(default=0)),
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
            options={"constraints": [models.UniqueConstraint(fields=("operator", "day"), name="trade_day_unique")]},
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
