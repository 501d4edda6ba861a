from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from exopsy.evidence.files import markup
from exopsy.evidence.files.markup import Markup, first_name


def _by_lxml(data: bytes):
    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)
    found = []
    for element in etree.fromstring(data, parser).iter():
        if isinstance(element.tag, str):
            attributes = {etree.QName(k).localname: v for k, v in element.attrib.items()}
            found.append((etree.QName(element).localname, attributes, element.sourceline))
    return found


def _by_us(data: bytes):
    document = Markup(data)
    assert not document.lost
    return [
        (
            e.name,
            {k: v for k, v in e.attributes.items() if k != "xmlns"},
            document.origin(e, "x").line,
        )
        for e in document.walk()
    ]


_names = st.sampled_from(["add", "remove", "system.web", "location", "a-b"])
_values = st.text("ab/= <>&\"'é€\n\t", max_size=8)


@st.composite
def _documents(draw: st.DrawFn, depth: int = 3) -> etree._Element:
    element = etree.Element(draw(_names))
    for name in draw(st.lists(st.sampled_from(["name", "type", "path"]), unique=True, max_size=3)):
        element.set(name, draw(_values))
    for _ in range(draw(st.integers(0, 3)) if depth else 0):
        kind = draw(st.integers(0, 5))
        if kind == 0:
            element.append(etree.Comment(draw(st.sampled_from(["<add>", " x > y ", "a-b"]))))
        else:
            element.append(draw(_documents(depth=depth - 1)))
        element[-1].tail = draw(st.sampled_from(["", "\n", "\n  ", "text"]))
    return element


@settings(max_examples=150)
@given(_documents(), st.sampled_from(["utf-8", "utf-16", "iso-8859-1"]))
def test_sound_documents_are_read_as_by_a_validating_parser(
    document: etree._Element, encoding: str
) -> None:
    data = etree.tostring(document, encoding=encoding, xml_declaration=True)
    assert _by_us(data) == _by_lxml(data)


def test_the_forms_of_xml() -> None:
    data = b"""<?xml version="1.0"?>
<!-- <x/> --><p:a xmlns:p="urn:x" b='1 &lt;&#x41;&#66;&amp;amp; "q"' c = "two
lines"><![CDATA[<not an="element"/>]]><?pi <x/> ?><d   /><e></e ></p:a>
"""
    assert _by_us(data) == [
        ("a", {"p": "urn:x", "b": '1 <AB&amp; "q"', "c": "two lines"}, 2),
        ("d", {}, 3),
        ("e", {}, 3),
    ]
    assert Markup(data).tops[0].text == '<not an="element"/>'


def test_an_element_knows_its_bytes() -> None:
    data = '<a>\r\n <b c="ä"/>\r\n <d>x</d></a>'.encode("utf-16")
    document = Markup(data)
    raws = [document.raw(e, 4_096).decode("utf-16-le") for e in document.walk()]
    assert raws[1:] == ['<b c="ä"/>', "<d>x</d>"]
    assert data[document.origin(document.tops[0].children[1], "x").offset :].startswith(b"<\0d\0")


def test_entities_are_never_expanded() -> None:
    bomb = "<!DOCTYPE a [" + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 30))
    document = Markup(f'{bomb}]><a b="&e29;">&e29;</a>'.encode())
    assert document.lost == {markup.DOCTYPE: 1}
    assert document.tops[0].get("b") == "&e29;"
    assert document.tops[0].text == "&e29;"


def test_what_is_quoted_does_not_end_a_document_type() -> None:
    subset = """<!-- ' ]> --><!ENTITY a "]><!--"><!ENTITY b ']>'>"""
    document = Markup(f"<!DOCTYPE x [{subset}]><a><b/></a>".encode())
    assert [e.name for e in document.walk()] == ["a", "b"]
    assert document.lost == {markup.DOCTYPE: 1}


def test_nothing_is_fetched(tmp_path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("fetched")
    document = Markup(f'<!DOCTYPE a [<!ENTITY x SYSTEM "file://{secret}">]><a>&x;</a>'.encode())
    assert document.tops[0].text == "&x;"


def test_depth_is_bounded_and_what_follows_is_read() -> None:
    deep = b"<a>" * 50_000 + b"</a>" * 50_000
    document = Markup(b"<r>" + deep + b'<after b="1"/></r>')
    assert document.lost == {markup.TOO_DEEP: 50_000 - markup.MOST_DEPTH + 1}
    assert [c.name for c in document.tops[0].children] == ["a", "after"]


def test_the_number_of_elements_is_bounded() -> None:
    document = Markup(b"<r>" + b"<a/>" * (markup.MOST_ELEMENTS + 10) + b"</r>")
    assert document.lost[markup.TOO_MANY] == 1
    assert sum(1 for _ in document.walk()) == markup.MOST_ELEMENTS


def test_the_number_of_broken_tags_is_bounded() -> None:
    document = Markup(b"<r>" + b"<%" * 1_000_000 + b"<late/></r>")
    assert document.lost[markup.TOO_MANY] == 1
    assert document.lost[markup.DAMAGED] <= 4 * markup.MOST_ELEMENTS
    assert [e.name for e in document.walk()] == ["r"]


@pytest.mark.parametrize(
    "hostile",
    [
        b"<a " * 200_000,
        b'<a b="' * 200_000,
        b"<a b='x\"" * 200_000,
        b"<" * 400_000,
        b"</a" * 200_000,
        b"<!--" * 100_000,
        b"<a>" + b"&#65;x" * 200_000,
        b"<a " + b" " * 400_000,
        b"<a" + b' b="c"' * 200_000,
        b"<a" + b' b="c"' * 200_000 + b"/>",
        b"<a>x<b/>" * 100_000,
        b"<!DOCTYPE x [" + b"'\"<!--" * 100_000,
        b"<!DOCTYPE x [<" * 100_000,
    ],
)
def test_hostile_text_is_looked_at_once(hostile: bytes) -> None:
    """Twice the length costs about twice the work; the suite would hang were it quadratic."""
    Markup(hostile)


def test_damage_costs_the_tag_it_is_in() -> None:
    document = Markup(b'<a><b c="1" d=2><e f="g"/></b><h i="j<k l="m"/></h></x></a><n/>')
    assert document.lost == {markup.DAMAGED: 3}
    names = [e.name for e in document.walk()]
    assert names[:3] == ["a", "b", "e"]
    assert {"h", "k", "n"} <= set(names)
    assert document.tops[0].children[0].get("c") == "1"


def test_an_end_tag_closes_what_is_open_inside() -> None:
    document = Markup(b"<a><location><w><x/></location><y/></a>")
    assert [c.name for c in document.tops[0].children] == ["location", "y"]
    assert document.lost == {markup.DAMAGED: 1}


@given(st.binary(max_size=400))
def test_any_bytes_are_read(data: bytes) -> None:
    for element in Markup(b"<a>" + data).walk():
        assert element.end >= element.start


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<configuration>", "configuration"),
        ("\ufeff<?xml version='1.0'?>\n<!-- <x> --><ns:Task a='b'>", "Task"),
        ("text <configuration>", ""),
        ("<!-- never closed <configuration>", ""),
        ("", ""),
    ],
)
def test_the_outermost_element_has_a_name(text: str, name: str) -> None:
    assert first_name(text) == name
