"""A value as somebody wrote it -> its kind and normal form, or why it is of no use."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from exopsy.detection.indicators.content import Vocabulary
from exopsy.detection.indicators.refang import refang
from exopsy.schema.indicator import HASHES, Kind

MOST_CHARACTERS = 4_096
_QUAD = re.compile(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?::\d{1,5})?")
_SIX = re.compile(r"\[?([0-9A-Fa-f:]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)(?:%\w+)?(?:\](?::\d{1,5})?)?")
_NETWORK = re.compile(r"([0-9A-Fa-f:.]+)/(\d{1,3})")
_HASH = re.compile(r"[0-9A-Fa-f]{32}(?:[0-9A-Fa-f]{8})?(?:[0-9A-Fa-f]{24})?(?:[0-9A-Fa-f]{64})?")
_HASH_KINDS: dict[int, Kind] = {32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_LABEL = r"[a-z0-9_\x80-\U0010ffff](?:[a-z0-9_\x80-\U0010ffff-]{0,61}[a-z0-9_\x80-\U0010ffff])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://")
_EMAIL = re.compile(r"[^\s@/\\:]{1,128}@[^\s@/\\:]+\.[^\s@/\\:]+")
_PATH = re.compile(r"(?:[A-Za-z]:[\\/]|\\\\|/|%\w+%[\\/]|\\)")
_ACCOUNT = re.compile(r"[A-Za-z0-9._-]{1,64}\\[^\\/:*?\"<>|]{1,64}")
_AGENT = re.compile(r"[A-Za-z][\w.+-]*/\d[\w.+-]*(?:[ ;(].*)?|Mozilla/.*")
_WILDCARD = re.compile(r"[*?]")
_PRIVATE_FOUR = [
    (int(network.network_address), int(network.broadcast_address))
    for network in map(
        IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "224.0.0.0/3",
        ),
    )
]
_PRIVATE_SIX = [
    IPv6Network(text) for text in ("::/127", "fe80::/10", "fec0::/10", "fc00::/7", "ff00::/8")
]
_WIDEST = {4: 8, 6: 16}
"""Prefix length below which a network is no indicator any more."""

Sorted = tuple[Kind, str]
"""A kind and a value in its normal form."""


class Unusable(Exception):
    """A value that can't be looked for; the message is the reason, one of ``REASONS``."""


REASONS = {
    "empty": "there is no value",
    "too-long": f"longer than {MOST_CHARACTERS} characters",
    "unknown-kind": "neither its form nor its file says what it is",
    "malformed": "it is not of the kind that its file says",
    "private-address": "addresses of this kind are in use inside every network",
    "network-too-wide": "half of all visitors come from there",
    "single-label": "a name without a dot is no domain",
    "too-general": "it stands in the logs of every server",
    "too-short": "no piece of it is four characters long",
    "wildcard": "wildcards are not looked for",
    "duplicate": "the same file says it twice",
    "not-for-detection": "its event says that it is not for detection (to_ids)",
    "unsupported-type": "the sweep does not look for such things",
    "unsupported-pattern": "it is not written as a STIX pattern",
    "bad-pattern": "its STIX pattern can't be read",
    "bad-entry": "it is not what the format demands there",
    "too-many": "the limit on indicators was reached",
}
"""Reason -> what to tell people. Every entry is taken or counted under one of these."""


