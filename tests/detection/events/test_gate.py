from __future__ import annotations

import json

import law_of_events as law
import pytest

from exopsy.detection.events.gate import Gate, Gates, gate_of
from exopsy.schema.row import Row

HEAD = '{"Event":{"#attributes":{"xmlns":"http://x"},"System":{'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + '"EventID":4624,"Channel":"Security"}}}', Gate("Security", "4624")),
        (HEAD + '"EventID":"4624","Channel":"Security"}}}', Gate("Security", "4624")),
        (
            HEAD + '"EventID":{"#attributes":{"Qualifiers":1},"#text":7},"Channel":"Security"}}}',
            Gate("Security", "7"),
        ),
        (
            HEAD + '"Provider":{"#attributes":{"Name":"}}{","Guid":"{1}"}},"EventID":1,'
            '"Security":null,"Channel":"A B/C"}}}',
            Gate("A B/C", "1"),
        ),
        (HEAD + '"Provider":{"a":{"EventID":9,"Channel":"No"}},"EventID":1,"Channel":"Ab"}}}',
         Gate("Ab", "1")),
        (HEAD + '"X":{"a":{"b":{"EventID":9}}},"EventID":1,"Channel":"Ab"}}}', None),
        (HEAD + '"EventID":1,"EventData":{"Channel":"Ab"}}}}', None),
        (HEAD + '"EventID":007,"Channel":"Security"}}}', None),
        (HEAD + '"EventID":1.5,"Channel":"Security"}}}', None),
        (HEAD + '"EventID":"x","Channel":"Security"}}}', None),
        (HEAD + '"EventID":1,"Channel":"Sec\\u0075rity"}}}', None),
        (HEAD + '"EventID":1,"Channel":"-"}}}', None),
        (HEAD + '"EventID":1, "Channel":"Security"}}}', None),
        ('{"EventData":{"EventID":1,"Channel":"No"}}', None),
        ("", None),
    ],
)  # fmt: skip
def test_what_the_text_says(text: str, expected: Gate | None) -> None:
    assert gate_of(text) == expected


def test_the_gate_is_what_the_row_says() -> None:
    known = 0
    for seed in range(100, 130):
        for text in law.material(seed):
            gate = gate_of(text)
            row = law.FLATTEN(text, offset=0, number=0)
            if gate is not None and isinstance(row, Row):
                assert gate == (row.value("Channel"), row.value("EventID")), text
                known += 1
    assert known > 1_000


def test_many_texts_say_what_each_says() -> None:
    gates = Gates()
    known = 0
    for seed in range(100, 130):
        texts = law.material(seed)
        expected = [gate_of(text) for text in texts]
        assert gates.of(texts) == expected
        known += sum(gate is not None for gate in expected)
    assert known > 1_000


def test_made_up_kinds_do_not_fill_the_memory() -> None:
    gates = Gates()
    text = HEAD + '"EventID":%d,"TimeCreated":{"#attributes":{"SystemTime":"x"}},"EventRecordID":1,'
    texts = [text % n + f'"Channel":"Made up {n}"}}}}}}' for n in range(3_000)]
    assert gates.of(texts) == [Gate(f"Made up {n}", str(n)) for n in range(3_000)]
    assert len(gates._known) <= 1_024
    assert len(gates._gates) <= 1_024


def test_a_text_made_to_be_slow_is_not() -> None:
    nested = json.dumps({"a": {"b": "x" * 200}}) * 2_000
    assert gate_of(HEAD + nested.replace(" ", "")) is None
