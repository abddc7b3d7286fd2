"""Which addresses an outgoing call may go to. Pure.

The lists follow the IANA special-purpose registries. Python's ``is_global`` is not used: its answer for several of
these blocks has changed between releases.
"""

import functools
import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_FORBIDDEN_V4 = [
    ipaddress.IPv4Network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and one cloud's metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent behind a public-looking address
        "169.254.0.0/16",  # link-local, and most clouds' metadata services
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]

# Of IPv6 only global unicast is allowed. That alone shuts out ::1, IPv4-mapped, IPv4-compatible, NAT64, discard-only,
# segment routing, unique local, link-local, site-local and multicast addresses.
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_FORBIDDEN_V6 = [
    ipaddress.IPv6Network(block)
    for block in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
]

_LOOPBACK = (ipaddress.IPv4Network("127.0.0.0/8"), ipaddress.IPv6Network("::1/128"))


@functools.lru_cache(maxsize=4096)
def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet and to nothing that leads back inside."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in block for block in _FORBIDDEN_V4)
    if address.scope_id is not None or address not in _GLOBAL_UNICAST:
        return False
    return not any(address in block for block in _FORBIDDEN_V6)


def is_allowed(address: Address, *, allow_loopback: bool) -> bool:
    """Public, or plain loopback where development and tests open it (an IPv4-mapped loopback stays forbidden)."""
    return is_public(address) or (
        allow_loopback and any(address in block for block in _LOOPBACK if block.version == address.version)
    )
