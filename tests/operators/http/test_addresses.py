from ipaddress import ip_address

import pytest

from operators.http.addresses import is_allowed, is_public

PUBLIC = [
    "1.1.1.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "168.63.129.15",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
]

FORBIDDEN = {
    "this network": ["0.0.0.0", "0.255.255.255"],  # noqa: S104
    "private": ["10.0.0.0", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255"],
    "carrier-grade NAT": ["100.64.0.0", "100.127.255.255"],
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%1", "febf::1"],
    "metadata": ["169.254.169.254", "100.100.100.200", "192.0.0.192", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"],
    "protocol assignments": ["192.0.0.1", "2001:1::1", "2001:1ff:ffff::1"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.42", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255", "2001:2::1"],
    "AS112 and AMT": ["192.31.196.1", "192.52.193.1", "192.175.48.1", "2620:4f:8000::1"],
    "multicast": ["224.0.0.1", "239.255.255.255", "ff02::1", "ff0e::1"],
    "reserved": ["240.0.0.1", "255.255.255.255", "::", "4000::1", "8000::1"],
    "IPv4-mapped": ["::ffff:10.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8"],
    "IPv4-compatible": ["::7f00:1", "::0808:0808"],
    "NAT64": ["64:ff9b::a00:1", "64:ff9b::808:808", "64:ff9b:1::a00:1"],
    "6to4": ["2002:a00:1::1", "2002:808:808::1", "192.88.99.1"],
    "Teredo": ["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
    "unique local": ["fc00::1", "fdff:ffff::1"],
    "site-local": ["fec0::1"],
    "discard-only": ["100::1"],
    "segment routing": ["5f00::1"],
    "a scope on a public address": ["2606:4700:4700::1111%1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address):
    assert is_public(ip_address(address)) is True


@pytest.mark.parametrize("address", [address for family in FORBIDDEN.values() for address in family])
def test_every_forbidden_family_is_shut_out(address):
    assert is_public(ip_address(address)) is False
    assert is_allowed(ip_address(address), allow_loopback=False) is False


def test_opening_loopback_opens_nothing_else():
    opened = {
        address
        for family in FORBIDDEN.values()
        for address in family
        if is_allowed(ip_address(address), allow_loopback=True)
    }
    assert opened == {"127.0.0.1", "127.255.255.254", "::1"}
