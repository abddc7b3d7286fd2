"""A settlement's figures by operator, and TypeIDs and fresh UUIDv7s in SQL for statements that write many rows.

``predictu_typeid`` is ``predictu.ids.encode``: 13 groups of ten bits, each a pair of the alphabet. Pairs are looked up
in bytes because their positions are found at once there; in text they would be counted out.
"""

import django.db.models.deletion
from django.db import migrations, models

import predictu.fields

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = "".join(first + second for first in _ALPHABET for second in _ALPHABET)


def _byte(place):
    return f"get_byte(uuid_send(id), {place})"


def _groups():
    """The ten-bit groups of a UUID; the first holds eight."""
    yield _byte(0)
    for start in (1, 6, 11):
        yield f"({_byte(start)} << 2) | ({_byte(start + 1)} >> 6)"
        yield f"(({_byte(start + 1)} & 63) << 4) | ({_byte(start + 2)} >> 4)"
        yield f"(({_byte(start + 2)} & 15) << 6) | ({_byte(start + 3)} >> 2)"
        yield f"(({_byte(start + 3)} & 3) << 8) | {_byte(start + 4)}"


_BODY = " || ".join(f"substring('{_PAIRS}'::bytea FROM 1 + 2 * ({group}) FOR 2)" for group in _groups())

FUNCTIONS = f"""
CREATE FUNCTION predictu_typeid(prefix text, id uuid) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT prefix || '_' || convert_from({_BODY}, 'SQL_ASCII')
$$;

CREATE FUNCTION predictu_uuid7(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE AS $$
  SELECT encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) PLACING
    substring(int8send((extract(epoch FROM at) * 1000)::bigint) FROM 3) FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
$$;
"""  # noqa: S608 words of our own
NO_FUNCTIONS = """
DROP FUNCTION predictu_uuid7(timestamptz);
DROP FUNCTION predictu_typeid(text, uuid);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("operators", "0001_initial"),
        ("trading", "0005_player_revenue"),
    ]

    operations = [
        migrations.RunSQL(FUNCTIONS, NO_FUNCTIONS),
        migrations.AddField(
            model_name="settlement",
            name="tried_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="SettlementPart",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("positions", models.PositiveIntegerField()),
                ("winners", models.PositiveIntegerField()),
                ("losers", models.PositiveIntegerField()),
                ("users", models.PositiveIntegerField()),
                ("payout_usd", predictu.fields.MoneyField()),
                ("loss_usd", predictu.fields.MoneyField()),
                ("basis_usd", predictu.fields.MoneyField()),
                ("refund_usd", predictu.fields.MoneyField()),
                (
                    "operator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="operators.operator",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="parts", to="trading.settlement"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("operator", "settlement"), name="settlement_part_unique")
                ],
            },
        ),
    ]
