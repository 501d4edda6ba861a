"""A made-up Exchange server: its names, builds, people and the addresses that reach it.

Outside addresses are RFC 5737 and 2001:db8::/32; inside ones are private. Every address is handed
out once, so that nobody innocent shares one with an operator by accident.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

INNOCENT = ("198.51.100.", "192.0.2.")
OFFICE = "198.51.100.9"
"""Many people of a branch behind one address: a key that joins nobody."""
ROLES = "finance legal hr board sales support press warehouse projects büro".split()
OUTLOOKS = (
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.4266; Pro)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.13127; Pro)",
    "Microsoft Office/15.0 (Windows NT 6.1; Microsoft Outlook 15.0.5267; Pro)",
    "MacOutlook/16.43.20110804 (Intelx64 Mac OS X 10.15.7 (Build 19H2))",
)
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/88.0.4324.182 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:85.0) Gecko/20100101 Firefox/85.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/14.0.3 Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
)
PHONES = (
    ("Apple-iPhone12C1/1804.40", "iPhone"),
    ("Outlook-iOS-Android/1.0", "Outlook"),
    ("Android-SAMSUNG-SM-G973F/101.110", "SAMSUNGSMG973F"),
)


def guid(rng: random.Random) -> str:
    """Return a random GUID in lower case."""
    h = f"{rng.getrandbits(128):032x}"
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


@dataclass(frozen=True)
class Build:
    """An Exchange build in the spellings that logs use."""

    text: str

    @property
    def parts(self) -> tuple[str, str, str, str]:
        """Major, minor, build, revision."""
        major, minor, build, revision = self.text.split(".")
        return major, minor, build, revision

    @property
    def padded(self) -> str:
        """``15.01.2106.002``, as in headers."""
        major, minor, build, revision = self.parts
        return f"{major}.{int(minor):02}.{build}.{int(revision):03}"

    @property
    def update(self) -> str:
        """``15.1.2106``: the folder of static OWA files."""
        return self.text.rpartition(".")[0]


@dataclass(frozen=True)
class Person:
    """A mailbox user (or service) with stable machines."""

    login: str
    sid: str
    mailbox: str
    address: str
    outlook: str
    browser: str
    phone: tuple[str, str]
    device: str

    @property
    def smtp(self) -> str:
        """Their mail address."""
        return f"{self.login}@example.com"


class AddressPool:
    """Hands out addresses, each once."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._innocent = [f"{p}{n}" for p in INNOCENT for n in range(10, 120)]
        self._hostile = [f"203.0.113.{n}" for n in range(2, 180)]
        self._hostile += [f"192.0.2.{n}" for n in range(130, 250)]
        self._pairs = [f"198.51.100.{n}" for n in range(130, 250)]
        for pool in (self._innocent, self._hostile, self._pairs):
            rng.shuffle(pool)

    def person(self) -> str:
        """An inside address, or one of the road."""
        if self._rng.random() < 0.75 or not self._innocent:
            return f"10.20.{self._rng.randrange(16, 32)}.{self._rng.randrange(1, 255)}"
        return OFFICE if self._rng.random() < 0.3 else self._innocent.pop()

    def stranger(self) -> str:
        """An address of somebody on the internet who is no user."""
        if self._rng.random() < 0.2 or not self._hostile:
            r = self._rng
            return f"2001:db8:{r.randrange(1, 0xFFFF):x}:{r.randrange(1, 0xFFFF):x}::{r.randrange(2, 0xFFF):x}"
        return self._hostile.pop()

    def neighbours(self) -> tuple[str, str]:
        """Two addresses in one /24."""
        return self._pairs.pop(), self._pairs.pop()


class Server:
    """The host that is examined."""

    netbios = "EXAMPLE"
    forest = "corp.example.com"
    mail_host = "mail.example.com"
    public_address = "192.0.2.1"
    address = "10.20.0.5"
    peer_address = "10.20.0.6"
    balancers = ("10.20.0.250", "10.20.0.251")

    def __init__(self, name: str, rng: random.Random, people: int) -> None:
        self.name = name
        self.fqdn = f"{name.lower()}.{self.forest}"
        self.addresses = AddressPool(rng)
        self.database = guid(rng)
        self.domain_sid = "S-1-5-21-" + "-".join(
            str(rng.randrange(10**8, 4 * 10**9)) for _ in range(3)
        )
        self.health = [f"HealthMailbox{rng.getrandbits(128):032x}" for _ in range(6)]
        self.people = [
            self._person(rng, f"{ROLES[i % len(ROLES)]}{i:03}", 1100 + i) for i in range(people)
        ]
        self.admin = self._person(rng, "exadmin", 1001)
        self.archive = self._person(rng, "svc-archive", 1002)

    def _person(self, rng: random.Random, login: str, rid: int) -> Person:
        return Person(
            login=login,
            sid=f"{self.domain_sid}-{rid}",
            mailbox=guid(rng),
            address=self.addresses.person(),
            outlook=rng.choice(OUTLOOKS),
            browser=rng.choice(BROWSERS),
            phone=rng.choice(PHONES),
            device=f"{rng.getrandbits(64):016X}",
        )
