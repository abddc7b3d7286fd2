"""``predictu_typeid`` as a procedure of one expression.

As a SQL function it was never inlined, because ``convert_from`` counts as STABLE, and a SQL function that is not
inlined is planned at every call: 30 µs and more for what takes two.
"""

import importlib

from django.db import migrations

_FIRST = importlib.import_module("trading.migrations.0006_settling")


def _group(expression):
    """A ten-bit group of the first form, of bytes that are taken out of the UUID once."""
    return expression.replace("uuid_send(id)", "bytes")


_PAIR = "substring('{}'::bytea FROM 1 + 2 * ({}) FOR 2)"
_BODY = " || ".join(_PAIR.format(_FIRST._PAIRS, _group(group)) for group in _FIRST._groups())

FORWARD = f"""
CREATE OR REPLACE FUNCTION predictu_typeid(prefix text, id uuid) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
  bytes CONSTANT bytea := uuid_send(id);
BEGIN
  RETURN prefix || '_' || convert_from({_BODY}, 'SQL_ASCII');
END $$;
"""
_SLOW = _FIRST.FUNCTIONS.partition("CREATE FUNCTION predictu_uuid7")[0]
BACKWARD = _SLOW.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


class Migration(migrations.Migration):
    dependencies = [("trading", "0012_search")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
