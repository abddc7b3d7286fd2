import pytest

from operators.http import Transport
from tests.loopback import Authority, serving


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def tls(authority):
    """A server's TLS with a good certificate for localhost, 127.0.0.1 and ::1."""
    return authority.context()


@pytest.fixture
def transport(authority):
    transport = Transport(allow_loopback=True, ca_files=[authority.file])
    yield transport
    transport.close()


@pytest.fixture
def serve(tls):
    """Start a server that answers with ``handler``; all are stopped at the test's end."""
    running = []

    def start(handler, context=tls):
        manager = serving(handler, context)
        running.append(manager)
        return manager.__enter__()

    yield start
    for manager in running:
        manager.__exit__(None, None, None)


@pytest.fixture
def callbacks_open(settings, authority):
    """Callbacks may go to this machine, and the test's authority is believed."""
    settings.PREDICTU_CALLBACK_ALLOW_LOOPBACK = True
    settings.PREDICTU_CALLBACK_CA_BUNDLE = authority.file
