"""Names, the addresses behind them, and a resolver that cannot be trusted."""

import socket
import threading
import time

import pytest

from operators.http import OutboundError, Transport
from operators.http.call import Call
from operators.http.resolver import MAX_LOOKUPS, Resolver
from tests.loopback import answer
from tests.operators.http.test_addresses import FORBIDDEN

BOUND_S = 20
NAMED = "api.operator.example"


class Names:
    """A resolver under test control: answers in turn, the last one for ever; ``asked`` has every lookup."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, host):
        self.asked.append(host)
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found


@pytest.fixture
def named_tls(authority):
    return authority.context(NAMED)


def failure(transport, url, timeout_ms=10_000) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        transport.post(url, b"{}", {}, timeout_ms)
    return caught.value


@pytest.mark.parametrize("address", [address for family in FORBIDDEN.values() for address in family])
def test_no_name_leads_to_a_forbidden_address(address):
    error = failure(Transport(lookup=Names([address])), f"https://{NAMED}/cb")
    assert (error.code, error.message, error.cause) == (
        "CONNECTION_REFUSED",
        "address is not public",
        "forbidden_address",
    )
    assert error.phases_ms["connect"] is None


def test_one_forbidden_address_among_public_ones_is_enough(authority, serve, named_tls):
    server = serve(lambda request, sock: answer(), named_tls)
    for addresses in (["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::ffff:127.0.0.1"]):
        transport = Transport(allow_loopback=True, ca_files=[authority.file], lookup=Names(addresses))
        assert failure(transport, server.url(host=NAMED)).message == "address is not public"
    assert server.connections == 0


def test_loopback_is_closed_unless_opened(serve):
    server = serve(lambda request, sock: answer())
    for host in ("localhost", "127.0.0.1"):
        assert failure(Transport(), server.url(host=host)).message == "address is not public"
    assert server.connections == 0


def test_a_rebinding_name_cannot_swap_the_address_between_check_and_connection(authority, serve, named_tls):
    """A resolver that names a good address once and the metadata service from then on."""
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    server = serve(lambda request, sock: answer(), named_tls)
    transport = Transport(allow_loopback=True, ca_files=[authority.file], lookup=names, resolve_every_s=0)

    response = transport.post(server.url(host=NAMED), b"{}", {}, 10_000)
    assert (response.status, response.ip, names.asked) == (200, "127.0.0.1", [NAMED])
    assert server.received[0].headers["host"] == f"{NAMED}:{server.port}"

    error = failure(transport, server.url(host=NAMED))
    assert (error.message, error.ip) == ("address is not public", "169.254.169.254")
    assert (server.connections, len(server.received)) == (1, 1)


def test_a_kept_connection_ends_when_its_address_is_no_longer_named(authority, serve, named_tls):
    names = Names(["127.0.0.1"], ["127.0.0.1"], ["127.0.0.2"])
    server = serve(lambda request, sock: answer(), named_tls)
    transport = Transport(allow_loopback=True, ca_files=[authority.file], lookup=names, resolve_every_s=0)
    assert transport.post(server.url(host=NAMED), b"{}", {}, 10_000).reused is False
    assert transport.post(server.url(host=NAMED), b"{}", {}, 10_000).reused is True
    # The server listens on 127.0.0.1 alone: reaching it would mean the old connection was used.
    assert failure(transport, server.url(host=NAMED)).cause == "refused"


def test_addresses_are_tried_in_turn(authority, serve, named_tls):
    names = Names(["::1", "127.0.0.2", "127.0.0.1"])
    server = serve(lambda request, sock: answer(), named_tls)
    transport = Transport(allow_loopback=True, ca_files=[authority.file], lookup=names)
    assert transport.post(server.url(host=NAMED), b"{}", {}, 10_000).ip == "127.0.0.1"


def test_international_names_are_asked_for_in_ascii():
    names = Names(["10.0.0.1"])
    failure(Transport(lookup=names), "https://BÜCHER.example/cb")
    assert names.asked == ["xn--bcher-kva.example"]


def test_literal_addresses_are_not_looked_up():
    names = Names(["8.8.8.8"])
    assert failure(Transport(lookup=names), "https://[::ffff:10.0.0.1]/").message == "address is not public"
    assert failure(Transport(lookup=names), "https://192.168.0.1/").message == "address is not public"
    assert names.asked == []


def test_the_systems_own_resolver_does_not_know_the_invalid_domain():
    error = failure(Transport(), "https://no-such-host.invalid/cb", 10_000)
    assert error.code == "DNS_RESOLUTION_FAILED"
    assert (error.ip, set(error.phases_ms.values())) == (None, {None})


@pytest.mark.parametrize(
    ("found", "cause", "message"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "unknown_name", "The host name could not be resolved"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "no_answer", "The name server did not answer for the host name"),
        (UnicodeError("x"), "unknown_name", "The host name could not be resolved"),
        ([], "unknown_name", "The host name could not be resolved"),
        (["not an address"], "unknown_name", "The host name could not be resolved"),
    ],
)
def test_a_name_that_does_not_resolve(found, cause, message):
    names = Names(found)
    transport = Transport(lookup=names)
    for _ in range(2):  # failures are not remembered
        error = failure(transport, f"https://{NAMED}/cb")
        assert (error.code, error.cause, error.message) == ("DNS_RESOLUTION_FAILED", cause, message)
    assert len(names.asked) == 2


def test_time_running_out_while_resolving_is_a_resolution_failure():
    answered = threading.Event()

    def slow(host):
        answered.wait(BOUND_S)
        return ["10.0.0.1"]

    began = time.monotonic()
    error = failure(Transport(lookup=slow), f"https://{NAMED}/cb", 200)
    assert time.monotonic() - began < BOUND_S
    answered.set()
    assert (error.code, error.cause) == ("DNS_RESOLUTION_FAILED", "timeout")
    assert error.message == "The host name was not resolved within 200ms"
    assert error.latency_ms == 200


def test_an_answer_is_kept_for_its_time():
    names = Names(["8.8.8.8"])
    resolver = Resolver(names)
    first = resolver.resolve(NAMED, Call(1000))
    assert [str(address) for address in first] == ["8.8.8.8"]
    assert resolver.resolve(NAMED, Call(1000)) == first
    assert names.asked == [NAMED]

    impatient = Resolver(names, max_age_s=0)
    for _ in range(2):
        impatient.resolve(NAMED, Call(1000))
    assert len(names.asked) == 3


def test_a_late_answer_serves_the_next_caller():
    answered = threading.Event()
    names = Names(["8.8.8.8"])

    def slow(host):
        found = names(host)
        answered.wait(BOUND_S)
        return found

    resolver = Resolver(slow)
    with pytest.raises(OutboundError):
        resolver.resolve(NAMED, Call(50))
    answered.set()
    assert [str(address) for address in resolver.resolve(NAMED, Call(10_000))] == ["8.8.8.8"]
    assert names.asked == [NAMED]


def test_waiting_callers_share_one_lookup_and_dead_names_do_not_pile_up_threads():
    released = threading.Event()
    running = []

    def dead(host):
        running.append(host)
        released.wait(BOUND_S)
        return []

    resolver = Resolver(dead)

    def ask(host):
        with pytest.raises(OutboundError, match="DNS_RESOLUTION_FAILED"):
            resolver.resolve(host, Call(1000))

    hosts = ["same.example"] * 20 + [f"host-{number}.example" for number in range(MAX_LOOKUPS + 8)]
    threads = [threading.Thread(target=ask, args=(host,)) for host in hosts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert not any(thread.is_alive() for thread in threads)
    assert running.count("same.example") == 1
    assert len(running) == MAX_LOOKUPS
    released.set()
