import socket

import pytest

from predictu.local.place import LocalError, Place
from predictu.local.run import Configuration, run
from predictu.local.services import Services

EXTERNAL = {"DATABASE_URL": "postgresql://db/predictu", "REDIS_URL": "redis://cache/0"}


@pytest.fixture
def place(tmp_path):
    place = Place(data=tmp_path / "data")
    place.prepare()
    yield place
    Services.wanted(place, {}).wipe()


@pytest.fixture
def configure(place):
    def read(**environ):
        environ = EXTERNAL | environ
        return Configuration.read(place, environ, Services.wanted(place, environ), port=8000)

    return read


def test_a_port_in_use_is_said_before_anything_starts(place):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(LocalError, match=f"port {port} is in use.*PORT={port + 1} make run"):
            run(place, {"PORT": str(port)})
    assert not (place.data / "postgres").exists()


def test_a_port_that_is_no_number_is_said(place):
    with pytest.raises(LocalError, match="PORT"):
        run(place, {"PORT": "http"})


def test_production_is_refused(place):
    with pytest.raises(LocalError, match="for development"):
        run(place, {"PREDICTU_ENV": "production"})


def test_demo_mode_points_the_platform_at_its_own_servers(configure, place):
    found = configure()
    assert found.environment["PREDICTU_DEMO"] == "1"
    assert found.environment["PREDICTU_GAMMA_URL"] == f"http://127.0.0.1:{found.feed_port}"
    assert found.environment["PREDICTU_CLOB_URL"] == f"http://127.0.0.1:{found.feed_port}"
    assert found.environment["PREDICTU_DEMO_OPERATOR_URL"] == f"https://127.0.0.1:{found.operator_port}"
    assert found.environment["PREDICTU_CALLBACK_ALLOW_LOOPBACK"] == "1"
    assert found.environment["DEMO_KEYS_FILE"] == str(place.data / "demo-keys.json")
    assert configure().operator_port == found.operator_port


def test_a_real_feed_that_is_named_is_kept(configure):
    found = configure(PREDICTU_GAMMA_URL="https://gamma.example")
    assert found.feed_port is None
    assert found.environment["PREDICTU_GAMMA_URL"] == "https://gamma.example"


def test_an_empty_platform_has_none_of_the_demo(configure):
    found = configure(PREDICTU_DEMO="0")
    assert found.environment["PREDICTU_DEMO"] == "0"
    assert (found.feed_port, found.operator_port) == (None, None)
    assert not {"PREDICTU_GAMMA_URL", "PREDICTU_CALLBACK_ALLOW_LOOPBACK", "DEMO_KEYS_FILE"} & set(found.environment)


def test_only_the_preparation_learns_the_admins_password(configure):
    found = configure(PREDICTU_ADMIN_EMAIL="ops@example.com", PREDICTU_ADMIN_PASSWORD="given")
    assert "PREDICTU_ADMIN_PASSWORD" not in found.environment
    assert found.admin == {"PREDICTU_ADMIN_EMAIL": "ops@example.com", "PREDICTU_ADMIN_PASSWORD": "given"}


def test_a_demo_port_that_is_taken_is_passed_over(configure):
    wanted = configure().operator_port
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", wanted))
        listener.listen()
        assert configure().operator_port not in (wanted, configure().feed_port)
