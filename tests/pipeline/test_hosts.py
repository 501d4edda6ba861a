from __future__ import annotations

from exopsy.pipeline.hosts import UNKNOWN, assign_hosts, hosts_of_neighbours, short_name
from exopsy.schema.artifact import ArtifactFacts


def artifact(path: str, *servers: str, kind: str = "iis-w3c") -> ArtifactFacts:
    return ArtifactFacts(
        path=path, kind=kind, host="", size=1, sha256=None, state="read", servers=list(servers)
    )


def test_names_are_short_and_in_capitals() -> None:
    assert short_name(" ex01.corp.example.com ") == "EX01"
    assert short_name("") == ""
    assert short_name("x" * 100) == "X" * 64


def test_a_log_that_names_its_server_is_believed_before_its_folder() -> None:
    found = assign_hosts(
        [artifact("A/x.log", "EX01.example.com"), artifact("B/y.log")],
        {"A/x.log": "A", "B/y.log": "B"},
    )
    assert found == {"A/x.log": "EX01", "B/y.log": "B"}


def test_the_commonest_name_of_a_log_counts() -> None:
    found = assign_hosts([artifact("x.log", "EX02", "EX01", "EX02")], {})
    assert found == {"x.log": "EX02"}


def test_a_folder_whose_logs_name_one_server_is_that_server() -> None:
    hints = dict.fromkeys(("C1/a.log", "C1/b.log"), "C1")
    found = assign_hosts([artifact("C1/a.log", "EX01"), artifact("C1/b.log")], hints)
    assert found == {"C1/a.log": "EX01", "C1/b.log": "EX01"}


def test_a_folder_whose_logs_name_two_servers_is_its_own_name() -> None:
    paths = ("C1/a.log", "C1/b.log", "C1/c.log")
    found = assign_hosts(
        [artifact(paths[0], "EX01"), artifact(paths[1], "EX02"), artifact(paths[2])],
        dict.fromkeys(paths, "C1"),
    )
    assert found[paths[2]] == "C1"


def test_the_nearest_folder_with_one_server_counts() -> None:
    artifacts = [
        artifact("site/one/logs/a.log", "EX01"),
        artifact("site/two.zip!/logs/b.log", "EX02"),
        artifact("site/one/iis/c.log"),
        artifact("site/two.zip!/iis/d.log"),
        artifact("site/e.log"),
    ]
    found = assign_hosts(artifacts, {})
    assert found["site/one/iis/c.log"] == "EX01"
    assert found["site/two.zip!/iis/d.log"] == "EX02"
    assert found["site/e.log"] == UNKNOWN


def test_the_only_server_there_is_has_everything() -> None:
    found = assign_hosts([artifact("a/x.log", "EX01"), artifact("b/y.log")], {})
    assert set(found.values()) == {"EX01"}


def test_nothing_names_a_server() -> None:
    assert assign_hosts([artifact("x.log")], {}) == {"x.log": UNKNOWN}


def test_what_is_no_evidence_has_no_host() -> None:
    assert assign_hosts([artifact("x.txt", "EX01", kind="")], {}) == {}


def test_files_that_are_no_evidence_are_of_the_server_they_lie_with() -> None:
    hosts = {"x/A/C/log": "EX01", "x/B/C/log": "EX02"}
    asked = ["x/A/C/style.css", "x/B/D/style.css", "x/style.css", "x/A/C/log"]
    assert hosts_of_neighbours(asked, hosts) == {
        "x/A/C/style.css": "EX01",
        "x/B/D/style.css": "EX02",
        "x/A/C/log": "EX01",
    }
    assert hosts_of_neighbours(["y/style.css"], {"x/log": "EX01"}) == {"y/style.css": "EX01"}
    assert hosts_of_neighbours(["y/style.css"], {}) == {}
