"""Event logs and rules from outside: from files to findings, whatever the way they are read."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from exopsy.lab.bulk_events import make_bulk_events
from exopsy.pipeline import event_pool, event_reading
from exopsy.schema.case import CaseDocument, encode_case
from exopsy.store.query import connect

SHELL = "11111111-1111-4111-8111-111111111111"
FAILED = "22222222-2222-4222-8222-222222222222"
MANY = "33333333-3333-4333-8333-333333333333"

RULES = {
    "process.yml": f"""
title: Child of a parent
id: {SHELL}
status: test
level: high
tags: [attack.t1505.003]
logsource: {{category: process_creation, product: windows}}
detection:
  parent: {{ParentImage|endswith: '\\parent.exe'}}
  child: {{Image|endswith: '\\child.exe'}}
  condition: parent and child
""",
    "logons.yml": f"""
title: Failed logon
id: {FAILED}
name: failed_logon
status: test
level: low
logsource: {{service: security, product: windows}}
detection:
  failed: {{EventID: 4625}}
  condition: failed
---
title: Many failed logons
id: {MANY}
status: test
level: high
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [TargetUserName]
  timespan: 10m
  condition: {{gte: 3}}
""",
    "filter.yml": f"""
title: The scanner of our own
logsource: {{product: windows, service: security}}
filter:
  rules: [{FAILED}]
  selection: {{IpAddress: 192.0.2.99}}
  condition: not selection
""",
    "linux.yml": """
title: Not for Windows
id: 44444444-4444-4444-8444-444444444444
level: low
logsource: {product: linux, service: auditd}
detection:
  a: {type: SYSCALL}
  condition: a
""",
    "broken.yml": """
title: Broken
id: 55555555-5555-4555-8555-555555555555
level: low
logsource: {product: windows, service: security}
detection:
  a: {EventID: 1}
  condition: a and nothing
