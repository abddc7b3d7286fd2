import psycopg
import pytest
from django.db import connection, transaction

from predictu import prepared
from tests import databases

pytestmark = pytest.mark.committed


def end_our_backend():
    with psycopg.connect(databases.url_of(connection.settings_dict["NAME"]), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])


def test_a_connection_lost_between_requests_is_made_anew_and_one_lost_in_a_transaction_is_told():
    assert prepared.first("SELECT $1::int + 1", (41,)).fetchone() == (42,)
    before = connection.connection.info.backend_pid
    end_our_backend()
    assert prepared.first("SELECT $1::int + 1", (41,)).fetchone() == (42,)
    assert connection.connection.info.backend_pid != before
    with pytest.raises(psycopg.OperationalError), transaction.atomic():
        end_our_backend()
        prepared.first("SELECT 1", ())
    connection.close()
    assert prepared.first("SELECT 1", ()).fetchone() == (1,)
