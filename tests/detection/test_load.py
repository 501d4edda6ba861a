from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from exopsy.detection.load import LoadedRules, load_rules, rule_files
from exopsy.detection.rule import RuleSet
from exopsy.evidence.registry import FORMATS

RULE: dict[str, Any] = {
    "title": "A page was asked for",
    "id": "0f5c2b0e-7c8e-4d55-9b8c-8a7b4a3f0a01",
    "status": "test",
    "level": "low",
    "tags": ["attack.initial-access", "attack.t1190", "attack.t1505.003", "cve.2021-0001"],
    "logsource": {"category": "webserver"},
    "detection": {
        "one": {"cs-uri-stem|endswith": ".aspx"},
        "answered": {"sc-status": 200},
        "condition": "one",
    },
    "exopsy": {
        "behaviour": "P01",
        "subject": ["c-ip", "file"],
        "extract": {"file": {"field": "cs-uri-stem", "re": "([^/]+)$"}},
        "grade": [{"when": "answered", "grade": "success"}, {"grade": "attempt"}],
        "keys": ["cafeReqId"],
        "innocent": ["a browser"],
        "next": "look at it",
    },
}
AGGREGATE: dict[str, Any] = {
    "title": "Many mailboxes",
    "id": "0f5c2b0e-7c8e-4d55-9b8c-8a7b4a3f0a02",
    "level": "low",
    "exopsy": {"behaviour": "P13", "subject": ["AuthenticatedUser"]},
    "aggregate": {
        "table": "exchange_ews",
        "log": "exchange-ews",
        "columns": ["AuthenticatedUser"],
        "sql": "SELECT 1",
    },
}


