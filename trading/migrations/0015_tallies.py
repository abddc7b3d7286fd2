"""Sums by day and counts of how users trade. All facts are rolled up anew: until that is done they are read one by one."""

import django.db.models.deletion
from django.db import migrations, models

import predictu.fields

ANEW = """
DELETE FROM trading_hourlyrevenue;
DELETE FROM trading_monthlyrevenue;
DELETE FROM trading_playerrevenue;
DELETE FROM trading_activeday;
DELETE FROM trading_tradeday;
UPDATE trading_revenuefact SET rolled = false WHERE rolled;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_signup_channels"),
        ("operators", "0004_plain_plurals"),
        ("trading", "0014_corrections_of_voids"),
    ]

    operations = [
        migrations.RunSQL(ANEW, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="CohortActivity",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("signup_day", models.DateField()),
                ("unit", models.CharField(choices=[("week", "Week"), ("month", "Month")], max_length=5)),
                ("period", models.DateField(help_text="Its first day.")),
                ("users", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "cohort activity",
            },
        ),
        migrations.CreateModel(
            name="CohortDay",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("signup_day", models.DateField()),
                ("gross_usd", predictu.fields.MoneyField(default=0)),
                ("volume_usd", predictu.fields.MoneyField(default=0)),
                ("trade_count", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="DailyRevenue",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("share_pct", models.DecimalField(decimal_places=2, max_digits=5)),
                ("spread_usd", predictu.fields.MoneyField(default=0)),
                ("fee_usd", predictu.fields.MoneyField(default=0)),
                ("settlement_fee_usd", predictu.fields.MoneyField(default=0)),
                ("volume_usd", predictu.fields.MoneyField(default=0)),
                ("trade_count", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "revenue by day",
            },
        ),
        migrations.CreateModel(
            name="LifetimeSum",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("segment", models.CharField(choices=[("category", "Category"), ("channel", "Channel")], max_length=8)),
                ("label", models.CharField(blank=True, max_length=64)),
                ("users", models.BigIntegerField(default=0, help_text="With any revenue fact.")),
                ("traders", models.BigIntegerField(default=0, help_text="With a trade.")),
                ("gross_usd", predictu.fields.MoneyField(default=0)),
                ("first_30d_usd", predictu.fields.MoneyField(default=0)),
                ("volume_usd", predictu.fields.MoneyField(default=0)),
                ("trade_count", models.BigIntegerField(default=0)),
                (
                    "lifespans_s",
                    models.DecimalField(
                        decimal_places=6,
                        default=0,
                        help_text="Seconds from each trader's first trade to the last.",
                        max_digits=24,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="TradePattern",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                (
                    "kind",
                    models.CharField(
                        choices=[("hour", "Hour"), ("category", "Category"), ("device", "Device"), ("size", "Size")],
                        max_length=8,
                    ),
                ),
                ("key", models.CharField(blank=True, max_length=16)),
                ("trades", models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name="TradeTally",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("buy_yes", models.BigIntegerField(default=0)),
                ("buy_no", models.BigIntegerField(default=0)),
                ("sell_yes", models.BigIntegerField(default=0)),
                ("sell_no", models.BigIntegerField(default=0)),
                ("cancelled_buy_yes", models.BigIntegerField(default=0)),
                ("cancelled_buy_no", models.BigIntegerField(default=0)),
                ("cancelled_sell_yes", models.BigIntegerField(default=0)),
                ("cancelled_sell_no", models.BigIntegerField(default=0)),
            ],
            options={
                "verbose_name_plural": "trade tallies",
            },
        ),
        migrations.AddField(
            model_name="activeday",
            name="gaps_us",
            field=models.BigIntegerField(
                default=0, help_text="Microseconds between a session's trades and those before."
            ),
        ),
        migrations.AddField(
            model_name="activeday",
            name="singles",
            field=models.BigIntegerField(default=0, help_text="Trades that are a session by themselves."),
        ),
        migrations.AddField(
            model_name="activeday",
            name="starts",
            field=models.BigIntegerField(default=0, help_text="Trades that begin a session."),
        ),
        migrations.AddField(
            model_name="activeday",
            name="trades",
            field=models.BigIntegerField(default=0, help_text="Uncancelled ones."),
        ),
        migrations.AddField(
            model_name="tradeday",
            name="gaps_us",
            field=models.BigIntegerField(
                default=0, help_text="Microseconds between a session's trades and those before."
            ),
        ),
        migrations.AddField(
            model_name="tradeday",
            name="singles",
            field=models.BigIntegerField(default=0, help_text="Trades that are a session by themselves."),
        ),
        migrations.AddField(
            model_name="tradeday",
            name="starts",
            field=models.BigIntegerField(default=0, help_text="Trades that begin a session."),
        ),
        migrations.AddField(
            model_name="tradeday",
            name="traders",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="tradeday",
            name="trades",
            field=models.BigIntegerField(default=0, help_text="Uncancelled ones."),
        ),
        migrations.AlterField(
            model_name="playerrevenue",
            name="category",
            field=models.CharField(blank=True, max_length=16),
        ),
        migrations.AddIndex(
            model_name="activeday",
            index=models.Index(fields=["player", "day"], name="active_day_player"),
        ),
        migrations.AddIndex(
            model_name="playerrevenue",
            index=models.Index(
                condition=models.Q(("category", "")), fields=["last_trade_at"], name="player_last_trade"
            ),
        ),
        migrations.AddField(
            model_name="cohortactivity",
            name="operator",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="operators.operator"
            ),
        ),
        migrations.AddField(
            model_name="cohortday",
            name="operator",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="operators.operator"
            ),
        ),
        migrations.AddField(
            model_name="dailyrevenue",
            name="operator",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="operators.operator"
            ),
        ),
        migrations.AddField(
            model_name="lifetimesum",
            name="operator",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="operators.operator"
            ),
        ),
        migrations.AddField(
            model_name="tradepattern",
            name="operator",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="operators.operator"
            ),
        ),
        migrations.AddField(
            model_name="tradetally",
            name="market",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="trading.market"
            ),
        ),
        migrations.AddField(
            model_name="tradetally",
            name="operator",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="operators.operator"
            ),
        ),
        migrations.AddIndex(
            model_name="cohortactivity",
            index=models.Index(fields=["unit", "period"], name="cohort_activity_period"),
        ),
        migrations.AddConstraint(
            model_name="cohortactivity",
            constraint=models.UniqueConstraint(
                fields=("unit", "signup_day", "operator", "period"), name="cohort_activity_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="cohortday",
            constraint=models.UniqueConstraint(fields=("signup_day", "operator"), name="cohort_day_unique"),
        ),
        migrations.AddConstraint(
            model_name="dailyrevenue",
            constraint=models.UniqueConstraint(fields=("day", "operator", "share_pct"), name="daily_unique"),
        ),
        migrations.AddConstraint(
            model_name="lifetimesum",
            constraint=models.UniqueConstraint(fields=("operator", "segment", "label"), name="lifetime_unique"),
        ),
        migrations.AddConstraint(
            model_name="tradepattern",
            constraint=models.UniqueConstraint(fields=("day", "operator", "kind", "key"), name="trade_pattern_unique"),
        ),
        migrations.AddIndex(
            model_name="tradetally",
            index=models.Index(fields=["operator", "day"], name="trade_tally_operator"),
        ),
        migrations.AddIndex(
            model_name="tradetally",
            index=models.Index(fields=["market", "day"], name="trade_tally_market"),
        ),
        migrations.AddConstraint(
            model_name="tradetally",
            constraint=models.UniqueConstraint(fields=("day", "operator", "market"), name="trade_tally_unique"),
        ),
    ]
