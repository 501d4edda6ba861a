"""Laws and fixtures of every parser; the next parser needs no test code, only files."""

from __future__ import annotations

import io
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence import registry
from exopsy.evidence.framing import records
from exopsy.schema.columns import COLUMNS
from exopsy.schema.row import Row, Skipped

DATA = Path(__file__).parent / "data"
SHARED = Path(__file__).parents[2].parent / "shared" / "samples"
FIXTURES = sorted(p for p in DATA.glob("*/*") if not p.name.endswith(".expected.jsonl"))
WORDS = [b"", b"-", b"99-99-99", b"\xff", b"\0" * 9, b"#Fields:", b'"', b"''", b"\n", b"%u", b";"]


def as_json(item: Row | Skipped) -> str:
    document = msgspec.to_builtins(item)
    del document["origin"]["artifact"]
    if isinstance(item, Row):
        del document["raw"]
        del document["many"]  # text logs have none
        del document["notes"]
        document = {"kind": "row", **document}
    return msgspec.json.encode(document, order="sorted").decode()


def parse(sample: bytes, name: str) -> list[Row | Skipped]:
    parser = registry.load(registry.spec_of(name))
    return list(parser.parse(io.BytesIO(sample), artifact="a", host="EX01"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("sample", FIXTURES, ids=name_of)
def test_fixture(sample: Path) -> None:
    got = [as_json(item) for item in parse(sample.read_bytes(), sample.parent.name)]
    expected = sample.with_name(sample.name + ".expected.jsonl").read_text("utf-8").splitlines()
    assert got == expected


@pytest.mark.parametrize("sample", FIXTURES, ids=name_of)
def test_a_rows_raw_bytes_lie_at_its_offset_and_line(sample: Path) -> None:
    content = sample.read_bytes()
    for item in parse(content, sample.parent.name):
        assert content[: item.origin.offset].count(b"\n") == item.origin.line - 1
        if isinstance(item, Row):
            assert content[item.origin.offset :].startswith(item.raw)


@pytest.mark.parametrize("spec", registry.FORMATS, ids=lambda spec: spec.name)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_no_damage_makes_a_parser_raise_and_no_record_is_lost(
    spec: registry.FormatSpec, data: st.DataObject
) -> None:
    sample = data.draw(st.sampled_from([p for p in FIXTURES if p.parent.name == spec.name]))
    words = re.split(rb"(?<=[ ,;'\"\n=])", sample.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(words) - 1))
        words[at] = data.draw(st.binary(max_size=8) | st.sampled_from(WORDS))
    content = b"".join(words)
    parser = registry.load(spec)
    lines = [line for _, _, line in records(io.BytesIO(content)) if not parser.is_header(line)]
    items = parse(content, spec.name)
    assert len(items) == len(lines)
    assert [item.raw for item in items if isinstance(item, Row)] == [
        line for line, item in zip(lines, items, strict=True) if isinstance(item, Row)
    ]
    registry.recognise(content, "x")


@pytest.mark.parametrize("spec", registry.FORMATS, ids=lambda spec: spec.name)
def test_every_format_has_a_module_a_reference_a_fixture_and_columns(
    spec: registry.FormatSpec,
) -> None:
    module = registry.load(spec)
    assert re.search(r"Reference: .*https://", module.__doc__ or "", re.DOTALL)
    for name in ("recognise", "is_header", "read_header", "parse_record", "parse"):
        assert callable(getattr(module, name))
    assert spec.name in COLUMNS
    assert COLUMNS[spec.name].knows(spec.time_column)
    assert any(p.parent.name == spec.name for p in FIXTURES)


@pytest.mark.parametrize("sample", FIXTURES, ids=name_of)
def test_fields_are_known_to_the_column_lists(sample: Path) -> None:
    known = COLUMNS[sample.parent.name]
    for item in parse(sample.read_bytes(), sample.parent.name):
        if isinstance(item, Row):
            assert {name for name in item.fields if not known.knows(name)} <= {"x-new-column"}
            assert set(item.decoded) <= set(item.fields)


@pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of real samples is absent")
def test_real_samples_give_rows() -> None:
    for sample in sorted((SHARED).glob("[ei]*-logs/*.log")):
        content = sample.read_bytes()
        spec = registry.recognise(content, "renamed")
        assert spec is not None, sample
        items = parse(content, spec.name)
        assert items, sample
        assert all(isinstance(item, Row) and item.timestamp for item in items), sample
