"""Rules from outside on web requests: path and query as one field, found by the sieve as plainly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import sieve_law as law
import yaml

from exopsy.detection.foreign import ForeignReader
from exopsy.detection.repository import known_log_sources
from exopsy.detection.rule import Rule
from exopsy.evidence import registry
from exopsy.pipeline.sieving import LogSieve

DETECTIONS = r"""
- {s: {cs-uri-query|contains: '/probe.aspx?cmd='}, condition: s}
- {s: {c-uri|endswith: ['/end.aspx?x=1', '/alone.aspx']}, condition: s}
- {s: {cs-uri-query|contains|all: ['/two/', 'words here']}, condition: s}
- {s: {cs-uri-query|startswith: '/start/', cs-method: POST}, condition: s}
- {s: {c-uri|re: '/re\d+\.aspx\?a=(one|two)'}, condition: s}
- {k: ['/key.aspx?word', 'tail?of it'], condition: k}
"""
HEADER = "#Fields: date time s-ip cs-method {} s-port cs-username c-ip cs(User-Agent) sc-status"
PAIRS = [
    ("/probe.aspx", "cmd=1"), ("/Probe.ASPX", "CMD=x"), ("/probe.aspx", "-"), ("/a", "/probe.aspx?cmd="),
    ("/x/end.aspx", "x=1"), ("/alone.aspx", "-"), ("/alone.aspx", "a"), ("/two/", "words+here"),
    ("/two/x", "q=words%20here"), ("/start/", "-"), ("/re12.aspx", "a=two"), ("/re12.aspx", "b=two"),
    ("/key.aspx", "word"), ("/x/tail", "of+it"), ("/key.aspx", "-"), ("/", "-"),
]  # fmt: skip


def rules() -> list[Rule]:
    reader = ForeignReader(Path(), known_log_sources(registry.FORMATS), {})
    return [
        reader._made(
            {"title": f"{n}", "logsource": {"category": "webserver"}, "detection": detection},
            f"{n}.yml",
            f"{n}.yml",
        )
        for n, detection in enumerate(yaml.safe_load(DETECTIONS))
    ]


def log_of(chance: random.Random) -> bytes:
    swapped = chance.random() < 0.3
    lines = [HEADER.format("cs-uri-query cs-uri-stem" if swapped else "cs-uri-stem cs-uri-query")]
    for number in range(60):
        stem, query = chance.choice(PAIRS)
        pair = f"{query} {stem}" if swapped else f"{stem} {query}"
        method = chance.choice(["GET", "POST"])
        lines.append(
            f"2021-03-03 04:11:{number:02} 10.0.0.5 {method} {pair} 443 - 192.0.2.1 agent 200"
        )
    data = "\r\n".join(lines).encode() + b"\r\n"
    if chance.random() < 0.5:
        head, _, rest = data.partition(b"\n")
        data = head + b"\n" + law.escape_some(rest, chance, "iis-w3c")
    return data


@pytest.mark.parametrize("seed", range(25))
def test_the_sieve_finds_joined_values(seed: int) -> None:
    sieve = LogSieve(registry.spec_of("iis-w3c"), rules(), {}, hot=frozenset(), reference=None)
    assert law.check(log_of(random.Random(seed)), sieve) > 5


def test_each_rule_matches_something() -> None:
    sieve = LogSieve(registry.spec_of("iis-w3c"), rules(), {}, hot=frozenset(), reference=None)
    found = {
        hit.rule
        for seed in range(5)
        for hit in law.plain(log_of(random.Random(seed)), sieve, law.Limits())
    }
    assert found == {rule.info.id for rule in rules()}
