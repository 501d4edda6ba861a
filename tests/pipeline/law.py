"""The law that the fast path equals the plain path, and the material to hold it against.

The law's body is used by the property tests here and by the seeded defects in ``tests/detection``.
"""

from __future__ import annotations

import functools
import io
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec
import yaml

from exopsy.core.content import CONTENT, read_yaml
from exopsy.core.limits import Limits
from exopsy.detection.load import load_rules, rule_files
from exopsy.detection.matcher import Matcher, RowView
from exopsy.detection.rule import GradeWhen, Rule, ValueList
from exopsy.detection.sigma_reader import read_condition, read_rule
from exopsy.evidence import registry
from exopsy.pipeline.blocks import BLOCK
from exopsy.pipeline.bundle import Bundle, load_bundle
from exopsy.pipeline.rule_rows import render_log
from exopsy.pipeline.rule_tests import TestCase, case_rows
from exopsy.pipeline.sieving import LogSieve, scan_bytes
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.row import Row
from exopsy.schema.rule import RuleInfo

TIME = "2021-03-03T04:05:06+00:00"


class Found(NamedTuple):
    """One rule's match on one record."""

    offset: int
    line: int
    rule: str
    grade: str
    subject: str


def plain(data: bytes, log: LogSieve, limits: Limits) -> list[Found]:
    """Parse every record and evaluate every rule, without any of the sieve's code."""
    found = []
    for item in log.parser.parse(
        io.BytesIO(data), artifact="test", host="", record_bytes=limits.record_bytes
    ):
        if isinstance(item, Row):
            view = RowView(item)
            matched = [(m, g) for m in log.matchers if (g := m.match(view)) is not None]
            found += _found(item, view, matched)
    return found


def fast(
    data: bytes, log: LogSieve, limits: Limits, block_bytes: int, *, known: bool
) -> list[Found]:
    """Run the sieve's path, with the line starts known beforehand or not."""
    found = []
    for match in scan_bytes(data, log, limits=limits, block_bytes=block_bytes, known=known):
        assert match.view is not None
        found += _found(match.row, match.view, match.matched)
    return found


def check(
    data: bytes, log: LogSieve, *, limits: Limits | None = None, block_bytes: int = BLOCK
) -> int:
    """Assert the law on one artifact; return how many matches there were."""
    limits = limits or Limits()
    wanted = sorted(plain(data, log, limits))
    # The longer artifacts one way or the other, small ones both ways.
    for known in (True, False) if len(data) < 5_000 else (len(data) % 4 != 0,):
        got = sorted(fast(data, log, limits, block_bytes, known=known))
        if wanted != got:
            raise AssertionError(_difference(data, wanted, got))
    return len(wanted)


def _difference(data: bytes, wanted: list[Found], got: list[Found]) -> str:
    missed = [f for f in wanted if f not in got]
    more = [f for f in got if f not in wanted]
    lines = data.split(b"\n")
    text = "\n".join(
        f"{word} {f}: {lines[f.line - 1 : f.line]!r}"
        for word, those in (("missed", missed), ("too many", more))
        for f in those
    )
    return text or f"as often: {wanted} but {got}"


def _found(row: Row, view: RowView, matched: Iterable[tuple[Matcher, str]]) -> Iterable[Found]:
    for matcher, grade in matched:
        view.extra.clear()
        subject = msgspec.json.encode(matcher.subject_of(view), order="sorted").decode()
        yield Found(row.origin.offset, row.origin.line, matcher.rule.info.id, grade, subject)


# ---- real rules and real rows ----------------------------------------------------------------


@lru_cache(maxsize=1)
def bundle() -> Bundle:
    """Return our own content."""
    return load_bundle([CONTENT], None)


@functools.cache
def real_sieve(log: str) -> LogSieve:
    """Return all our rules of a log, compiled as a run does."""
    return make_sieve(log)


def make_sieve(log: str) -> LogSieve:
    """Compile all our rules of a log; anew each time, for defects."""
    own = bundle()
    innocent = own.innocent.get(log)
    return LogSieve(
        registry.spec_of(log),
        [rule for rule in own.loaded.rules.rules if rule.log == log],
        own.loaded.rules.lists,
        hot=own.hot,
        reference=innocent,
    )


@lru_cache(maxsize=1)
def test_rows() -> dict[str, list[dict[str, str]]]:
    """Return log -> the rows of all cases of all rule tests, a repeated row only a few times."""
    rules = {rule.at: rule for rule in bundle().loaded.rules.rules}
    rows: dict[str, list[dict[str, str]]] = {}
    for path in rule_files(CONTENT):
        rule = rules.get(str(path.relative_to(CONTENT)))
        test = path.with_name(path.stem + ".test.yml")
        if rule is None or not test.is_file():
            continue
        for case in msgspec.convert(read_yaml(test), list[TestCase]):
            rows.setdefault(rule.log, []).extend(case_rows(case)[:12])
    return rows


