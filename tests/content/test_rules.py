"""The shipped rules can be sieved, and leave innocent traffic alone.

Their lints and their own tests are run by ``test_detections``.
"""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT
from exopsy.core.limits import Limits
from exopsy.evidence import registry
from exopsy.pipeline.blocks import BlockReader
from exopsy.pipeline.bundle import Bundle, load_bundle
from exopsy.pipeline.sieving import ArtifactMatcher, LogSieve
from exopsy.schema.columns import COLUMNS

REFERENCE = sorted(path.stem for path in (CONTENT / "reference").glob("*.txt"))
MOST = 0.005
"""Share of innocent records that may be parsed."""
_W3C_HEADER = (
    b"#Software: Microsoft Internet Information Services 10.0\r\n#Fields: date time s-ip cs-method "
    b"cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status "
    b"sc-substatus sc-win32-status time-taken\r\n"
)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return load_bundle([CONTENT], None)


def sieve_of(bundle: Bundle, log: str) -> LogSieve:
    """Compile a log's rules as a run does."""
    return LogSieve(
        registry.spec_of(log),
        [rule for rule in bundle.loaded.rules.rules if rule.log == log],
        bundle.loaded.rules.lists,
        hot=bundle.hot,
        reference=bundle.innocent.get(log),
    )


def innocent_log(log: str) -> tuple[bytes, int]:
    """Return the sample of innocent records as a log file, and how many they are."""
    text = (CONTENT / "reference" / f"{log}.txt").read_bytes()
    header = _W3C_HEADER
    if COLUMNS[log].csv:
        header = f"#Fields: {','.join(COLUMNS[log].columns)}\r\n".encode()
    return header + text, text.count(b"\n")


def test_every_rule_loads(bundle: Bundle) -> None:
    assert bundle.loaded.errors == ()
    assert len(bundle.loaded.rules.rules) > 90


@pytest.mark.parametrize("log", [spec.name for spec in registry.FORMATS])
def test_every_rule_can_be_sieved(bundle: Bundle, log: str) -> None:
    sieve = sieve_of(bundle, log)
    assert [sieve.matchers[index].rule.at for index in sieve.sieve.unsievable] == []


@pytest.mark.parametrize("log", REFERENCE)
def test_innocent_records_are_hardly_ever_parsed(bundle: Bundle, log: str) -> None:
    data, records = innocent_log(log)
    assert records >= 400
    matcher = ArtifactMatcher(sieve_of(bundle, log), artifact="innocent", limits=Limits())
    reader = BlockReader(io.BytesIO(data), len, record_bytes=Limits().record_bytes + 2)
    matched = [match for block in reader.blocks() for match in matcher.feed(block)]
    assert matcher.candidates <= records * MOST
    rules = {m.rule.at: m.rule.info.level for match in matched for m, _ in match.matched}
    assert set(rules.values()) <= {"informational", "low"}, rules


def test_the_references_are_in_the_columns_that_they_are_read_by() -> None:
    """Else the share above would be one of records that can't be parsed."""
    assert REFERENCE
    for log in REFERENCE:
        path = CONTENT / "reference" / f"{log}.txt"
        delimiter, count = (",", len(COLUMNS[log].columns)) if COLUMNS[log].csv else (" ", 15)
        assert _fewest(path, delimiter) >= count, log


def _fewest(path: Path, delimiter: str) -> int:
    return min(line.count(delimiter) + 1 for line in path.read_text("utf-8").splitlines())
