"""A script that was logged in parts is looked at as a whole."""

from __future__ import annotations

from exopsy.evidence.events.script_blocks import ScriptBlocks
from exopsy.schema.row import Origin, Row


def part(number, total, text, block="b1", **fields) -> Row:
    return Row(
        log="windows-event",
        host="EX01",
        timestamp=None,
        fields={
            "ScriptBlockId": block,
            "MessageNumber": str(number),
            "MessageTotal": str(total),
            "ScriptBlockText": text,
            **fields,
        },
        origin=Origin(artifact="a", offset=number, line=number),
        raw=text.encode(),
    )


def texts(rows):
    return [(r.fields["ScriptBlockText"], r.notes) for r in rows]


def test_parts_are_joined_in_the_order_of_their_numbers():
    blocks = ScriptBlocks()
    assert blocks.take(part(2, 3, "lo ")) == []
    assert blocks.take(part(1, 3, "hel", block="B1")) == []
    joined = blocks.take(part(3, 3, "world"))
    assert texts(joined) == [("hello world", ())]
    assert joined[0].origin.line == 1
    assert joined[0].raw == b"hel\nlo \nworld"
    assert blocks.finish() == []


def test_rows_that_are_no_parts_pass():
    blocks = ScriptBlocks()
    single = part(1, 1, "x")
    other = part(1, 2, "x")
    del other.fields["ScriptBlockId"]
    for row in (single, other, part(3, 2, "x"), part("x", 2, "x"), part("²", 2, "x")):
        assert blocks.take(row) == [row]
    assert blocks.finish() == []


def test_incomplete_blocks_are_given_at_the_end_and_marked():
    blocks = ScriptBlocks()
    blocks.take(part(1, 3, "a"))
    blocks.take(part(3, 3, "c"))
    assert texts(blocks.finish()) == [("ac", ("incomplete",))]


def test_a_script_that_ran_again_is_another():
    blocks = ScriptBlocks()
    blocks.take(part(1, 2, "a"))
    assert texts(blocks.take(part(1, 2, "A"))) == [("a", ("incomplete",))]
    assert texts(blocks.take(part(2, 2, "B"))) == [("AB", ())]


def test_what_is_kept_is_bounded():
    blocks = ScriptBlocks(most_open=2, most_characters=10)
    assert blocks.take(part(1, 2, "a", block="1")) == []
    assert blocks.take(part(1, 2, "b", block="2")) == []
    assert texts(blocks.take(part(1, 2, "c", block="3"))) == [("a", ("incomplete",))]
    assert texts(blocks.take(part(1, 2, "d" * 9, block="4"))) == [
        ("b", ("incomplete",)),
    ]
    assert texts(blocks.take(part(1, 9, "e" * 20, block="5"))) == [
        ("c", ("incomplete",)),
        ("d" * 9, ("incomplete",)),
        ("e" * 20, ("incomplete",)),
    ]
    assert blocks.finish() == []


def test_hosts_are_kept_apart():
    blocks = ScriptBlocks()
    blocks.take(part(1, 2, "a", Computer="ex01.example.com"))
    assert blocks.take(part(2, 2, "b", Computer="ex02.example.com")) == []
    assert len(blocks.finish()) == 2