def changed(document: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """Return a copy with one part replaced; the path is written ``exopsy/grade``."""
    made = copy.deepcopy(document)
    *above, last = path.split("/")
    place = made
    for name in above:
        place = place[name]
    place[last] = value
    return made


class Folder:
    """A content folder in the making."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def rule(self, document: Any, name: str = "a.yml") -> Path:
        path = self.path / "detections" / "initial_access" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            document if isinstance(document, str) else yaml.safe_dump(document), "utf-8"
        )
        return path

    def aggregate(self, document: Any, name: str = "a.yml") -> None:
        path = self.path / "aggregates" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(document), "utf-8")

    def list(self, name: str, text: str) -> None:
        path = self.path / "lists" / f"{name}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")

    def load(self, cache: Path | None = None) -> LoadedRules:
        return load_rules([self.path], formats=FORMATS, cache=cache)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    (tmp_path / "content").mkdir()
    return Folder(tmp_path / "content")


def test_a_good_rule(folder: Folder) -> None:
    folder.rule(RULE)
    folder.aggregate(AGGREGATE)
    loaded = folder.load()
    assert loaded.errors == ()
    (rule,) = loaded.rules.rules
    assert rule.log == "iis-w3c"
    assert rule.at == "detections/initial_access/a.yml"
    assert rule.keys == ("cafeReqId",)
    assert rule.info.grades == ("success", "attempt")
    assert rule.info.techniques == ("T1190", "T1505.003")
    assert rule.info.logs == ("iis-w3c",)
    (aggregate,) = loaded.rules.aggregates
    assert (aggregate.log, aggregate.columns) == ("exchange-ews", ("AuthenticatedUser",))
    assert set(loaded.rules.infos()) == {RULE["id"], AGGREGATE["id"]}


def test_tests_are_no_rules(folder: Folder) -> None:
    path = folder.rule(RULE)
    folder.rule("- name: x\n", "a.test.yml")
    assert rule_files(folder.path) == [path]


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("detection/one", {"cs-uri-stems": "x"}, "'cs-uri-stems' is no field of iis-w3c"),
        ("exopsy/subject", ["ip"], "'ip' is no field"),
        ("exopsy/keys", ["RequestId"], "'RequestId' is no field"),
        ("exopsy/keys", "cafeReqId", "is no field"),
        ("detection/one", {"cs-uri-stem|expand": "%nowhere%"}, "list 'nowhere' does not exist"),
        ("exopsy/grade", [{"grade": "certain"}], "grade entry has no grade"),
        ("exopsy/grade", "attempt", "grade entry has no grade"),
        ("exopsy/grade", [{"when": "nothing", "grade": "use"}], "condition can't be parsed"),
        ("exopsy/extract", {"file": {"field": "c-ip", "re": "x"}}, "'file' has 0 groups"),
        ("exopsy/extract", {"file": {"field": "c-ip", "re": "("}}, "extract 'file'"),
        ("exopsy/extract", {"file": {"field": "c-ip"}}, "no field with a regular expression"),
        ("exopsy/extract", {"file": "c-ip"}, "no field with a regular expression"),
        ("exopsy/extract", ["file"], "'extract' is not a mapping"),
        ("exopsy/backdoor", {"kind": "web-shell", "field": "cs-method"}, "not in the subject"),
        ("exopsy/backdoor", {"kind": "magic", "field": "c-ip"}, "magic"),
        ("exopsy/backdoor", "web-shell", "'backdoor' is not a mapping"),
        ("exopsy", ["x"], "'exopsy' is not a mapping"),
        ("logsource", "iis", "'logsource' is not a mapping"),
        ("logsource", {"product": "exchange"}, "fits 18 log formats|fits 1[0-9] log formats"),
        ("logsource", {"product": "linux"}, "fits 0 log formats"),
        ("logsource", {}, r"log source \(empty\) fits 0"),
        ("level", "severe", "severe"),
        ("title", 5, "not a Sigma rule|title"),
        ("detection", {"one": {"a": 1}}, "not a Sigma rule"),
        ("detection/one", {"cs-uri-stem|exists": "x"}, "not a Sigma rule"),
    ],
)
def test_what_can_not_run_is_refused(folder: Folder, path: str, value: Any, problem: str) -> None:
    folder.rule(changed(RULE, path, value))
    loaded = folder.load()
    assert loaded.rules.rules == ()
    (error,) = loaded.errors
    with pytest.raises(type(error), match=problem):
        raise error
    assert str(error).startswith("detections/initial_access/a.yml: ")


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("aggregate", {"table": "x"}, "needs 'table' and 'sql'"),
        ("aggregate/log", "ews", "'ews' is no log format"),
        ("aggregate/columns", ["User"], "'User' is no field of exchange-ews"),
    ],
)
def test_aggregates_that_can_not_run(folder: Folder, path: str, value: Any, problem: str) -> None:
    folder.aggregate(changed(AGGREGATE, path, value))
    (error,) = folder.load().errors
    assert problem in str(error)


def test_text_that_is_no_yaml_is_told_with_its_line(folder: Folder) -> None:
    path = folder.rule("title: x\nid: 'y\n")
    (error,) = folder.load().errors
    assert error.at.startswith(f"{path}:")
    assert "not YAML" in str(error)


@pytest.mark.parametrize("text", ["", "- a\n", "text"])
def test_a_file_that_is_no_mapping(folder: Folder, text: str) -> None:
    folder.rule(text)
    (error,) = folder.load().errors
    assert "not a mapping" in str(error)


def test_one_bad_file_does_not_hide_the_others(folder: Folder) -> None:
    folder.rule("- a\n", "a.yml")
    folder.rule(RULE, "b.yml")
    folder.rule(changed(RULE, "level", "x"), "c.yml")
    loaded = folder.load()
    assert [r.at for r in loaded.rules.rules] == ["detections/initial_access/b.yml"]
    assert len(loaded.errors) == 2


def test_an_id_is_used_once(folder: Folder) -> None:
    folder.rule(RULE, "a.yml")
    folder.rule(RULE, "b.yml")
    (error,) = folder.load().errors
    assert error.at.endswith("b.yml")
    assert "is used by detections/initial_access/a.yml too" in str(error)


def test_lists_are_folded_and_normalised(folder: Folder) -> None:
    folder.list(
        "pages", "# normalise: version-folders\n# a note: x\n/OWA/15.1.2106.2/X.js\n\n/\u00c9\n"
    )
    folder.list("names", "# origin: somewhere\nAbC\n/owa/15.1.2106.2/x\n")
    lists = folder.load().rules.lists
    assert lists["pages"].values == {"/owa/{ver}/x.js", "/\u00c9"}
    assert lists["pages"].normalise == "version-folders"
    assert lists["names"].values == {"abc", "/owa/15.1.2106.2/x"}


def test_a_list_that_can_not_be_read(folder: Folder) -> None:
    folder.list("pages", "x")
    (folder.path / "lists" / "pages.txt").write_bytes(b"\xff")
    (error,) = folder.load().errors
    assert "can't be read" in str(error)


# ---- cache -------------------------------------------------------------------------------------


@pytest.fixture
def no_parsing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every parsing of a rule an error."""

    def parsing(*_: object) -> None:
        raise AssertionError("parsed again")

    monkeypatch.setattr("exopsy.detection.load._load", parsing)


def _kept(folder: Folder, cache: Path) -> RuleSet:
    return folder.load(cache).rules


def test_the_second_load_equals_the_first_and_parses_nothing(
    folder: Folder, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder.rule(RULE)
    folder.aggregate(AGGREGATE)
    folder.list("pages", "# normalise: version-folders\n/x\n")
    first = _kept(folder, tmp_path / "cache")
    request.getfixturevalue("no_parsing")
    assert _kept(folder, tmp_path / "cache") == first
    assert first.rules
    assert first.aggregates


def test_every_change_of_content_is_seen(folder: Folder, tmp_path: Path) -> None:
    cache = tmp_path / "cache"

    def keys() -> int:
        folder.load(cache)
        return len(list(cache.iterdir()))

    path = folder.rule(RULE)
    assert keys() == 1
    folder.rule(changed(RULE, "level", "high"))
    assert keys() == 2
    assert _kept(folder, cache).rules[0].info.level == "high"
    folder.list("pages", "x")
    assert keys() == 3
    (folder.path / "detections" / "impact").mkdir()
    path.rename(folder.path / "detections" / "impact" / "a.yml")
    assert keys() == 4
    assert _kept(folder, cache).rules[0].at == "detections/impact/a.yml"


@pytest.mark.parametrize("text", [b"", b"{}", b"\xff", b'{"rules": [5]}'])
def test_a_damaged_cache_is_no_cache(folder: Folder, tmp_path: Path, text: bytes) -> None:
    folder.rule(RULE)
    first = _kept(folder, tmp_path / "cache")
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(text)
    assert _kept(folder, tmp_path / "cache") == first


def test_errors_are_never_cached(folder: Folder, tmp_path: Path) -> None:
    folder.rule("- a\n")
    folder.load(tmp_path / "cache")
    assert folder.load(tmp_path / "cache").errors
    assert not (tmp_path / "cache").exists()


def test_a_cache_that_can_not_be_written_is_no_error(folder: Folder, tmp_path: Path) -> None:
    folder.rule(RULE)
    (tmp_path / "cache").write_text("a file")
    assert folder.load(tmp_path / "cache").rules.rules