@functools.cache
def innocent_lines(log: str) -> tuple[bytes, ...]:
    """Return sample records of innocent traffic."""
    path = CONTENT / "reference" / f"{log}.txt"
    return tuple(path.read_bytes().split(b"\n")[:-1]) if path.is_file() else ()


class Parts(NamedTuple):
    """A rendered log, taken apart."""

    header: tuple[bytes, ...]
    records: tuple[bytes, ...]
    innocent: tuple[bytes, ...]


@functools.cache
def parts(log: str) -> Parts:
    """Render the rows of a log's rule tests; innocent records in the same columns."""
    rows = test_rows()[log]
    lines = render_log(log, rows).split(b"\r\n")[:-1]
    count = sum(line.startswith(b"#") for line in lines)
    innocent = innocent_lines(log)
    if log == "iis-w3c" and innocent:
        names = lines[count - 1].split(b" ")[1:]
        if len(names) != innocent[0].count(b" ") + 1:
            innocent = ()  # the tests' rows have a further column
    return Parts(tuple(lines[:count]), tuple(lines[count:]), innocent)


LOGS = tuple(
    sorted(
        {rule.log for rule in load_rules([CONTENT], formats=registry.RULE_FORMATS).rules.rules}
        - {EVENT_LOG, *registry.FILE_NAMES}
    )
)
"""Logs of lines that our rules read; those for event logs have a law of their own."""


# ---- damage -----------------------------------------------------------------------------------

Damage = Callable[[bytes, random.Random, str], bytes]
"""Record, source of choice, log -> damaged record (it may hold line ends)."""


def _hex(byte: int, rng: random.Random) -> bytes:
    return rng.choice([b"%02x", b"%02X"]) % byte


def escape_byte(byte: int, rng: random.Random) -> bytes:
    """Write one byte in one of the ways in which URLs can hold it."""
    code = _hex(byte, rng)
    digits = b"".join(b"%" + _hex(d, rng) for d in code)
    return rng.choice(
        [
            b"%" + code,
            b"%" + code,
            b"%25" + code,
            b"%2525" + code,
            b"%u00" + code,
            b"%25u00" + code,
            b"%U00" + code,
            b"%" + digits,  # %%37%30
            b"%25" + digits,  # %25%37%30
            b"%%32%35" + code,
            b"%u0025" + code,
        ]
    )


def escape_some(record: bytes, rng: random.Random, log: str) -> bytes:
    """Escape a few characters, anywhere."""
    out = bytearray()
    rate = rng.choice([0.005, 0.02, 0.1])
    among = rng.choice([b"/.?=&@:;'<>()", b"/", b".", None])
    for byte in record:
        if (
            byte > 32
            and rng.random() < (rate if among is None else 0.3)
            and (among is None or byte in among)
        ):
            out += escape_byte(byte, rng)
        else:
            out.append(byte)
    return bytes(out)


def escape_spaces(record: bytes, rng: random.Random, log: str) -> bytes:
    """Write spaces as ``+`` or escaped, or plus signs as spaces."""
    if COLUMNS[log].csv:
        return record.replace(b" ", rng.choice([b"+", b"%20", b"%2520"]))
    return record.replace(b"+", rng.choice([b"%20", b"%2B", b"%u0020"])).replace(
        b"%20", rng.choice([b"+", b"%2520", b"%20"])
    )


def change_case(record: bytes, rng: random.Random, log: str) -> bytes:
    """Change the case of all or of some letters."""
    how = rng.randrange(3)
    if how == 0:
        return record.upper()
    if how == 1:
        return record.lower()
    return bytes(
        b ^ 0x20 if (65 <= b <= 90 or 97 <= b <= 122) and rng.random() < 0.3 else b for b in record
    )


def put_nul(record: bytes, rng: random.Random, log: str) -> bytes:
    """Put a run of NUL bytes in, sometimes with a header behind it."""
    run = b"\0" * rng.choice([1, 2, 7, 8, 9, 40])
    at = rng.choice([0, len(record), rng.randrange(len(record) + 1)])
    more = b""
    if rng.random() < 0.3:
        more = rng.choice([*parts(log).header, b"#Software: x"])
    return record[:at] + run + more + (run if more else b"") + record[at:]


def put_bom(record: bytes, rng: random.Random, log: str) -> bytes:
    """Put a byte-order mark at the start, or somewhere."""
    at = 0 if rng.random() < 0.8 else rng.randrange(len(record) + 1)
    return record[:at] + b"\xef\xbb\xbf" + record[at:]


def put_bytes(record: bytes, rng: random.Random, log: str) -> bytes:
    """Put bytes in that are no UTF-8, or letters beyond ASCII."""
    for _ in range(rng.randrange(1, 4)):
        at = rng.randrange(len(record) + 1)
        more = rng.choice(
            [
                b"\xff",
                b"\xe9",
                b"\x80",
                b"\xc3\xa9",
                "\u212a".encode(),
                b"\xc0\xaf",
                b"%e9",
                b"%u212a",
            ]
        )
        record = record[:at] + more + record[at + rng.randrange(2) :]
    return record


