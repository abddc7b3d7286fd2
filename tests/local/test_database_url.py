import pytest

from predictu.local.database_url import broker_url, database_from_url


def test_a_socket_directory_becomes_the_host():
    found = database_from_url("postgresql://predictu@/predictu?host=%2Ftmp%2Fpredictu-1%2Fpg")
    assert found == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "predictu",
        "USER": "predictu",
        "PASSWORD": "",
        "HOST": "/tmp/predictu-1/pg",
        "PORT": "",
        "OPTIONS": {},
    }


def test_a_server_with_password_port_and_options():
    found = database_from_url("postgres://app:p%40ss%2F@db.example.com:6432/pre%20dictu?sslmode=require")
    assert found["USER"] == "app"
    assert found["PASSWORD"] == "p@ss/"
    assert found["HOST"] == "db.example.com"
    assert found["PORT"] == "6432"
    assert found["NAME"] == "pre dictu"
    assert found["OPTIONS"] == {"sslmode": "require"}


@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", "mysql://root@localhost/x", ""])
def test_another_database_is_refused(url):
    with pytest.raises(ValueError, match="postgresql://"):
        database_from_url(url)


@pytest.mark.parametrize(
    ("redis_url", "broker"),
    [
        ("redis://cache:6379/3", "redis://cache:6379/3"),
        ("unix:///tmp/predictu-1/redis.sock?db=5", "redis+socket:///tmp/predictu-1/redis.sock?virtual_host=5"),
        ("unix:///tmp/redis.sock", "redis+socket:///tmp/redis.sock?virtual_host=0"),
    ],
)
def test_the_broker_is_the_same_redis(redis_url, broker):
    assert broker_url(redis_url) == broker
