from __future__ import annotations

import re
from datetime import UTC, datetime

from exopsy.core.content import CONTENT, read_yaml
from exopsy.exposure.builds import load_facts
from exopsy.exposure.history import BuildHistory
from exopsy.pipeline.build_histories import build_histories
from exopsy.schema.artifact import ArtifactFacts

FACTS = load_facts(CONTENT / "facts")
READING = read_yaml(CONTENT / "mappings" / "reading.yml")
FOLDERS = re.compile(READING["build_folders"], re.IGNORECASE | re.ASCII)


def artifact(path: str, kind: str, *days: str, **builds: str) -> ArtifactFacts:
    moments = [datetime.fromisoformat(day).replace(tzinfo=UTC) for day in days]
    return ArtifactFacts(
        path=path,
        kind=kind,
        host="",
        size=1,
        sha256=None,
        state="read",
        spans=[(moment, moment) for moment in moments],
        builds={day.replace("_", "-").lstrip("d"): build for day, build in builds.items()},
    )


def histories(*artifacts: ArtifactFacts, **hosts: str) -> dict[str, BuildHistory]:
    named = {a.path: hosts[a.path.split("/")[0]] for a in artifacts if a.kind}
    return build_histories(artifacts, named, facts=FACTS, asked_paths=("iis-w3c",), folders=FOLDERS)


def test_each_kind_of_evidence_is_a_source_of_its_own() -> None:
    found = histories(
        artifact("A/setup.log", "exchange-setup", **{"d2021_03_04": "15.1.2176.2"}),
        artifact(
            "A/proxy.log", "exchange-httpproxy", "2021-03-01", **{"d2021_03_01": "15.1.2106.2"}
        ),
        artifact("A/u_ex.log", "iis-w3c", "2021-03-09", **{"d2021_03_02": "15.2.858.5"}),
        artifact("A/ExSetup.exe", "exchange-binary", **{"": "15.1.2176.9"}),
        A="EX01",
    )["EX01"]
    assert found.days == {
        "2021-03-01": "15.1.2106.2",
        "2021-03-04": "15.1.2176.2",
        "2021-03-10": "15.1.2176.9",
    }
    assert found.sources["2021-03-10"] == "binary"
    assert found.build == "15.1.2176.9"


def test_version_folders_of_collected_files_are_of_the_server_they_lie_with() -> None:
    found = histories(
        artifact("A/proxy.log", "exchange-httpproxy", "2021-03-01"),
        artifact("B/proxy.log", "exchange-httpproxy", "2021-03-01"),
        artifact("A/C%3A/V15/FrontEnd/HttpProxy/owa/auth/15.1.2106/x.css", ""),
        artifact("A/ClientAccess/owa/prem/15.1.2106.13/x.js", ""),
        artifact("B/ClientAccess/owa/prem/15.2.858.5/x.js", ""),
        A="EX01",
        B="EX02",
    )
    assert found["EX01"].build == "15.1.2106.13"
    assert found["EX02"].build == "15.2.858.5"
    assert "folder" in found["EX01"].basis


def test_a_server_that_nothing_speaks_of_has_an_empty_history() -> None:
    found = histories(artifact("A/proxy.log", "exchange-httpproxy", "2021-03-01"), A="EX01")
    assert found == {"EX01": BuildHistory()}
