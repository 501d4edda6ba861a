"""Rules on configuration over public configurations of servers nobody broke into."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from exopsy.core.content import CONTENT
from exopsy.detection.load import load_rules
from exopsy.detection.matcher import Matcher, RowView
from exopsy.evidence import registry
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "iis-config"
# What is said of them, and why it is true.
JUSTIFIED = {
    "config_extended_protection_off": "informational",  # it was never switched on there
    "config_mitigation_without_effect": "low",  # web1.config is damaged: the server refuses it
}
# Its makers put three modules from C:\Temp into it, to test their own check of signatures.
PLANTED = "Shared__Tests__Data__E16_applicationHost_Mixed.config"

pytestmark = pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="needs the public samples of iis-config beside the checkout"
)


@pytest.fixture(scope="module")
def found() -> dict[str, Counter[tuple[str, str]]]:
    rules = load_rules([CONTENT], formats=registry.RULE_FORMATS).rules
    matchers = [Matcher(r, rules.lists) for r in rules.rules if r.log == "iis-config"]
    by_file: dict[str, Counter[tuple[str, str]]] = {}
    for path in sorted(SAMPLES.glob("*.config")):
        data = path.read_bytes()
        spec = registry.recognise_file(data[:65_536], path.name)
        assert spec is not None
        assert spec.name == "iis-config"
        facts = FileFacts(path=path.name, size=len(data), sha256="")
        by_file[path.name] = Counter(
            (Path(m.rule.at).stem, m.rule.info.level)
            for row in registry.load_file(spec).read_file(data, facts)
            if isinstance(row, Row)
            for m in matchers
            if m.match(RowView(row)) is not None
        )
    return by_file


def test_they_are_all_there(found) -> None:
    assert len(found) == 76


def test_nothing_is_said_of_clean_servers_but_what_is_true(found) -> None:
    for name, counted in found.items():
        if name != PLANTED:
            assert dict(counted.keys()).items() <= JUSTIFIED.items(), name


def test_modules_that_were_put_there_are_found(found) -> None:
    assert found[PLANTED]["config_native_module_outside_programs", "medium"] == 3


def test_protection_that_is_switched_on_is_not_called_off(found) -> None:
    off = ("config_extended_protection_off", "informational")
    prefix = "Shared__Tests__ExtendedProtection__Data__E19_"
    assert found[f"{prefix}Configured_ApplicationHost.config"][off] == 0
    assert found[f"{prefix}MisConfigured_ApplicationHost.config"][off] == 2
    assert found[f"{prefix}NotConfigured_ApplicationHost.config"][off] == 15