""",
}


def event(number: int, event_id: int, second: int, **data: str) -> str:
    """Return the text of a Security event, as the library that reads .evtx writes it."""
    return json.dumps(
        {
            "Event": {
                "System": {
                    "Provider": {"#attributes": {"Name": "Microsoft-Windows-Security-Auditing"}},
                    "EventID": event_id,
                    "TimeCreated": {
                        "#attributes": {"SystemTime": f"2021-03-03T04:00:{second:02}Z"}
                    },
                    "EventRecordID": number,
                    "Channel": "Security",
                    "Computer": "EX01.example.com",
                },
                "EventData": data,
            }
        }
    )


def failed(number: int, second: int, user: str, address: str = "198.51.100.7") -> str:
    return event(number, 4625, second, TargetUserName=user, IpAddress=address)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "sigma"
    folder.mkdir()
    for name, text in RULES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def collection(tmp_path: Path) -> Path:
    lines = [
        *(failed(n, n, "admin") for n in range(1, 5)),
        failed(5, 6, "other"),
        *(failed(n, n, "scanner", "192.0.2.99") for n in range(10, 20)),
        event(
            30,
            4688,
            40,
            NewProcessName="C:\\Tools\\child.exe",
            ParentProcessName="C:\\Tools\\parent.exe",
            CommandLine="child of a parent",
        ),
        event(
            31,
            4688,
            41,
            NewProcessName="C:\\Tools\\child.exe",
            ParentProcessName="C:\\Windows\\explorer.exe",
        ),
    ]
    folder = tmp_path / "EX01"
    folder.mkdir()
    (folder / "security.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def by_rule(case: CaseDocument) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for finding in case.findings:
        found.setdefault(finding.rule_id, []).append(finding.count)
    return found


def test_rules_correlations_and_filters_from_outside(
    examine, collection: Path, repository: Path
) -> None:
    case = examine(collection, rules=[repository])
    # the failed logons themselves are only for the correlation, and the scanner's are filtered
    assert by_rule(case) == {SHELL: [1], MANY: [4]}
    (many,) = (f for f in case.findings if f.rule_id == MANY)
    assert many.subject == {"TargetUserName": "admin"}
    assert (many.first_seen, many.last_seen) == ("2021-03-03T04:00:01Z", "2021-03-03T04:00:04Z")
    assert all(e.text_b64 for e in many.evidence)
    (shell,) = (f for f in case.findings if f.rule_id == SHELL)
    assert (shell.grade, shell.techniques, shell.host) == ("success", ["T1505.003"], "EX01")
    raw = (collection / "security.jsonl").read_bytes()
    assert raw[shell.evidence[0].offset :].startswith(b'{"Event"')
    assert case.verdict.conclusion == "suspicious"


def test_what_could_not_be_used_is_said(examine, collection: Path, repository: Path) -> None:
    case = examine(collection, rules=[repository])
    (unmapped,) = case.rules.unmapped
    assert unmapped.title == "Not for Windows"
    (failure,) = case.rules.failed
    assert "broken.yml" in failure.id
    assert "nothing" in failure.why


def test_without_rules_from_outside_event_logs_are_read_and_covered(
    examine, collection: Path
) -> None:
    case = examine(collection)
    (host,) = case.hosts
    (read,) = (c for c in host.coverage if c.log == "windows-event: Security")
    assert (read.state, read.lines) == ("read", 17)
    assert sum(read.classes.values()) == read.bytes


@pytest.fixture(scope="module")
def dense(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("dense")
    make_bulk_events(folder, records=4_000, dense=0.3, seed=3)
    return folder / "collection"


def test_every_way_of_reading_gives_the_same_case(
    examine, dense: Path, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = examine(dense, rules=[repository])
    assert usual.findings
    assert encode_case(examine(dense, rules=[repository], plain=True)) == encode_case(usual)
    monkeypatch.setattr(event_reading, "WORTH", 1)
    monkeypatch.setattr(event_pool, "WORTH", 1)
    monkeypatch.setattr(event_pool, "_RANGE_CHUNKS", 3)
    assert encode_case(examine(dense, rules=[repository], workers=2)) == encode_case(usual)


def test_every_way_of_reading_keeps_the_same_records(
    examine, lab_of, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collection = lab_of("proxyshell", events=True).collection

    def tables(name: str, **options: object) -> dict[str, bytes]:
        examine(collection, case=tmp_path / name, **options)
        folder = tmp_path / name / "tables"
        return {t: (folder / f"{t}.parquet").read_bytes() for t in ("exchange_cmdlet", "process")}

    usual = tables("usual")
    assert tables("plain", plain=True) == usual
    monkeypatch.setattr(event_reading, "WORTH", 1)
    monkeypatch.setattr(event_pool, "WORTH", 1)
    monkeypatch.setattr(event_pool, "_RANGE_CHUNKS", 1)
    assert tables("pool", workers=2) == usual
    with connect(tmp_path / "usual") as asked:
        logs = asked.execute("SELECT DISTINCT log FROM exchange_cmdlet ORDER BY log").fetchall()
        assert logs == [("exchange-rps-cmdlet",), ("windows-event",)]
        (export,) = asked.execute(
            "SELECT DISTINCT result FROM exchange_cmdlet WHERE cmdlet = 'New-MailboxExportRequest'"
            " AND log = 'windows-event'"
        ).fetchall()
        assert export == ("success",)
        under = "SELECT count(*) FROM process WHERE under = 'w3wp.exe' AND linked_by = 'guid'"
        assert asked.execute(under).fetchone() > (0,)


def test_what_a_process_did_is_joined_to_its_start(examine, lab_of) -> None:
    case = examine(lab_of("proxylogon", events=True).collection)
    findings = {finding.id: finding for finding in case.findings}
    tied = [j for host in case.hosts for j in host.joins if j.by == "process-tree"]
    assert tied
    for join in tied:
        assert findings[join.a].log == findings[join.b].log == "windows-event"
    shells = [f for f in case.findings if f.title.startswith("Command interpreter")]
    assert shells
    assert all("w3wp.exe" in f.ancestry[0] for f in shells)


def test_event_logs_in_an_archive(examine, dense: Path, repository: Path, tmp_path: Path) -> None:
    packed = tmp_path / "logs.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(p for p in dense.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(dense).as_posix())
    usual = examine(dense, rules=[repository])
    case = examine(packed, rules=[repository])
    assert by_rule(case) == by_rule(usual)
    places = [[(e.offset, e.record) for e in f.evidence] for f in case.findings]
    assert places == [[(e.offset, e.record) for e in f.evidence] for f in usual.findings]


@pytest.mark.parametrize("victim", [b"", b"Security.evtx"])
def test_a_worker_that_dies_takes_only_what_it_read(
    examine, dense: Path, monkeypatch: pytest.MonkeyPatch, victim: bytes
) -> None:
    usual = examine(dense)
    monkeypatch.setattr(event_reading, "WORTH", 1)
    monkeypatch.setattr(event_pool.EventPool, "_start", _dying(event_pool.EventPool._start, victim))
    case = examine(dense, workers=2)
    lost = {a.path for a in case.artifacts if a.state == "failed"}
    assert lost == {a.path for a in case.artifacts if victim.decode() in a.path}
    assert all("died" in a.why for a in case.artifacts if a.path in lost)
    others = {f.key for f in usual.findings if f.evidence[0].artifact not in lost}
    assert {f.key for f in case.findings} >= others


def test_a_range_that_kills_its_worker_leaves_the_others(
    examine, dense: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_reading, "WORTH", 1)
    monkeypatch.setattr(event_pool, "WORTH", 1)
    monkeypatch.setattr(event_pool, "_RANGE_CHUNKS", 3)
    usual = event_pool.EventPool._start
    monkeypatch.setattr(
        event_pool.EventPool, "_start", _dying(usual, b'Security.evtx","kind":"evtx","start":0')
    )
    case = examine(dense, workers=2)
    (security,) = (a for a in case.artifacts if a.path.endswith("Security.evtx"))
    assert security.state == "partial"
    (read,) = (c for c in case.hosts[0].coverage if c.log == "windows-event: Security")
    assert read.lines
    assert read.classes["unread"]
    assert sum(read.classes.values()) == read.bytes == security.size


def script(number: int, part: int, total: int, text: str) -> str:
    document = json.loads(
        event(
            number,
            4104,
            number,
            MessageNumber=str(part),
            MessageTotal=str(total),
            ScriptBlockText=text,
            ScriptBlockId="77777777-7777-4777-8777-777777777777",
        )
    )
    system = document["Event"]["System"]
    system["Channel"] = "Microsoft-Windows-PowerShell/Operational"
    system["Provider"] = {"#attributes": {"Name": "Microsoft-Windows-PowerShell"}}
    return json.dumps(document)


@pytest.mark.parametrize("plain", [False, True])
def test_a_word_cut_between_two_parts_of_a_script_is_found(
    examine, tmp_path: Path, plain: bool
) -> None:
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "script.yml").write_text(
        f"""
