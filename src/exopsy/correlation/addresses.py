"""A client address as logged -> what kind of place it is: loopback, private, trusted, hub, network."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from typing import NamedTuple

from exopsy.schema.pivot import Hub

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Place(NamedTuple):
    """One address, judged once."""

    address: str
    """Normalised: no port, no zone, no IPv4-in-IPv6; what is no address stays as logged."""
    network: str
    """/24 or /64: the neighbourhood in which two addresses may be one person."""
    is_local: bool
    """Loopback or link-local: the host itself."""
    is_private: bool
    is_trusted: bool
    is_hub: bool


def read_address(text: str) -> IPAddress | None:
    """Read an address with or without port, brackets and zone; None if it is none."""
    text = text.strip().split(",", 1)[0]
    if text.startswith("["):
        text = text[1:].split("]", 1)[0]
    elif text.count(":") == 1:
        text = text.split(":", 1)[0]
    try:
        address = ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


class Places:
    """Judges addresses, each once."""

    def __init__(self, trusted: Collection[str] = (), hubs: Sequence[Hub] = ()) -> None:
        self._known: dict[str, Place] = {}
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        for text in sorted(trusted):
            try:
                self._networks.append(ipaddress.ip_network(text.strip(), strict=False))
            except ValueError:
                continue
        self._hubs = {_plain(hub.key.value) for hub in hubs if hub.key.kind == "address"}

    def read(self, client: str) -> Place:
        """Judge an address as logged ("" gives a place without address)."""
        place = self._known.get(client)
        if place is None:
            place = self._known[client] = self._judge(client)
        return place

    def _judge(self, client: str) -> Place:
        address = read_address(client)
        if address is None:
            text = client.strip()
            text = "" if text == "-" else text
            return Place(text, text, False, False, False, text in self._hubs)
        size = 24 if address.version == 4 else 64
        return Place(
            address=str(address),
            network=str(ipaddress.ip_network(f"{address}/{size}", strict=False)),
            is_local=address.is_loopback or (address.version == 6 and address.is_link_local),
            is_private=address.is_private,
            is_trusted=any(address in network for network in self._networks),
            is_hub=str(address) in self._hubs,
        )


def _plain(text: str) -> str:
    address = read_address(text)
    return text if address is None else str(address)
