"""Text that is made to be slow: work grows with the file, and ends at the bounds."""

import time

import pytest
from page_pieces import build

from exopsy.detection.pages.weigh import weigh

MOST = 8 << 20

REPEATS = [
    "<%", "<% (", "<%=", "<script runat=server>", "<script ", "<input ", "<!--#include file=\"a", "<% a.", "<% «E»(", "<% a=", "<% \"", "<% '", "<% /*",
    "<% $\"{", "<% @\"", "<% {", "<% x[", "<% new ", "<% a b ", "<% \"a\"+", "<% chr(1)&", "<% function a(){", "@{", "@if(", "@a(", "<% =/[", "<% `", "<% x?",
    "<% \\u0065", "<% <a", "Name : x\n", "<%@ page ", "<x:script ", "\n", " ", "<% «R»[", "<% a=«R»;", "<% a+=\"b\";", "<add path=\"a.jpg\"", "<% \u200b",
    "document.getElementById(\"password\").value;", "<% If a Then ", "<% «X» ", "(\"a\")", "<% a(b(", "<%--", "password=form.password.value;x.open(\"get\",",
]  # fmt: skip


def path_of(piece: str) -> str:
    """Return the name under which a piece is the most work."""
    if piece.startswith("@"):
        return "a.cshtml"
    return "a.asp" if any(w in piece for w in ("chr(", "If ", "«X»", "#include")) else "a.aspx"


def page(piece: str, size: int) -> bytes:
    return (
        "<%@ Page %><% a = request; %> password .value .open( " + piece * (size // len(piece))
    ).encode()


def seconds(piece: str, size: int) -> float:
    """Return the least of two measurements, in seconds of this process alone."""
    data = page(build(piece), size)
    least = 99.0
    for _ in range(2):
        start = time.process_time()
        weigh(data, path_of(piece), most=MOST)
        least = min(least, time.process_time() - start)
    return least


@pytest.mark.parametrize("piece", REPEATS)
def test_work_grows_no_faster_than_the_file(piece):
    """Eight times the text is at most about that much work; the bound is loose, a square would be 64."""
    small = seconds(piece, 20_000)
    large = seconds(piece, 160_000)
    assert large < max(small, 0.01) * 8 * 2.5, (small, large)


@pytest.mark.parametrize("piece", ['<% a+="b";', "<% new ", "@if(", "<% «E»("])
def test_a_large_file_ends_at_the_bounds(piece):
    """Beyond the tokens that are walked only cheap searches are left."""
    data = page(build(piece), 4 << 20)
    start = time.process_time()
    report = weigh(data, path_of(piece), most=MOST)
    assert time.process_time() - start < 12  # 1 to 2 when this was written
    assert report.cut