def cut(record: bytes, rng: random.Random, log: str) -> bytes:
    """Tear the record, or break it into two lines."""
    at = rng.randrange(len(record) + 1)
    return record[:at] if rng.random() < 0.5 else record[:at] + b"\n" + record[at:]


def double_quotes(record: bytes, rng: random.Random, log: str) -> bytes:
    """Quote a cell, double quotes, or drop one."""
    how = rng.randrange(4)
    if how == 0:
        return record.replace(b'""', b'"', 1)
    if how == 1:
        return record.replace(b'"', b'""')
    cells = record.split(b",")
    at = rng.randrange(len(cells))
    cells[at] = b'"' + cells[at].replace(b'"', b'""') + b'"' if how == 2 else b'"' + cells[at]
    return b",".join(cells)


def escape_json(record: bytes, rng: random.Random, log: str) -> bytes:
    r"""Write letters as ``\u0070``, slashes as ``\/``, backslashes as ``\u005c``."""
    how = rng.randrange(5)
    if how == 4:
        return record.replace(b'": ""', b'": ""\\ud800', 1).replace(b'""}', b'""\t}')
    if how == 0:
        return record.replace(b"/", b"\\/")
    if how == 1:
        return record.replace(b"\\\\", b"\\u005c")
    return b"".join(
        b"\\u00" + _hex(b, rng)
        if chr(b).isalnum() and b < 128 and rng.random() < 0.03
        else bytes([b])
        for b in record
    )


def long_record(record: bytes, rng: random.Random, log: str) -> bytes:
    """Put a long run into the record."""
    at = rng.choice([0, len(record), rng.randrange(len(record) + 1)])
    return record[:at] + rng.choice([b"a", b" ", b"\\"]) * rng.choice([50, 300, 2000]) + record[at:]


DAMAGES: tuple[Damage, ...] = (
    escape_some,
    escape_some,
    escape_some,
    escape_spaces,
    change_case,
    put_nul,
    put_bom,
    put_bytes,
    cut,
    double_quotes,
    escape_json,
    long_record,
)


def other_columns(log: str, record: bytes, rng: random.Random) -> tuple[bytes, bytes] | None:
    """Return a header with re-ordered columns and the record in that order; None where none can be."""
    if log == "exchange-oab-generator":
        return None
    known = COLUMNS[log]
    delimiter = b"," if known.csv else b" "
    header = parts(log).header[-1]
    names = header.removeprefix(b"#Fields: ").split(delimiter)
    if known.csv:
        import csv

        cells = next(csv.reader([record.decode("utf-8", "surrogateescape")]))
    else:
        cells = record.decode("utf-8", "surrogateescape").split(" ")
    if len(cells) != len(names):
        return None
    order = list(range(len(names)))
    if rng.random() < 0.5:
        rng.shuffle(order)
    else:
        order = order[rng.randrange(len(order)) :] + order[: rng.randrange(len(order))]
        order = list(dict.fromkeys([*order, *range(len(names))]))
    if rng.random() < 0.3:
        order = order[: max(3, rng.randrange(len(order)))]
    moved = [cells[i] for i in order]
    if known.csv:
        out = io.StringIO()
        csv.writer(
            out, lineterminator="", quoting=rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
        ).writerow(moved)
        line = out.getvalue()
    else:
        line = " ".join(moved)
    head = b"#Fields: " + delimiter.join(names[i] for i in order)
    if known.csv and rng.random() < 0.5:
        head = head.removeprefix(b"#Fields: ")
    return head, line.encode("utf-8", "surrogateescape")


def whole_log(log: str) -> bytes:
    """Return all rows of rule tests between innocent records, undamaged, shuffled."""
    known = parts(log)
    records = [*known.records, *known.innocent[:200]]
    random.Random(0).shuffle(records)
    return b"".join(line + b"\r\n" for line in (*known.header, *records))


def damaged_log(log: str, rng: random.Random, *, records: int = 12) -> bytes:
    """Make a damaged log out of the rows of rule tests and innocent records."""
    known = parts(log)
    lines: list[bytes] = []
    if rng.random() < 0.9:
        lines += known.header
    for _ in range(rng.randrange(1, records)):
        record = rng.choice(known.records)
        if known.innocent and rng.random() < 0.25:
            record = rng.choice(known.innocent)
        if rng.random() < 0.15 and (moved := other_columns(log, record, rng)) is not None:
            lines += moved
            if rng.random() < 0.5:
                lines += known.header
            continue
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            record = rng.choice(DAMAGES)(record, rng, log)
        lines.append(record)
        if rng.random() < 0.1:
            lines += known.header[rng.randrange(len(known.header)) :] if known.header else ()
        if rng.random() < 0.05:
            lines.append(rng.choice([b"", b"\0" * 9, b"#Fields:", b"#", b"DateTime,UrlStem"]))
    ends = rng.choice([[b"\r\n"], [b"\n"], [b"\r\n", b"\n"], [b"\r\r\n", b"\n"]])
    data = b"".join(line + rng.choice(ends) for line in lines)
    if rng.random() < 0.3:
        data = data[: rng.randrange(len(data) + 1)]
    return rng.choice([b"", b"", b"\xef\xbb\xbf"]) + data


