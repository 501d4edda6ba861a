from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exopsy.evidence.files.object_export import Exported, has_field, read_objects, shape_of
from exopsy.schema.row import Skipped

LIST = (
    "\r\nName   : A (b)\r\nUrl    : http://x.example/\r\n         y\r\nEmpty  :\r\n\r\nName : B\r\n"
)
JSON = '[{"Name":"A","Url":{"OriginalString":"http://x.example/"},"Many":["a",{"Name":"b"}],"No":null}]'
CLIXML = (
    '<Objs xmlns="x"><Obj RefId="0"><ToString>t</ToString><Props><S N="Name">A_x000A_b</S>'
    '<Obj N="Url"><ToString>http://x.example/</ToString></Obj>'
    '<Obj N="Many"><LST><S>a</S><S>b</S></LST></Obj></Props></Obj></Objs>'
)
LDIF = "# c\ndn: CN=A\nname:: QQ==\nurl: http://x.exam\n ple/\nurl: second\n\ndn: CN=B\nname: B\n"
CSV = '#TYPE X\n"Name","Url","Other"\n"A","http://x.example/,""q""",\n'


def _read(text: str, encoding: str = "utf-8") -> list[dict[str, str]]:
    items = list(read_objects(text.encode(encoding), "x"))
    assert not [i for i in items if isinstance(i, Skipped)]
    return [dict(i.fields) for i in items if isinstance(i, Exported)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_shapes(encoding: str) -> None:
    assert _read(LIST, encoding) == [
        {"Name": "A (b)", "Url": "http://x.example/y", "Empty": ""},
        {"Name": "B"},
    ]
    assert _read(JSON, encoding)[0] == {
        "Name": "A", "Url": "http://x.example/", "Many": "a\nb", "No": "",
    }  # fmt: skip
    assert _read(CLIXML, encoding)[0] == {
        "ToString": "t", "Name": "A\nb", "Url": "http://x.example/", "Many": "a\nb",
    }  # fmt: skip
    assert _read(LDIF, encoding) == [
        {"dn": "CN=A", "name": "A", "url": "http://x.example/\nsecond"},
        {"dn": "CN=B", "name": "B"},
    ]
    assert _read(CSV, encoding) == [{"Name": "A", "Url": 'http://x.example/,"q"'}]


def test_objects_have_their_places() -> None:
    first, second = (i for i in read_objects(LIST.encode(), "x") if isinstance(i, Exported))
    assert LIST.encode()[second.start : second.end] == b"Name : B"
    assert (first.line, second.line) == (2, 7)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("{}", "json"), ("<Objs/>", "clixml"), ("<html/>", ""), ("dn: CN=A\n", "ldif"),
        ("a,b,c\n", "csv"), ("plain\ntext\n", ""), ("A : b\nC : d\n", "list"), ("", ""),
    ],
)  # fmt: skip
def test_the_shape_is_told_by_the_beginning(text: str, shape: str) -> None:
    assert shape_of(text) == shape


@pytest.mark.parametrize(
    ("text", "has_it"),
    [
        ('{"ExternalUrl": "x"}', True),
        ('{"Parameters": "-ExternalUrl x"}', False),
        ("A,B,ExternalUrl\n", True),
        ("DateTime,Cmdlet,Parameters\n2021,Set-X,-ExternalUrl x\n", False),
        ("Name : a\nExternalUrl : x\n", True),
        ("Name : a\nText : ExternalUrl\n", False),
        ('<Objs><S N="ExternalUrl"/></Objs>', True),
        ("<Objs><S>ExternalUrl</S></Objs>", False),
    ],
)
def test_a_word_in_a_value_is_no_field(text: str, has_it: bool) -> None:
    assert has_field(text, ("ExternalUrl",)) is has_it


def test_damaged_json_is_told() -> None:
    assert [type(i) for i in read_objects(b'[{"a": 1', "x")] == [Skipped]
    deep = b"[" * 100_000
    assert [type(i) for i in read_objects(deep, "x")] == [Skipped]


def test_a_value_folded_a_hundred_thousand_times_is_read() -> None:
    text = "dn: CN=A\nurl: x\n" + " y\n" * 100_000
    [found] = _read(text)
    assert len(found["url"]) == 100_001


@given(st.sampled_from([LIST, JSON, CLIXML, LDIF, CSV]), st.data())
def test_damage_never_raises(text: str, data: st.DataObject) -> None:
    raw = bytearray(text.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    del raw[data.draw(st.integers(0, len(raw))) :]
    for item in read_objects(bytes(raw), "x"):
        if isinstance(item, Exported):
            assert 0 <= item.start <= item.end <= len(raw)
            "".join(item.fields.values()).encode()
