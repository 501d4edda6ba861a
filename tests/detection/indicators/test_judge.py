"""What counts as standing in a line; each example is a way in which logs write things."""

from __future__ import annotations

import pytest
import sweep_law as law

from exopsy.detection.indicators.judge import LineJudge, PlainSweep, target_of
from exopsy.detection.indicators.sieve import IndicatorSieve

UA = "Mozilla/5.0 (X11; Linux) evil/1.0"
YES = [
    ("address", "203.0.113.5", b"a 203.0.113.5 b"),
    ("address", "203.0.113.5", b"203.0.113.5:443"),
    ("address", "203.0.113.5", b"from 203.0.113.5."),
    ("address", "203.0.113.5", b"203.0.113.5-203.0.113.9"),
    ("address", "203.0.113.5", b"::ffff:203.0.113.5"),
    ("address", "203.0.113.5", b"x [::FFFF:cb00:7105]:25"),
    ("address", "203.0.113.5", b"q=203%2e0%2e113%2e5&"),
    ("address", "2001:db8::1", b"2001:DB8:0:0:0:0:0:1"),
    ("address", "2001:db8::1", b"[2001:db8::1]:443"),
    ("address", "2001:db8::1", b"2001:0db8::0001%12"),
    ("address", "2001:db8::1", b"ClientIp:2001:db8::1,"),
    ("network", "198.51.100.0/24", b"x 198.51.100.255"),
    ("network", "2001:db8::/32", b"2001:db8:ffff::"),
    ("domain", "example.com", b"sub.example.com"),
    ("domain", "example.com", b"user@EXAMPLE.com"),
    ("domain", "example.com", b"https://example.com./"),
    ("domain", "example.com", b"example%2Ecom"),
    ("domain", "example.com", b'{"q": "\\nexample.com"}'),
    ("domain", "b\u00fccher.example", b"xn--bcher-kva.example"),
    ("url", "http://evil.example/a/x.php", b"GET https://evil.example/a/x.php?q=1"),
    ("url", "http://evil.example/a/x.php", b"url=evil.example%2fa%252Fx.php&"),
    ("url", "http://evil.example/a/x.php", b'{"u":"http:\\/\\/evil.example\\/a\\/x.php"}'),
    ("url", "http://evil.example/a%20b", b"evil.example/a+b"),
    ("user-agent", UA, b"- Mozilla/5.0+(X11;+Linux)+evil/1.0 -"),
    ("user-agent", UA, b",Mozilla/5.0 (X11; Linux) evil/1.0,"),
    ("user-agent", UA, b'{"ua":"Mozilla\\/5.0 (X11; Linux) evil\\/1.0"}'),
    ("user-agent", "sqlmap", b"x sqlmap/1.2#stable y"),
    ("md5", "0123456789abcdef" * 2, b"MD5=0123456789ABCDEF0123456789ABCDEF,"),
    ("md5", "0123456789abcdef" * 2, b"C:\\0123456789abcdef0123456789abcdef.bin"),
    ("file-name", "evil.aspx", b"/aspnet_client/evil.aspx"),
    ("file-name", "evil tool.exe", b'"C:\\\\x\\\\Evil Tool.exe"'),
    ("path", "C:\\Temp\\x1.aspx", b"file:///c:/temp/x1.aspx"),
    ("path", "C:\\Temp\\x1.aspx", b'{"p":"C:\\\\Temp\\\\x1.aspx"}'),
    ("path", "%TEMP%\\x1.aspx", b"D:\\any\\x1.aspx"),
    ("path", "/aspnet_client/x1.aspx", b"POST /ASPNET_client/x1.aspx - 443"),
    ("email", "bob@evil.example", b"<Bob@evil.example>"),
    ("account", "EXAMPLE\\svc-bck", b"EXAMPLE\\\\svc-bck,"),
]
NO = [
    ("address", "10.1.2.3", b"110.1.2.30"),
    ("address", "10.1.2.3", b"10.1.2.3.4"),
    ("address", "10.1.2.3", b"x10.1.2.3"),
    ("address", "2001:db8::1", b"2001:db8::11"),
    ("address", "2001:db8::1", b"2001:db8:1::1"),
    ("network", "198.51.100.0/24", b"198.51.101.1"),
    ("domain", "example.com", b"notexample.com"),
    ("domain", "example.com", b"example.com.test"),
    ("domain", "example.com", b"not-example.com"),
    ("url", "http://evil.example/a", b"evil.example/ab"),
    ("url", "http://evil.example/a", b"notevil.example/a"),
    ("user-agent", "Mozilla/5.0 (X11; Linux)", b"- Mozilla/5.0+(X11;+Linux)+Gecko -"),
    ("user-agent", "Mozilla/5.0 (X11; Linux)", b",Mozilla/5.0 (X11; Linux) Gecko,"),
    ("md5", "0123456789abcdef" * 2, b"0123456789abcdef0123456789abcdef0"),
    ("file-name", "evil.aspx", b"notevil.aspx"),
    ("file-name", "evil.aspx", b"evil.aspx.bak"),
    ("path", "C:\\Temp\\x1.aspx", b"c:\\temp\\x1.aspx.txt"),
    ("email", "bob@evil.example", b"rob.bob@evil.example"),
]


@pytest.mark.parametrize(("kind", "value", "line"), YES)
def test_it_stands_there(kind, value, line):
    assert LineJudge(line).find(target_of(0, kind, value)) is not None
    assert law.check(line + b"\n", law.make_set([(kind, value)])) == 1


@pytest.mark.parametrize(("kind", "value", "line"), NO)
def test_it_does_not_stand_there(kind, value, line):
    assert LineJudge(line).find(target_of(0, kind, value)) is None
    assert law.check(line + b"\n", law.make_set([(kind, value)])) == 0


def test_the_place_is_that_of_the_bytes_as_logged():
    line = b"a=%68ttp:%2F%2Fevil%2eexample/x b"
    start, end, name = LineJudge(line).find(target_of(0, "domain", "evil.example"))
    assert line[start:end] == b"evil%2eexample"
    assert name == start


def test_an_escape_before_a_plain_value_does_not_hide_it():
    assert LineJudge(b"50%dead.example").find(target_of(0, "domain", "dead.example")) is not None


def test_escapes_are_undone_sixteen_times_and_no_more():
    def line(depth):
        return b"evil%" + b"25" * depth + b"2eexample"

    target = target_of(0, "domain", "evil.example")
    assert LineJudge(line(15)).find(target) is not None
    assert LineJudge(line(16)).find(target) is None
    for depth in (15, 16):
        assert law.check(line(depth), law.make_set([("domain", "evil.example")])) == 16 - depth


def test_a_line_of_a_megabyte_is_looked_through():
    data = b"x" * 500_000 + b" evil.example " + b"%41" * 170_000 + b"\n"
    assert law.check(data, law.make_set([("domain", "evil.example")])) == 1


def test_the_plain_sweep_says_lines_and_ends():
    found = PlainSweep([target_of(7, "domain", "evil.example")]).scan(b"a\r\nevil.example\r\n")
    assert [(f.indicator, f.line, f.start, f.line_end) for f in found] == [(7, 1, 3, 15)]
    assert found == [
        f.__class__(**{**{n: getattr(f, n) for n in f.__struct_fields__}, "indicator": 7})
        for f in IndicatorSieve(law.make_set([("domain", "evil.example")]))
        .scanner()
        .scan(b"a\r\nevil.example\r\n")
    ]