def bounds(seed: int) -> tuple[Limits, int]:
    """Choose a bound for records and a size for blocks."""
    rng = random.Random(seed)
    limits = rng.choice([Limits(), Limits(), Limits(record_bytes=rng.choice([40, 200, 700]))])
    return limits, rng.choice([64, 100, 257, 1024, 4096, BLOCK])


# ---- small rules of our own, and rows that meet them ---------------------------------------------

WORDS = (
    "powershell",
    "/ecp/",
    "/owa/auth/logon.aspx",
    ".aspx",
    "auth",
    "abc",
    "cab",
    "abcabc",
    "run me",
    "o'b'c",
    'say "hi"',
    "x=1&y",
    "c:\\in\\",
    "ecp",
    "100%",
    "a+b",
    "http://h.example",
    "\u00e9t\u00e9",
    "k\u212a",
    "fed",
    "\\x41",
    "{}[]",
    "2021",
    "-",
)
FIELDS: dict[str, tuple[str, ...]] = {
    "iis-w3c": ("cs-uri-stem", "cs-uri-query", "cs-user-agent", "cs-username", "cs-referer"),
    "httperr": ("cs-uri", "s-reason", "s-queuename"),
    "exchange-httpproxy": ("UrlStem", "UrlQuery", "AnchorMailbox", "UserAgent", "RoutingStatus"),
    "exchange-ecp-server": ("CMD", "URL", "EventData", "ServerName"),
    "exchange-audit": ("Parameters.Path", "Parameters.ExternalUrl", "ObjectId", "Operation"),
    "exchange-rps-cmdlet": ("Cmdlet", "Parameters", "DateTime"),
    "exchange-oab-generator": ("message", "timestamp"),
}
LIST = "known"
HOT = ("/owa/auth/logon.aspx", "/ecp/abc.aspx", "/ecp/{ver}/abc.aspx", "abc.aspx")


def known_list(*, normalise: str = "version-folders", more: Iterable[str] = ()) -> ValueList:
    """Return a list that rules may name."""
    return ValueList(name=LIST, values=frozenset((*HOT, *more)), normalise=normalise)


def random_text(rng: random.Random, among: Sequence[str] = WORDS) -> str:
    """Put a few words together."""
    return "".join(rng.choice(among) for _ in range(rng.choice([1, 1, 1, 2, 2, 3])))


def _pattern(rng: random.Random, among: Sequence[str]) -> str:
    pieces = [re.escape(rng.choice(among)) for _ in range(rng.choice([1, 2, 3]))]
    for n, piece in enumerate(pieces):
        how = rng.randrange(8)
        if how == 0:
            pieces[n] = f"(?:{piece}|{re.escape(rng.choice(among))})"
        elif how == 1:
            pieces[n] = f"(?:{piece})?"
        elif how == 2:
            pieces[n] = f"({piece})+"
        elif how == 3:
            pieces[n] = f"(?:^{piece}|{re.escape(rng.choice(among))}$)"
    joint = rng.choice(["", "", ".*", ".", r"\b", r"[a-z]*", r"\n?"])
    made = joint.join(pieces)
    made = rng.choice(["", "", "^"]) + made + rng.choice(["", "", "$"])
    return rng.choice(["", "", "", "", "(?m)", "(?i)", "(?s)"]) + made


def random_leaf(rng: random.Random, field: str, among: Sequence[str]) -> dict[str, object]:
    """Return one test on a field."""
    text = random_text(rng, among)
    how = rng.randrange(16)
    match how:
        case 0 | 1 | 2:
            return {f"{field}|{rng.choice(['contains', 'startswith', 'endswith'])}": text}
        case 3:
            return {field: text}
        case 4:
            return {field: [text, random_text(rng, among)]}
        case 5:
            return {f"{field}|contains|all": [rng.choice(among), rng.choice(among)]}
        case 6:
            return {field: rng.choice(among) + rng.choice("*?") + rng.choice(among)}
        case 7:
            return {field: "*" + rng.choice(among) + "*" + rng.choice(among)}
        case 8 | 9:
            return {f"{field}|re{rng.choice(['', '', '|i', '|m', '|s'])}": _pattern(rng, among)}
        case 10:
            return {f"{field}|contains|cased": text}
        case 11:
            return {field: None}
        case 12:
            return {f"{field}|exists": rng.random() < 0.7}
        case 13 | 14:
            return {f"{field}|expand": f"%{LIST}%"}
        case _:
            return {f"{field}|cidr": "192.0.2.0/24"}


