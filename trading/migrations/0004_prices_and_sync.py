"""Prices by month, walks through the source's catalogue, and the words a search finds a market by.

Months of prices are made and dropped by two functions of the owner, since the role of production owns nothing.
"""

import django.db.models.deletion
from django.db import migrations, models

import predictu.fields

PRICES = """
CREATE TABLE trading_pricepoint (
  market_id uuid NOT NULL REFERENCES trading_market (id) DEFERRABLE INITIALLY DEFERRED,
  at timestamptz NOT NULL,
  yes_mid numeric(8, 4) NOT NULL,
  CONSTRAINT price_point_in_0_1 CHECK (yes_mid > 0 AND yes_mid < 1),
  PRIMARY KEY (market_id, at) INCLUDE (yes_mid)
) PARTITION BY RANGE (at);

CREATE FUNCTION trading_ensure_price_month(wanted date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  first date := date_trunc('month', wanted);
  name text := 'trading_pricepoint_' || to_char(wanted, 'YYYYMM');
BEGIN
  IF to_regclass(name) IS NOT NULL THEN
    RETURN;
  END IF;
  PERFORM pg_advisory_xact_lock(hashtext('predictu:price-months'));
  EXECUTE format(
    'CREATE TABLE IF NOT EXISTS %I PARTITION OF trading_pricepoint FOR VALUES FROM (%L) TO (%L)', name,
    to_char(first, 'YYYY-MM-DD') || ' 00:00:00+00', to_char(first + interval '1 month', 'YYYY-MM-DD') || ' 00:00:00+00');
END $$;

CREATE FUNCTION trading_drop_price_months(before date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  found text;
  dropped integer := 0;
BEGIN
  FOR found IN
    SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trading_pricepoint'::regclass
      AND to_date(right(inhrelid::regclass::text, 6), 'YYYYMM') + interval '1 month' <= before
  LOOP
    EXECUTE format('DROP TABLE %I', found);
    dropped := dropped + 1;
  END LOOP;
  RETURN dropped;
END $$;
"""
NO_PRICES = """
DROP FUNCTION trading_drop_price_months(date);
DROP FUNCTION trading_ensure_price_month(date);
DROP TABLE trading_pricepoint;
"""
SEARCH = """
CREATE INDEX market_words ON trading_market USING gin (to_tsvector('english', title || ' ' || description));
"""
NO_SEARCH = "DROP INDEX market_words;"


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0003_monthly_revenue"),
    ]

    operations = [
        migrations.AddField(
            model_name="market",
            name="asked_at",
            field=models.DateTimeField(help_text="When the source was last asked for it by name.", null=True),
        ),
        migrations.AddField(
            model_name="market",
            name="history_read_at",
            field=models.DateTimeField(help_text="When the source's price history was taken over.", null=True),
        ),
        migrations.AddField(
            model_name="market",
            name="source_active",
            field=models.BooleanField(default=True, help_text="The source lists it as active and not archived."),
        ),
        migrations.AddField(
            model_name="market",
            name="waiting_for",
            field=models.CharField(blank=True, help_text="Why a closed market is not final.", max_length=24),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(PRICES, NO_PRICES)],
            state_operations=[
                migrations.CreateModel(
                    name="PricePoint",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "market_id", "at", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("at", models.DateTimeField()),
                        ("yes_mid", predictu.fields.PriceField()),
                        (
                            "market",
                            models.ForeignKey(
                                db_index=False,
                                on_delete=django.db.models.deletion.PROTECT,
                                related_name="+",
                                to="trading.market",
                            ),
                        ),
                    ],
                    options={
                        "ordering": ["market_id", "at"],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="SyncRun",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16)),
                (
                    "status",
                    models.CharField(
                        choices=[("running", "Running"), ("finished", "Finished"), ("failed", "Failed")],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("cursor", models.TextField(blank=True)),
                ("pages", models.PositiveIntegerField(default=0)),
                ("seen", models.PositiveIntegerField(default=0)),
                ("new", models.PositiveIntegerField(default=0)),
                ("changed", models.PositiveIntegerField(default=0)),
                ("resolved", models.PositiveIntegerField(default=0)),
                ("skipped", models.JSONField(default=dict, help_text="How many rows were left out, by reason.")),
                (
                    "skips",
                    models.JSONField(default=list, help_text="The first rows left out, with what is wrong with each."),
                ),
                ("error", models.TextField(blank=True)),
                ("started_at", models.DateTimeField()),
                ("alive_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "running")), fields=("kind",), name="sync_one_running"
                    )
                ],
            },
        ),
        migrations.AlterField(
            model_name="market",
            name="resolution_source",
            field=models.CharField(
                blank=True,
                choices=[("polymarket_uma", "Polymarket Uma"), ("staff", "Staff"), ("correction", "Correction")],
                max_length=16,
            ),
        ),
        migrations.RunSQL(SEARCH, NO_SEARCH),
    ]
