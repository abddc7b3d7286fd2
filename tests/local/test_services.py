"""The embedded services, on a data directory of their own: started, killed, started again."""

import os
import signal

import psycopg
import pytest
from redis import Redis

from predictu.local import processes
from predictu.local.place import LocalError, Place
from predictu.local.services import Services


@pytest.fixture
def services(tmp_path):
    wanted = Services.wanted(Place(data=tmp_path / "data"), {}, disposable=True)
    yield wanted
    wanted.wipe()


def pid_of(services):
    return int((services.postgres.cluster / "postmaster.pid").read_text().splitlines()[0])


def query(services, statement):
    with psycopg.connect(services.environment["DATABASE_URL"]) as connection:
        return connection.execute(statement).fetchone()


def test_data_survives_a_stop_and_a_kill(services):
    services.start()
    with psycopg.connect(services.environment["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    services.stop()
    assert not services.postgres.accepting()
    assert not services.redis.accepting()

    services.start()
    assert query(services, "SELECT number FROM kept") == (7,)
    os.kill(pid_of(services), signal.SIGKILL)
    services.start()
    assert query(services, "SELECT number FROM kept") == (7,)


def test_starting_twice_keeps_the_running_servers(services):
    services.start()
    first = pid_of(services)
    services.start()
    assert pid_of(services) == first


def test_a_pid_file_whose_number_belongs_to_another_program_is_no_obstacle(services):
    services.start()
    services.stop()
    stale = services.postgres.cluster / "postmaster.pid"
    stale.write_text(f"{os.getpid()}\n{services.postgres.cluster}\n0\n5432\n\n\n\n")
    services.start()
    assert pid_of(services) != os.getpid()
    assert query(services, "SELECT 1") == (1,)


def test_a_killed_redis_comes_back(services):
    services.start()
    os.kill(int((services.place.data / "redis" / "redis.pid").read_text()), signal.SIGKILL)
    services.start()
    with Redis.from_url(services.environment["REDIS_URL"]) as client:
        assert client.ping()


def test_what_has_died_is_named_and_started_again(services):
    services.start()
    assert services.revive() == []
    os.kill(pid_of(services), signal.SIGKILL)
    os.kill(int((services.place.data / "redis" / "redis.pid").read_text()), signal.SIGKILL)
    assert processes.wait_until(lambda: not services.postgres.running and not services.redis.running, seconds=10)
    assert services.revive() == ["Postgres", "Redis"]
    assert query(services, "SELECT 1") == (1,)
    assert services.redis.accepting()


def test_the_last_borrower_stops_the_services(services):
    other = Services.wanted(services.place, {}, disposable=True)
    with services.borrowed():
        with other.borrowed():
            pid = pid_of(services)
        assert processes.alive(pid)
        assert services.redis.accepting()
    assert not processes.alive(pid)
    assert not services.redis.accepting()
    assert not services.place.sockets.exists()


def test_wiping_leaves_nothing(services):
    services.start()
    cluster = services.postgres.cluster
    services.wipe()
    assert not cluster.exists()
    assert not services.place.data.exists()
    assert not services.place.sockets.exists()
    services.place.prepare()


def test_two_places_share_nothing(tmp_path):
    first, second = Place(data=tmp_path / "a"), Place(data=tmp_path / "b")
    assert first.sockets != second.sockets
    assert len(str(first.sockets / "pg" / ".s.PGSQL.5432")) < 60


def test_a_place_made_anew_is_another_place(tmp_path):
    before = Place(data=tmp_path / "a").key
    assert Place(data=tmp_path / "a").key == before
    (tmp_path / "a" / "instance").unlink()
    assert Place(data=tmp_path / "a").key != before


def test_urls_of_the_environment_leave_nothing_to_start(tmp_path):
    urls = {"DATABASE_URL": "postgresql://db/predictu", "REDIS_URL": "redis://cache/0"}
    services = Services.wanted(Place(data=tmp_path / "data"), urls)
    services.start()
    assert services.environment == {}
    assert not (tmp_path / "data" / "postgres").exists()
    services.stop()


def test_a_socket_directory_of_somebody_else_is_refused(tmp_path):
    place = Place(data=tmp_path / "data")
    place.sockets.mkdir(mode=0o700)
    place.sockets.chmod(0o777)
    with pytest.raises(LocalError, match="only this user"):
        place.prepare()
    place.sockets.rmdir()


def test_a_cluster_of_another_version_is_not_touched(services):
    services.place.prepare()
    services.postgres.cluster.mkdir(parents=True)
    (services.postgres.cluster / "PG_VERSION").write_text("16\n")
    with pytest.raises(LocalError, match="of PostgreSQL 16"):
        services.start()
    assert [path.name for path in services.postgres.cluster.iterdir()] == ["PG_VERSION"]


def test_the_server_listens_on_no_port_and_logs_no_values(services):
    services.start()
    assert query(services, "SHOW listen_addresses") == ("",)
    with psycopg.connect(services.environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE people (email text UNIQUE)")
        connection.execute("INSERT INTO people VALUES ('someone@example.com')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES ('someone@example.com')")
    log = services.postgres.log.read_text()
    assert "duplicate key" in log
    assert "someone@example.com" not in log