def random_detection(rng: random.Random, log: str, among: Sequence[str]) -> dict[str, object]:
    """Return the detection block of a small rule."""
    fields = FIELDS[log]
    names = ["one", "two", "three"][: rng.randrange(1, 4)]
    block: dict[str, object] = {}
    for name in names:
        how = rng.randrange(6)
        if how == 0:
            block[name] = [rng.choice(among) for _ in range(rng.randrange(1, 3))]  # keywords
        elif how == 1:
            block[name] = [random_leaf(rng, rng.choice(fields), among) for _ in range(2)]
        else:
            merged: dict[str, object] = {}
            for _ in range(rng.randrange(1, 4)):
                merged |= random_leaf(rng, rng.choice(fields[:2]), among)
            block[name] = merged
    joined = names[0]
    for name in names[1:]:
        joined += rng.choice([" and ", " and ", " and not ", " or "]) + name
    block["condition"] = rng.choice(
        [joined, joined, joined, f"not ({joined})", "1 of them", "all of them"]
    )
    return block


def random_row(rng: random.Random, log: str, among: Sequence[str]) -> dict[str, str]:
    """Return a row of the same words, as logged."""
    row = {"@time": TIME}
    for field in FIELDS[log]:
        if rng.random() < 0.3 or field in ("DateTime", "timestamp", "EventData"):
            continue
        text = random_text(rng, among)
        if rng.random() < 0.1:
            text = rng.choice(["http://h.example", "https://h:444", ""]) + rng.choice(HOT)
        if rng.random() < 0.1:
            text = text.replace("{ver}", "15.1.2106.2")
        if rng.random() < 0.05:
            text = rng.choice(["192.0.2.7", text + "%0a", text + "\x00", "%0a" + text])
        codec = COLUMNS[log].codec(field)
        if codec != "text" and rng.random() < 0.6:
            rate = rng.choice([0.05, 0.3, 1.0])
            text = "".join(
                escape_byte(b, rng).decode()
                if b < 128 and rng.random() < rate and (not chr(b).isalnum() or rng.random() < 0.1)
                else chr(b)
                if b < 128
                else f"%{b:02x}"
                for b in text.encode()
            )
        if codec == "plus" and rng.random() < 0.7:
            text = text.replace(" ", "+")
        row[field] = text.replace("{ver}", rng.choice(["15.1.2106.2", "{ver}"]))
    return row


def random_sieve(rng: random.Random, log: str, among: Sequence[str]) -> LogSieve | None:
    """Compile one or two small rules; those that can't be sieved are mostly left out."""
    detections = [random_detection(rng, log, among) for _ in range(2)]
    common = rng.choice([None, 1, 50])
    more = rng.choice([(), map(str, range(100))])
    known = known_list(normalise=rng.choice(["", "version-folders"]), more=more)
    sieve = sieve_of(log, *detections, lists=[known], common=common)
    unsievable = sieve.sieve.unsievable
    if unsievable and rng.random() < 0.9:
        detections = [d for at, d in enumerate(detections) if at not in unsievable]
        sieve = sieve_of(log, *detections, lists=[known], common=common)
    return sieve if detections else None


def random_log(rng: random.Random, log: str, among: Sequence[str]) -> bytes:
    """Write a few rows of the same words; sometimes damage some."""
    rows = [random_row(rng, log, among) for _ in range(6)]
    lines = render_log(log, rows).split(b"\r\n")
    if rng.random() < 0.4:
        harm = (put_bytes, change_case, escape_some, escape_json, double_quotes, cut)
        for at, line in enumerate(lines):
            if line and not line.startswith(b"#") and rng.random() < 0.5:
                lines[at] = rng.choice(harm)(line, rng, log)
    return rng.choice([b"\r\n", b"\n"]).join(lines)


def rule_of(
    log: str, detection: Mapping[str, object] | str, *, number: int = 0, subject: Sequence[str] = ()
) -> Rule:
    """Make a rule out of a Sigma detection block (as data or as YAML text)."""
    text = detection if isinstance(detection, str) else yaml.safe_dump(dict(detection))
    document = {
        "title": f"rule {number}",
        "logsource": {"category": "webserver"},
        "detection": yaml.safe_load(text),
    }
    sigma = read_rule(document, "test")
    return Rule(
        info=RuleInfo(
            id=f"rule-{number}", title=f"rule {number}", level="medium", subject=tuple(subject)
        ),
        log=log,
        condition=read_condition(sigma, "test"),
        grades=(GradeWhen(when=None, grade="attempt"),),
        at="test",
    )


class Common:
    """Innocent records of which as many hold any literal, each literal others."""

    records = 100

    def __init__(self, count: int) -> None:
        self._count = count

    def holding(self, text: str, *, starts: bool, ends: bool, inner: bool = False) -> int:
        among = random.Random(text).sample(range(self.records), self._count)
        return sum(1 << record for record in among)


