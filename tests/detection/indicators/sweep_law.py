"""The law that the fast sweep equals the plain one, and material to hold it against."""

from __future__ import annotations

import random

from exopsy.detection.indicators.forms import forms_of
from exopsy.detection.indicators.indicator_set import SetBuilder, SourceReport
from exopsy.detection.indicators.judge import PlainSweep
from exopsy.detection.indicators.sieve import IndicatorSieve

VALUES = [
    ("address", "203.0.113.5"),
    ("address", "2001:db8::1"),
    ("network", "198.51.100.0/24"),
    ("network", "198.51.100.64/26"),
    ("network", "2001:db8:1::/48"),
    ("domain", "evil.example"),
    ("domain", "a-b.1-2.test"),
    ("domain", "163x.example"),
    ("domain", "1234.test"),
    ("domain", "bücher.example"),
    ("url", "http://evil.example/a b/x.php?id=1"),
    ("url", "https://203.0.113.9/p/q"),
    ("user-agent", "sqlmap/1.2"),
    ("user-agent", "Mozilla/5.0 (X11; Linux) evil/1.0"),
    ("md5", "0123456789abcdef0123456789abcdef"),
    ("sha1", "0123456789abcdef0123456789abcdef01234567"),
    ("file-name", "evil tool.aspx"),
    ("file-name", "sh-ell.aspx"),
    ("path", "C:\\Temp\\evil\\x1.ashx"),
    ("path", "/aspnet_client/zz.aspx"),
    ("email", "bob.r+x@evil.example"),
    ("account", "EXAMPLE\\svc-bck"),
]
GLUE = [
    b" ", b",", b'"', b".", b"-", b"x", b"1", b":", b"/", b"\\", b"\\n", b"%", b"@", b"=", b"::",
    b"\xe9", b"[", b"]", b"_", b";", b"%2", b"www.", b"10.", b"http://", b"::ffff:", b"+", b"",
]  # fmt: skip
NEAR = [
    b"203.0.113.55", b"2001:DB8:0:0:0:0:0:1", b"[2001:db8::1]:443", b"::ffff:cb00:7105",
    b"0:0:0:0:0:ffff:203.0.113.5", b"2001:db8:1:2::9", b"198.51.100.77", b"198.51.101.77",
    b"xn--bcher-kva.example", b"Source:2001:db8::1", b"::1", b"04:05:06", b"1.2.3",
    b"203.0.113.5-203.0.113.9", b"notevil.example", b"evil.example.test", b"x.1234.test",
]  # fmt: skip
STARTS = [b"", b"{", b" {", b"2021-03-03 04:05:06 ", b"\xef\xbb\xbf{", b",{", b"x{"]


def make_set(values=VALUES, everyday=frozenset()):
    builder = SetBuilder(everyday)
    builder.begin(SourceReport(name="made", sha256="", format="list"))
    for line, (kind, value) in enumerate(values, start=1):
        assert builder.add(kind, value, line) == "", (kind, value)
    return builder.build()


INDICATORS = make_set()
FORMS = [forms_of(kind, value)[0] for kind, value in VALUES if forms_of(kind, value)]


def encoded(rng: random.Random, text: bytes) -> bytes:
    """Write a normal text as some log might."""
    ways = ["plain", "percent", "double", "unicode", "iis-unicode", "case"]
    way, odds = rng.choice(ways), rng.choice([0.05, 0.3, 1])
    out = b""
    for code in text:
        byte = bytes([code])
        if rng.random() < odds and way == "percent":
            out += b"%%%02x" % code
        elif rng.random() < odds and way == "double":
            out += b"%%%s%02X" % (b"25" * rng.randrange(1, 4), code)
        elif rng.random() < odds and way == "unicode":
            out += b"\\u%04x" % code
        elif rng.random() < odds and way == "iis-unicode":
            out += b"%%u%04X" % code
        elif byte == b" " and rng.random() < 0.7:
            out += rng.choice([b"+", b"%20"])
        elif byte in b"/\\" and rng.random() < 0.7:
            out += rng.choice([b"\\\\", b"\\/", b"/", b"\\", b"//"])
        else:
            out += byte.upper() if rng.random() < 0.3 else byte
    return out


def log_line(rng: random.Random) -> bytes:
    line = rng.choice(STARTS)
    for _ in range(rng.randrange(1, 6)):
        line += rng.choice(GLUE)
        line += rng.choice(
            [encoded(rng, rng.choice(FORMS)), rng.choice(NEAR), b"w%d" % rng.randrange(99)]
        )
        line += rng.choice(GLUE)
    if rng.random() < 0.2 and line:
        at = rng.randrange(len(line))
        line = line[:at] + bytes([rng.randrange(256)]) + line[at + rng.randrange(3) :]
    return line.replace(b"\n", b"")


def damaged_log(seed: int, lines: int = 20) -> bytes:
    rng = random.Random(seed)
    data = b"".join(log_line(rng) + rng.choice([b"\n", b"\r\n"]) for _ in range(lines))
    return data if rng.random() < 0.5 else data.rstrip(b"\r\n")


def check(data: bytes, indicators=INDICATORS, sieve: IndicatorSieve | None = None) -> int:
    """Hold the law; return how many hits there were."""
    fast = (sieve or IndicatorSieve(indicators)).scanner().scan(data)
    plain = PlainSweep([indicators.target(n) for n in range(len(indicators))]).scan(data)
    assert fast == plain
    return len(plain)
