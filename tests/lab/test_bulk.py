import re

from exopsy.lab.bulk import make_bulk

HIT = re.compile(
    rb"autodiscover\.json[ ,]?\??[^ ]*(?:@|%40)[\w.]+/|/(?:aspnet_client|owa/auth|ecp/auth)/[^ ,]*\w+\.aspx|/(?:ecp|owa/auth)/\w{1,4}\.js[ ,]"
)


def lines_of(folder):
    for path in sorted(folder.rglob("*.[lL][oO][gG]")):
        yield from (
            x
            for x in path.read_bytes().split(b"\r\n")
            if x and not x.startswith((b"#", b"DateTime,"))
        )


def test_bulk_has_the_size_and_only_lines_that_differ(tmp_path):
    written = make_bulk(tmp_path / "a", target_bytes=2_000_000, seed=1)
    assert 2_000_000 <= written < 2_400_000
    lines = list(lines_of(tmp_path / "a"))
    joined = [x for x in lines if b"cafeReqId" in x or b"BeginRequest" in x]
    assert len(joined) > 0.6 * len(lines)
    assert len(set(joined)) == len(joined)
    assert make_bulk(tmp_path / "b", target_bytes=2_000_000, seed=1) == written
    assert list(lines_of(tmp_path / "b")) == lines


def test_bulk_mixes_in_the_wanted_share_of_hits_evenly(tmp_path):
    make_bulk(tmp_path, target_bytes=3_000_000, seed=2, hit_share=0.05)
    lines = list(lines_of(tmp_path))
    hits = [
        bool(HIT.search(x)) and not re.search(rb"logon\.aspx|logn|logoff|errorfe|frowny|expired", x)
        for x in lines
    ]
    assert 0.04 < sum(hits) / len(hits) < 0.06