def sieve_of(
    log: str,
    *detections: Mapping[str, object] | str,
    lists: Iterable[ValueList] | None = None,
    hot: Iterable[str] = HOT,
    common: int | None = None,
) -> LogSieve:
    """Compile small rules; ``common``: how many of 100 innocent records hold any literal."""
    subject = FIELDS.get(log, ())[:3]
    rules = [rule_of(log, d, number=n, subject=subject) for n, d in enumerate(detections)]
    return LogSieve(
        registry.spec_of(log),
        rules,
        {found.name: found for found in (lists or (known_list(),))},
        hot=frozenset(hot),
        reference=None if common is None else Common(common),
    )


def iis(*rows: Mapping[str, str] | str) -> bytes:
    """Write an IIS log; a text is a stem."""
    made = [{"cs-uri-stem": r} if isinstance(r, str) else dict(r) for r in rows]
    return render_log("iis-w3c", [{"@time": TIME, **r} for r in made])


def exchange(log: str, *rows: Mapping[str, str]) -> bytes:
    """Write an Exchange log."""
    return render_log(log, [{"@time": TIME, **r} for r in rows])


# ---- examples that once slipped through ------------------------------------------------------


class Example(NamedTuple):
    """Small rules, a log, and how many matches there are in it."""

    log: str
    detections: tuple[dict[str, object], ...]
    data: bytes
    matches: int
    limits: Limits = Limits()
    block_bytes: int = BLOCK
    normalise: str = "version-folders"
    common: int | None = None

    def sieve(self) -> LogSieve:
        """Compile the rules."""
        known = [known_list(normalise=self.normalise)]
        return sieve_of(self.log, *self.detections, lists=known, common=self.common)


def one(**tests: object) -> dict[str, object]:
    """Return a detection of one item; ``__`` stands for ``|``, ``_`` for ``-``."""
    named = {name.replace("__", "|").replace("_", "-"): value for name, value in tests.items()}
    return {"one": named, "condition": "one"}


def _unlisted(field: str, **tests: object) -> dict[str, object]:
    block = one(**tests)
    return {**block, "known": {f"{field}|expand": f"%{LIST}%"}, "condition": "one and not known"}


def _lines(log: str, fields: str, *records: str, end: str = "\r\n") -> bytes:
    header = {"iis-w3c": "#Software: Microsoft Internet Information Services 10.0"}.get(
        log, "#Software: x"
    )
    return end.join([header, f"#Fields: {fields}", *records, ""]).encode()


_ASPX = _unlisted("cs-uri-stem", cs_uri_stem__endswith=".aspx")
_W3C = "date time cs-uri-stem sc-status"
_AT = "2021-03-03 04:05:06"