title: A word of a script
id: {SHELL}
status: test
level: medium
logsource: {{product: windows, category: ps_script}}
detection:
  word: {{ScriptBlockText|contains: 'inert-marker'}}
  condition: word
""",
        encoding="utf-8",
    )
    folder = tmp_path / "EX01"
    folder.mkdir()
    lines = [
        script(1, 1, 2, "Write-Output 'inert-"),
        script(2, 1, 1, "a block of its own: inert-marker"),
        script(3, 2, 2, "marker'; 'inert-marker'"),
    ]
    text = "\n".join(lines) + "\n"
    (folder / "powershell.jsonl").write_text(text, encoding="utf-8")
    case = examine(folder, rules=[rules], plain=plain)
    (finding,) = (f for f in case.findings if f.rule_id == SHELL)
    assert finding.count == 2
    assert [e.offset for e in finding.evidence] == [0, text.index(lines[1])]


def _dying(usual, victim: bytes):
    def start(self, workers: int):
        pool = usual(self, workers)
        submit = pool.submit
        pool.submit = lambda work, task: submit(_die) if victim in task else submit(work, task)
        return pool

    return start


def _die() -> None:
    import os

    os._exit(3)


def started(number: int, command: str, pool: str = "MSExchangeOWAAppPool") -> str:
    document = json.loads(
        event(
            number,
            1,
            number,
            Image="C:\\Windows\\System32\\cmd.exe",
            CommandLine=command,
            ParentImage="C:\\Windows\\System32\\inetsrv\\w3wp.exe",
            ParentCommandLine=f'w3wp.exe -ap "{pool}"',
        )
    )
    document["Event"]["System"]["Channel"] = "Microsoft-Windows-Sysmon/Operational"
    return json.dumps(document)


PRODUCT = 'cmd.exe /c ""C:\\Program Files\\Vendor\\check.cmd""'


@pytest.mark.parametrize(
    ("lines", "conclusion"),
    [
        ([started(1, PRODUCT)], "suspicious"),
        ([started(1, "cmd.exe /c x", "OtherApplication")], "suspicious"),
        ([started(1, PRODUCT), started(2, "cmd.exe /c whoami")], "compromised"),
    ],
)
def test_what_can_be_innocent_alone_is_for_a_person_to_look_at(
    examine, tmp_path: Path, lines: list[str], conclusion: str
) -> None:
    folder = tmp_path / "EX01"
    folder.mkdir()
    (folder / "sysmon.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert examine(folder).verdict.conclusion == conclusion


def test_one_worker_starts_no_process(examine, dense, monkeypatch):
    def start(*_: object):
        raise AssertionError("a process was started")

    monkeypatch.setattr(event_reading, "WORTH", 1)
    monkeypatch.setattr(event_pool.EventPool, "_start", start)
    assert {a.state for a in examine(dense, workers=1).artifacts} == {"read"}
    assert "failed" in {a.state for a in examine(dense, workers=2).artifacts}
