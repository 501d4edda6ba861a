"""Events in the usual layout: what is taken by its places is what the shape would give."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from exopsy.evidence.events import usual
from exopsy.evidence.events.flatten import flatten, flatten_plainly
from exopsy.evidence.events.usual import USUAL, read_usual
from exopsy.schema.row import Origin, Row

Patch = pytest.MonkeyPatch
ORIGIN = Origin(artifact="a.evtx", offset=4096, line=7)

VALUES: list[Any] = [
    "C:\\x\\y.exe", 'say "so"', "é", "😀", "-", "", None, True, False, 0, 1, -7, 10**20, "1", "true",
    "tab\tstop", "a\u2028b", "x" * 300, "{}", '","b":"', "null",
]  # fmt: skip
ODD: list[Any] = [1.5, ["a", "b"], {"a": "b"}, {"#text": "x"}, [], {}]
NAMES = """
    Image CommandLine User ProcessID ThreadID Version Opcode Qualifiers ActivityID Provider_Guid
    LogonType Level channel eventid Keywords UserID Data EventData x_attributes @a Näme
""".split()


def record(chance: random.Random) -> dict[str, Any]:
    number: Any = chance.choice([1, 4624, "4624", {"#attributes": {"Qualifiers": 9}, "#text": 7}])
    provider = chance.choice(
        [{"Name": "P", "Guid": "{1}"}, {"Name": "P"}, {"Guid": "1", "Name": "-"}, {"EventID": 5}]
    )
    system: dict[str, Any] = {
        "Provider": {"#attributes": provider},
        "EventID": number,
        "Version": chance.choice([0, 2]),
        "Level": 4,
        "Task": 12544,
        "Opcode": 0,
        "Keywords": chance.choice(["0x8020000000000000", -9218868437227405312]),
        "TimeCreated": {
            "#attributes": {"SystemTime": chance.choice(["2021-03-03T04:00:01.5Z", "2021-03-03"])}
        },
        "EventRecordID": chance.randrange(50),
        "Correlation": chance.choice(
            [None, {"#attributes": {"ActivityID": "A1", "RelatedActivityID": "B2"}},
             {"#attributes": {"ActivityID": "A1"}}]
        ),
        "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": 96}},
        "Channel": chance.choice(["Security", "Sécurité", "-"]),
        "Computer": "EX01",
        "Security": chance.choice([None, {"#attributes": {"UserID": "S-1-5-18"}}]),
    }  # fmt: skip
    if chance.random() < 0.2:
        del system[chance.choice(list(system))]
    if chance.random() < 0.05:
        system["Level"] = [2, 3]
    names = chance.sample(NAMES, chance.randrange(7))
    if chance.random() < 0.6:
        names = [name for name in names if NAMES.index(name) < 11]
    data = {name: chance.choice(VALUES) for name in names}
    if names and chance.random() < 0.15:
        data[names[0]] = chance.choice(ODD)
    return {"Event": {"#attributes": {"xmlns": "http://x"}, "System": system, "EventData": data}}


def text_of(chance: random.Random) -> str:
    text = json.dumps(record(chance), ensure_ascii=chance.random() < 0.2, separators=(",", ":"))
    fate = chance.random()
    at = chance.randrange(len(text))
    if fate < 0.06:
        return text[:at]
    if fate < 0.18:
        return text[:at] + chance.choice('"\\{}[],:0 \x01\udc80') + text[at + 1 :]
    if fate < 0.24:
        return text.replace('"EventData":{', '"EventData":{"Image":"first",', 1)
    if fate < 0.30:
        return text.replace('"User":', '"Us\\u0065r":').replace("\\\\x", "\\u005cx")
    if fate < 0.34:
        return text.replace('"EventID":', '"Level":5,"EventID":', 1)
    if fate < 0.38:
        return text[:-2] + ',"UserData":{"a":"b"}}}'
    return text


def told(row: Any) -> Any:
    if not isinstance(row, Row):
        return row
    return (list(row.fields.items()), row.many, row.notes, row.timestamp, row.raw, row.origin)


def hold_the_law(seeds: range) -> int:
    quick = 0
    for seed in seeds:
        chance = random.Random(seed)
        for _ in range(200):
            text = text_of(chance)
            made = flatten(text, artifact="a.evtx", host="EX01", offset=4096, number=7)
            assert told(made) == told(flatten_plainly(text, ORIGIN, "EX01")), text
            quick += read_usual(text) is not None
    return quick


def test_what_is_taken_by_its_places_is_what_the_shape_gives() -> None:
    assert hold_the_law(range(20)) > 400


def test_events_are_told_apart_by_every_field_that_is_asked_for() -> None:
    names = ("Image", "User", "Level", "Computer", "Channel", "Provider_Name", "Qualifiers")
    assert USUAL.are_told(names)
    seen: dict[Any, Any] = {}
    for seed in range(20):
        chance = random.Random(seed)
        for _ in range(200):
            text = text_of(chance)
            found = read_usual(text)
            row = flatten(text, artifact="", host="", offset=0, number=0)
            if found is not None and isinstance(row, Row):
                values = [row.value(name) for name in names]
                assert seen.setdefault(found.told(names), values) == values
    assert len(seen) > 100


@pytest.mark.parametrize("name", ["EventRecordID", "ProcessID", "ActivityID"])
def test_what_is_another_in_every_event_is_not_told(name: str) -> None:
    assert not USUAL.are_told(("Image", name))


def test_made_up_kinds_and_names_do_not_fill_the_memory() -> None:
    for number in range(3_000):
        made = record(random.Random(0))
        made["Event"]["System"] |= {"Level": number}
        made["Event"]["EventData"] = {f"made up {number}": "x"}
        read_usual(json.dumps(made, separators=(",", ":")))
    assert len(usual._kinds) <= 1_024
    assert len(usual._plain_names) <= 1_024


def names_said_twice_unseen(patch: Patch) -> None:
    usual_read = usual._encode

    class Same(bytes):
        __hash__ = bytes.__hash__

        def __ne__(self, other: object) -> bool:
            return False

    patch.setattr(usual, "_encode", lambda data: Same(usual_read(data)))


def dashes_are_values(patch: Patch) -> None:
    patch.setattr(usual, "_NOTHING", ("", None))


def data_takes_names_of_the_system_part(patch: Patch) -> None:
    patch.setattr(usual, "_RESERVED", frozenset())
    patch.setattr(usual, "_plain_names", set())


def booleans_as_python_writes_them(patch: Patch) -> None:
    patch.setattr(usual, "_written", str)


DEFECTS: dict[str, Callable[[Patch], None]] = {
    "names said twice": names_said_twice_unseen,
    "dashes are values": dashes_are_values,
    "data takes names of the system part": data_takes_names_of_the_system_part,
    "booleans as Python writes them": booleans_as_python_writes_them,
}


@pytest.mark.parametrize("name", DEFECTS)
def test_the_law_catches(name: str, monkeypatch: Patch) -> None:
    DEFECTS[name](monkeypatch)
    with pytest.raises(AssertionError):
        hold_the_law(range(20))