EXAMPLES: dict[str, Example] = {
    "two patterns, one of which takes in the line end": Example(
        "exchange-audit",
        (one(Operation__contains="auth"), one(Scope__endswith="abc")),
        _lines("exchange-audit", "Timestamp,Operation,Scope", f"{TIME},auth,abc", end="\n"),
        2,
    ),
    "the same rule by both": Example(
        "exchange-audit",
        ({"one": [{"Operation|contains": "auth"}, {"Scope|endswith": "abc"}], "condition": "one"},),
        _lines("exchange-audit", "Timestamp,Operation,Scope", f"{TIME},auth,abc", end="\n"),
        1,
    ),
    "one rule can not be sieved": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="/ecp/"), one(cs_uri_query=None)),
        iis("/ecp/x", "/owa/"),
        3,
    ),
    "keyword over plus signs": Example(
        "iis-w3c",
        ({"one": ["run me"], "condition": "one"},),
        iis({"cs-uri-query": "run+me"}, {"cs-uri-query": "run%2520me"}, "/run"),
        2,
    ),
    "keyword with a doubled quote of a bag": Example(
        "exchange-ecp-server",
        ({"one": ["/o'b'c"], "condition": "one"},),
        exchange("exchange-ecp-server", {"EventData": "'S:URL=%2fo''b''c';S:X=1"}),
        1,
    ),
    "known page with its dot escaped": Example(
        "iis-w3c", (_ASPX,), iis("/owa/auth/logon%2easpx", "/owa/auth/other%252easpx"), 1
    ),
    "suffix with a slash, escaped": Example(
        "iis-w3c",
        (_unlisted("cs-uri-stem", cs_uri_stem__endswith="auth/logon.aspx"),),
        iis("/x/auth%2flogon.aspx", "/x/auth/logon%2easpx", "/owa/auth/logon.aspx"),
        2,
    ),
    "neighbouring columns in another order": Example(
        "iis-w3c",
        (one(cs_method="POST", cs_uri_stem__startswith="/owa/auth/"),),
        _lines(
            "iis-w3c",
            "date time cs-uri-stem cs-method sc-status",
            *[f"{_AT} /owa/auth/{n} POST 200" for n in range(9)],
            *[f"{_AT} POST /owa/auth/ 200" for _ in range(9)],
        ),
        9,
        block_bytes=128,
        common=2,
    ),
    "known page behind a host longer than is looked at": Example(
        "iis-w3c",
        (_ASPX,),
        _lines(
            "iis-w3c",
            _W3C,
            *[f"{_AT} {'y' * n}/owa/auth/logon.aspx 200" for n in range(30, 40)],
            f"{_AT} /owa/ 200",
        ),
        10,
    ),
    "unknown page at the very start of a block": Example(
        "iis-w3c",
        (_ASPX,),
        _lines(
            "iis-w3c",
            "cs-uri-stem date time",
            f"wa/auth/logon.aspx {_AT}",
            f"/owa/auth/logon.aspx {_AT}",
        ),
        1,
        block_bytes=64,
    ),
    "known page behind a comma in a quoted cell": Example(
        "exchange-httpproxy",
        (_unlisted("UrlStem", UrlStem__endswith=".aspx"),),
        exchange(
            "exchange-httpproxy",
            {"UrlStem": "/x,/owa/auth/logon.aspx"},
            {"UrlStem": "/owa/auth/logon.aspx"},
        ),
        1,
    ),
    "known page behind a space in a query": Example(
        "iis-w3c",
        (_unlisted("cs-uri-query", cs_uri_query__endswith=".aspx"),),
        iis({"cs-uri-query": "a /owa/auth/logon.aspx"}),
        1,
    ),
    "known page before an escaped line end": Example(
        "iis-w3c",
        (_unlisted("cs-uri-stem", cs_uri_stem__re=r"\.aspx$"),),
        iis("/owa/auth/logon.aspx%0a", "/owa/auth/logon.aspx"),
        1,
    ),
    "known page in a field inside a field": Example(
        "exchange-ecp-server",
        (_unlisted("URL", URL__endswith=".aspx"),),
        exchange("exchange-ecp-server", {"EventData": "S:URL=/ecp/x.aspx;S:CMD=a"}),
        1,
    ),
    "known page of a spaced log in a cell of another": Example(
        "exchange-httpproxy",
        (_unlisted("UrlStem", UrlStem__endswith=".aspx"),),
        exchange(
            "exchange-httpproxy",
            {"UrlStem": "/x.aspx", "UserAgent": "a /owa/auth/logon.aspx " * 40},
        ),
        1,
    ),
    "known page in absolute form, list not normalised": Example(
        "iis-w3c", (_ASPX,), iis("http://h.example/owa/auth/logon.aspx"), 1, normalise=""
    ),
    "known page in absolute form": Example(
        "iis-w3c", (_ASPX,), iis("http://h.example/owa/auth/logon.aspx", "http://h/x.aspx"), 1
    ),
    "positive list with version folders": Example(
        "iis-w3c",
        ({"one": {"cs-uri-stem|expand": f"%{LIST}%"}, "condition": "one"},),
        iis("/ecp/15.1.2106.2/abc.aspx", "https://h.example/ecp/abc.aspx", "/x.aspx"),
        2,
    ),
    "anchors in multi-line mode": Example(
        "iis-w3c",
        (
            one(cs_uri_stem__re="(?m)^abc"),
            one(cs_uri_stem__re="x(?m:^cab)"),
            one(cs_uri_stem__re="(?m:^cab)"),
        ),
        iis("/x%0aabc", "/x%0acab"),
        2,
    ),
    "free text starts behind any sign": Example(
        "exchange-oab-generator",
        (one(message__startswith="Download"), one(message__re="^Download")),
        b"2021-03-03T04:05:06Z Download\r\n2021-03-03T04:05:06Z;Download\r\nDownload\r\n",
        6,
    ),
    "record longer than the bound": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="abc"), one(cs_uri_stem__endswith="cab")),
        _lines("iis-w3c", "cs-uri-stem", "/abc/cab" + "b" * 90, "/abc/cab"),
        3,
        limits=Limits(record_bytes=60),
        block_bytes=64,
    ),
    "value that the bound ends": Example(
        "iis-w3c",
        (one(cs_uri_stem__endswith="abc"), one(cs_uri_stem__endswith="abcd")),
        _lines("iis-w3c", "cs-uri-stem", "/" + "x" * 56 + "abcdef"),
        1,
        limits=Limits(record_bytes=60),
    ),
    "header longer than the bound": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="abc"),),
        _lines("iis-w3c", _W3C + " " + "x " * 60, f"{_AT} /abc 200"),
        0,
        limits=Limits(record_bytes=80),
    ),
    "two literals, one in a field inside the other's": Example(
        "exchange-ecp-server",
        (one(EventData__contains="RL=%2fec", URL__contains="/ecp/"),),
        exchange("exchange-ecp-server", {"EventData": "S:URL=%2fecp/x;S:CMD=a"}),
        1,
        common=50,
    ),
    "byte that is no UTF-8 before a word": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="ecp"), one(cs_uri_stem__contains="e9x")),
        b"#Software: Microsoft Internet Information Services 10.0\r\n#Fields: cs-uri-stem\r\n/\xfecp\r\n/\xe9x\r\n",
        0,
    ),
    "letters in every way": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="/ecp/"), one(cs_uri_query__contains="run me")),
        iis(
            "/ecp/",
            "/ECP/",
            "/%65cp/",
            "%2fecp%252F",
            "%25252fecp/",
            "/%u0065cp/",
            "/%25u0065cp/",
            "/%25%36%35cp/",
            "/%%36%35cp/",
            "%u002fecp%25u002f",
            {"cs-uri-query": "x=run+me"},
            {"cs-uri-query": "x=run%20me"},
            {"cs-uri-query": "x=run%2520me"},
            {"cs-uri-query": "x=run me"},
        ),
        14,
    ),
    "either of two words": Example(
        "iis-w3c",
        ({"one": {"cs-uri-stem|contains": ["powershell", "/ecp/", "auth"]}, "condition": "one"},),
        iis("/powershell", "/ecp/x", "/owa/auth/"),
        3,
    ),
    "without a word": Example(
        "iis-w3c",
        ({"one": {"cs-uri-stem|contains": "powershell"}, "condition": "not one"},),
        iis("/powershell", "/ecp/x", "/owa/auth/"),
        2,
    ),
    "one word without another": Example(
        "iis-w3c",
        (
            {
                "one": {"cs-uri-stem|contains": "/owa/"},
                "two": {"cs-uri-stem|contains": "powershell"},
                "condition": "one and not two",
            },
        ),
        iis("/owa/powershell", "/owa/x", "/powershell/"),
        1,
    ),
    "two words in any order": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains__all=["abc", "cab"]),),
        iis("/abc/cab", "/cab/abc", "/abcab", "/abc", "/cabc", "/cab"),
        4,
        common=50,
    ),
    "two words, the second looked for afterwards": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains__all=["abc", "cab"]),),
        iis("/abc/cab", "/CAB/ABC", "/abcab", "/abc", "/cabc", "/cab"),
        4,
        common=2,
    ),
    "beginning and end of a value": Example(
        "iis-w3c",
        (one(cs_uri_stem__startswith="/abc", cs_uri_stem__endswith="bcab"),),
        iis("/abc/bcab", "/abcab", "/abcab/x", "/x/abcab"),
        2,
        common=50,
    ),
    "last value of a file without a line end": Example(
        "iis-w3c",
        (one(cs_uri_stem__endswith="abc"),),
        _lines("iis-w3c", "date time cs-uri-stem", f"{_AT} /abc")[:-2],
        1,
    ),
    "columns that change": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="/ecp/"),),
        _lines(
            "iis-w3c",
            "date time cs-uri-stem cs-uri-query",
            f"{_AT} /ecp/ -",
            "#Fields: date time cs-uri-query cs-uri-stem",
            f"{_AT} /ecp/ /owa/",
            "#Fields: cs-uri-stem date time cs-uri-query",
            f"/ecp/ {_AT} -",
        ),
        2,
    ),
    "records that straddle blocks": Example(
        "iis-w3c",
        (one(cs_uri_stem__contains="/ecp/"),),
        iis(*(f"/ecp/{'x' * n}" for n in range(40))),
        40,
        block_bytes=128,
    ),
    "quotes in a cell": Example(
        "exchange-rps-cmdlet",
        (one(Parameters__contains='say "hi"'),),
        exchange(
            "exchange-rps-cmdlet", {"Parameters": '-X "say "hi""'}, {"Parameters": 'say "hi"'}
        ),
        2,
    ),
    "letters of JSON": Example(
        "exchange-audit",
        (one(ObjectId__contains="o'b/powershell"),),
        exchange(
            "exchange-audit",
            {"Data": '{"ObjectId": "o\'b\\\\/powershell"}'.replace("\\\\", "\\")},
            {"Data": '{"ObjectId": "o\'b/\\u0070owershell"}'},
            {"Data": '{"ObjectId": "o\'b/powershell"}'},
        ),
        3,
    ),
    "known page in the next column": Example(
        "iis-w3c",
        (_ASPX,),
        iis(
            {"cs-uri-stem": "/x.aspx", "cs-uri-query": "/owa/auth/logon.aspx"},
            {"cs-method": "/owa/auth/logon.aspx", "cs-uri-stem": "/x.aspx"},
        ),
        2,
    ),
    "known page among too many words": Example(
        "iis-w3c",
        (_ASPX,),
        _lines(
            "iis-w3c",
            "date time cs-user-agent cs-uri-stem sc-status",
            f"{_AT} a /owa/auth/logon.aspx /x.aspx 200",
        ),
        1,
    ),
}