class Sorter:
    """Finds kind and normal form of values."""

    def __init__(self, vocabulary: Vocabulary, *, allow_private: bool = False) -> None:
        """Prepare.

        Args:
            vocabulary: of the content.
            allow_private: take private addresses as well.
        """
        self._words = vocabulary
        self._general_kinds = {entry.partition(":")[0] for entry in vocabulary.too_general}
        self._allow_private = allow_private
        self._by_kind: dict[Kind, Callable[[str], Sorted]] = {
            "address": self._address,
            "network": self._address,
            "domain": self._domain,
            "url": self._url,
            "user-agent": self._agent,
            "file-name": self._file_name,
            "path": self._path,
            "email": self._email,
            "account": self._account,
        }

    def sort(self, text: str, kind: Kind | None = None) -> Sorted:
        """Return kind and normal form.

        Args:
            text: the value, defanged or not.
            kind: what its file says; None: to be told by the value.

        Raises:
            Unusable: says why.
        """
        if kind in (None, "address") and (quad := _QUAD.fullmatch(text)):
            return self._quad(quad)  # most of every feed
        value = refang(text.strip().strip("\"'`").strip())
        if not value or "\x00" in value:
            raise Unusable("empty")
        if len(value) > MOST_CHARACTERS:
            raise Unusable("too-long")
        found = self._told(value) if kind is None else self._given(value, kind)
        if found[0] in self._general_kinds and (
            f"{found[0]}:{found[1].lower().replace(chr(92), '/')}" in self._words.too_general
        ):
            raise Unusable("too-general")
        return found

    def hash_kind(self, text: str) -> Kind:
        """Return the kind of a hash by its length.

        Raises:
            Unusable: it has none.
        """
        kind = _HASH_KINDS.get(len(text.strip()))
        if kind is None:
            raise Unusable("malformed")
        return kind

    def _given(self, value: str, kind: Kind) -> Sorted:
        if kind in HASHES:
            size = {"imphash": "md5"}.get(kind, kind)
            if _HASH.fullmatch(value) is None or _HASH_KINDS.get(len(value)) != size:
                raise Unusable("malformed")
            return kind, value.lower()
        if "://" in value and kind in ("domain", "address"):
            return self._url(value)  # tables put URLs into columns of hosts
        if kind == "domain" and _QUAD.fullmatch(value):
            return self._address(value)
        return self._by_kind[kind](value)

    def _told(self, value: str) -> Sorted:
        if _QUAD.fullmatch(value) or ("/" in value and _NETWORK.fullmatch(value)):
            return self._address(value)
        if len(value) in _HASH_KINDS and _HASH.fullmatch(value):
            return _HASH_KINDS[len(value)], value.lower()
        if value.count(":") > 1 and _SIX.fullmatch(value):
            return self._address(value)
        if _SCHEME.match(value):
            return self._url(value)
        if _EMAIL.fullmatch(value):
            return self._email(value)
        if " " not in value and _ACCOUNT.fullmatch(value):
            return self._account(value)
        if _PATH.match(value):
            return self._path(value)
        if _AGENT.fullmatch(value):
            return self._agent(value)
        _, dot, last = value.rpartition(".")
        if dot and last.lower() in self._words.extensions and "/" not in value:
            return self._file_name(value)
        host, slash, _ = value.partition("/")
        if _DOMAIN.fullmatch(host.lower().rstrip(".").removeprefix("*.")):
            return self._url(value) if slash and "." in host else self._domain(value)
        raise Unusable("unknown-kind")

    def _address(self, value: str) -> Sorted:
        if quad := _QUAD.fullmatch(value):
            return self._quad(quad)
        if "/" in value:
            return self._network(value)
        six = _SIX.fullmatch(value)
        try:
            address = IPv6Address(six[1] if six else value)
        except ValueError as error:
            raise Unusable("malformed") from error
        if address.ipv4_mapped is not None:
            return self._four(address.ipv4_mapped)
        if not self._allow_private and any(address in network for network in _PRIVATE_SIX):
            raise Unusable("private-address")
        return "address", str(address)

    def _quad(self, quad: re.Match[str]) -> Sorted:
        a, b, c, d = map(int, quad.groups())
        if a > 255 or b > 255 or c > 255 or d > 255:
            raise Unusable("malformed")
        if a in _ODD:
            return self._four(IPv4Address(bytes((a, b, c, d))))
        return "address", f"{a}.{b}.{c}.{d}"

    def _four(self, address: IPv4Address) -> Sorted:
        number = int(address)
        if not self._allow_private and any(a <= number <= b for a, b in _PRIVATE_FOUR):
            raise Unusable("private-address")
        return "address", str(address)

    def _network(self, value: str) -> Sorted:
        try:
            network = ip_network(value, strict=False)
        except ValueError as error:
            raise Unusable("malformed") from error
        if network.prefixlen == network.max_prefixlen:
            return self._address(str(network.network_address))
        if network.prefixlen < _WIDEST[network.version]:
            raise Unusable("network-too-wide")
        if not self._allow_private and _is_private(network):
            raise Unusable("private-address")
        return "network", str(network)

    def _domain(self, value: str) -> Sorted:
        name = value.lower().rstrip(".").removeprefix("*.").removeprefix(".")
        name, _, port = name.partition(":")
        if not _DOMAIN.fullmatch(name) or len(name) > 253 or (port and not port.isdigit()):
            raise Unusable("malformed")
        if "." not in name:
            raise Unusable("single-label")
        if _QUAD.fullmatch(name):
            return self._address(name)
        if name.rpartition(".")[2].isdigit():
            raise Unusable("malformed")
        return "domain", name

    def _url(self, value: str) -> Sorted:
        if value.startswith("/"):
            return self._path(value)  # a part of one
        rest = _SCHEME.sub("", value, count=1)
        host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
        if not host or " " in host:
            raise Unusable("malformed")
        name = host.partition(":")[0].lower().rstrip(".")
        if "." not in name and not host.startswith("["):
            raise Unusable("single-label")
        if _QUAD.fullmatch(name):
            self._address(name)  # a private one is no use in a URL either
        if rest.rstrip("/") == host and f"domain:{name}" in self._words.too_general:
            raise Unusable("too-general")
        return "url", value

    def _agent(self, value: str) -> Sorted:
        if value in ("-", "*") or not re.search(r"\w", value):
            raise Unusable("empty")
        return "user-agent", value

    def _file_name(self, value: str) -> Sorted:
        if _WILDCARD.search(value):
            raise Unusable("wildcard")
        if "\\" in value or "/" in value:
            return self._path(value)
        return "file-name", value

    def _path(self, value: str) -> Sorted:
        if _WILDCARD.search(value.partition("?")[0] if value.startswith("/") else value):
            raise Unusable("wildcard")
        if not re.search(r"[\\/]", value):
            return self._file_name(value)
        if not value.strip("\\/ "):
            raise Unusable("too-general")
        return "path", value.rstrip("\\/") or value

    def _email(self, value: str) -> Sorted:
        value = value.removeprefix("mailto:").strip("<>")
        if not _EMAIL.fullmatch(value):
            raise Unusable("malformed")
        return "email", value

    def _account(self, value: str) -> Sorted:
        return "account", value


_ODD = frozenset({0, 10, 100, 127, 169, 172, 192, *range(224, 256)})
"""First numbers of private addresses; all others need no closer look."""


def _is_private(network: IPv4Network | IPv6Network) -> bool:
    if isinstance(network, IPv4Network):
        first, last = int(network.network_address), int(network.broadcast_address)
        return any(a <= first and last <= b for a, b in _PRIVATE_FOUR)
    return any(network.subnet_of(private) for private in _PRIVATE_SIX)
