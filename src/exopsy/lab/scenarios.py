"""The scenarios that the lab can make, by name, with a line for the command line."""

from __future__ import annotations

from datetime import date

import msgspec


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """What kind of server-life is to be made."""

    name: str
    title: str
    start: date
    """The first day when the caller names none."""
    build: str
    """Exchange build at the start, as ``15.1.2106.2``."""
    chain: str = ""
    """The chain that is carried out (or refused); empty when none."""
    is_intrusion: bool = True
    patched_to: str = ""
    """Build after the patch, when one falls into the time covered."""
    min_days: int = 1
    background: tuple[str, ...] = ()
    """Chains that mass scanners try here without any effect."""


SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="quiet",
        title="no attack: users, health probes, harmless internet background",
        start=date(2021, 2, 20),
        build="15.1.2106.2",
        is_intrusion=False,
    ),
    Scenario(
        name="scanned-only",
        title="many mass scanners, every attempt refused or unanswered",
        start=date(2021, 8, 20),
        build="15.1.2242.12",
        is_intrusion=False,
        background=("proxylogon", "proxyshell"),
    ),
    Scenario(
        name="proxylogon",
        title="ProxyLogon, one planter, other users and probers of the same shell",
        start=date(2021, 2, 27),
        build="15.1.2106.2",
        chain="proxylogon",
    ),
    Scenario(
        name="proxyshell",
        title="ProxyShell: mailbox export written as a page, then shell use",
        start=date(2021, 8, 10),
        build="15.1.2242.4",
        chain="proxyshell",
        background=("proxylogon", "proxyshell"),
    ),
    Scenario(
        name="proxynotshell",
        title="ProxyNotShell: a mailbox user's login, then shell use",
        start=date(2022, 9, 1),
        build="15.1.2507.12",
        chain="proxynotshell",
        background=("proxylogon", "proxyshell"),
    ),
    Scenario(
        name="owassrf",
        title="OWASSRF: remote PowerShell through OWA, role grant and mailbox export",
        start=date(2022, 12, 1),
        build="15.1.2507.12",
        chain="owassrf",
        background=("proxylogon", "proxyshell"),
    ),
    Scenario(
        name="rotated",
        title="the ProxyLogon intrusion with every log of its first day gone; shell use remains",
        start=date(2021, 2, 27),
        build="15.1.2106.2",
        chain="proxylogon",
        min_days=2,
    ),
    Scenario(
        name="patched-before-attack",
        title="ProxyLogon tried on a server that had been patched the day before or earlier",
        start=date(2021, 3, 2),
        build="15.1.2106.2",
        chain="proxylogon",
        is_intrusion=False,
        patched_to="15.1.2106.13",
        min_days=2,
        background=("proxylogon",),
    ),
)


def find_scenario(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises:
        ValueError: there is none; the message lists those there are.
    """
    for scenario in SCENARIOS:
        if scenario.name == name:
            return scenario
    known = ", ".join(s.name for s in SCENARIOS)
    raise ValueError(f"there is no lab scenario {name!r}; there are: {known}")
