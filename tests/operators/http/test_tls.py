"""Every TLS failure comes from a server that really has that fault."""

import datetime
import socket
import ssl
import threading

import pytest

from operators.http import OutboundError, Transport
from tests.loopback import Authority, answer

YESTERDAY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=1)
LONG_AGO = YESTERDAY - datetime.timedelta(days=100)
TOMORROW = YESTERDAY + datetime.timedelta(days=2)
MUCH_LATER = TOMORROW + datetime.timedelta(days=100)


def failure(transport, url) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        transport.post(url, b"{}", {}, 10_000)
    assert caught.value.code == "TLS_ERROR"
    assert caught.value.phases_ms["connect"] is not None
    assert caught.value.phases_ms["tls"] is None
    return caught.value


def self_signed(folder) -> ssl.SSLContext:
    """An authority's own certificate, which no server should show."""
    authority = Authority(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (folder / "self.pem").write_bytes(authority.ca.private_key_pem.bytes() + authority.ca.cert_pem.bytes())
    context.load_cert_chain(folder / "self.pem")
    return context


def expecting_a_client_certificate(authority) -> ssl.SSLContext:
    context = authority.context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def outdated(authority) -> ssl.SSLContext:
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")  # one server offers only what is outdated
@pytest.mark.parametrize(
    ("make_context", "cause", "message"),
    [
        pytest.param(
            lambda authority, folder: authority.context(not_before=LONG_AGO, not_after=YESTERDAY),
            "certificate_expired",
            "The server's certificate has expired",
            id="expired",
        ),
        pytest.param(
            lambda authority, folder: authority.context(not_before=TOMORROW, not_after=MUCH_LATER),
            "certificate_not_yet_valid",
            "The server's certificate is not valid yet",
            id="not yet valid",
        ),
        pytest.param(
            lambda authority, folder: self_signed(folder),
            "certificate_self_signed",
            "The server's certificate is self-signed",
            id="self-signed",
        ),
        pytest.param(
            lambda authority, folder: Authority(folder).context(),
            "certificate_issuer",
            "The server's certificate comes from an authority that is not trusted",
            id="unknown authority",
        ),
        pytest.param(
            lambda authority, folder: authority.context("other.example"),
            "certificate_host",
            "The server's certificate is for another host name",
            id="wrong host",
        ),
        pytest.param(
            lambda authority, folder: outdated(authority),
            "handshake",
            "The TLS handshake failed",
            id="TLS 1.1",
        ),
        pytest.param(
            lambda authority, folder: expecting_a_client_certificate(authority),
            "handshake",
            "The TLS handshake failed",
            id="client certificate wanted",
        ),
    ],
)
def test_a_faulty_server_gets_no_request(transport, serve, authority, tmp_path, make_context, cause, message):
    server = serve(lambda request, sock: answer(), make_context(authority, tmp_path))
    error = failure(transport, server.url())
    assert (error.cause, error.message) == (cause, message)
    assert server.received == []


def test_a_certificate_for_a_name_does_not_serve_an_address(transport, serve, authority):
    server = serve(lambda request, sock: answer(), authority.context("localhost"))
    assert failure(transport, server.url(host="127.0.0.1")).cause == "certificate_host"


@pytest.mark.parametrize(
    ("reply", "cause", "message"),
    [
        pytest.param(answer(400), "not_tls", "The server does not speak TLS on this port", id="plain HTTP"),
        pytest.param(b"", "handshake_closed", "The server closed the connection during the TLS handshake", id="close"),
    ],
)
def test_a_server_without_tls(transport, reply, cause, message):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse():
            with listener.accept()[0] as sock:
                sock.recv(4096)
                sock.sendall(reply)

        threading.Thread(target=refuse, daemon=True).start()
        error = failure(transport, f"https://localhost:{listener.getsockname()[1]}/")
    assert (error.cause, error.message) == (cause, message)


def test_without_the_extra_bundle_only_the_systems_authorities_count(serve, tls):
    server = serve(lambda request, sock: answer(), tls)
    assert failure(Transport(allow_loopback=True), server.url()).cause == "certificate_issuer"


def test_several_bundles_are_trusted_side_by_side(serve, authority, tls, tmp_path):
    other = Authority(tmp_path)
    transport = Transport(allow_loopback=True, ca_files=[authority.file, other.file])
    for context in (tls, other.context()):
        assert transport.post(serve(lambda request, sock: answer(), context).url(), b"", {}, 10_000).status == 200


def test_a_missing_bundle_is_noticed_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        Transport(ca_files=[tmp_path / "absent.pem"])


def test_days_left_are_counted_down(transport, serve, authority):
    ends = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=9, hours=12)
    server = serve(lambda request, sock: answer(), authority.context(not_after=ends))
    assert transport.post(server.url(), b"", {}, 10_000).certificate_days_left == 9


def test_the_name_is_sent_to_the_server_and_an_address_is_not(transport, serve, authority):
    asked = []
    context = authority.context()
    context.sni_callback = lambda sock, name, _: asked.append(name)
    server = serve(lambda request, sock: answer(), context)
    for host in ("localhost", "127.0.0.1"):
        transport.post(server.url(host=host), b"", {}, 10_000)
    assert asked == ["localhost", None]
