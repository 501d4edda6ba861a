"""Every term of the case document has words for a person."""

from __future__ import annotations

from typing import get_args

import msgspec

from exopsy.core.exit_code import ExitCode
from exopsy.evidence.registry import RULE_FORMATS
from exopsy.reports import words
from exopsy.schema import case


def test_every_term_has_words():
    assert (
        set(words.HEADLINES) == set(words.MEANINGS) == set(words.ANSWERS) == set(case.CONCLUSIONS)
    )
    assert set(words.COVERAGE) == set(get_args(case.CoverageGrade))
    assert set(words.CONFIDENCE) == set(get_args(case.Confidence))
    assert set(words.GRADES) == set(case.GRADES)
    assert set(words.KINDS) == set(get_args(case.BackdoorKind))
    assert set(words.IMPACT) == set(case.Impact.__struct_fields__)


def test_every_state_has_words():
    for document, field in (
        (case.ArtifactEntry, "state"),
        (case.Step, "state"),
        (case.Backdoor, "state"),
        (case.Effect, "state"),
        (case.Exposure, "state"),
        (case.Coverage, "state"),
    ):
        (type_,) = (f.type for f in msgspec.structs.fields(document) if f.name == field)
        assert set(get_args(type_)) <= set(words.STATES), document


def test_every_log_format_has_a_name_for_people():
    assert {spec.name for spec in RULE_FORMATS} == set(words.LOGS)


def test_every_conclusion_has_its_own_exit_code():
    codes = [words.exit_code(conclusion) for conclusion in case.CONCLUSIONS]
    assert codes == sorted(codes)
    assert len(set(codes)) == len(codes)
    assert words.exit_code("compromised") is ExitCode.COMPROMISED


def test_no_words_say_clean():
    told = [*words.HEADLINES.values(), *words.ANSWERS.values()]
    assert not [text for text in told if "clean" in text.lower() or "safe" in text.lower()]
