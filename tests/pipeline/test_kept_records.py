"""What readers keep of event logs whatever the rules say, and of what the rules matched."""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from exopsy.core.content import CONTENT, read_yaml
from exopsy.evidence.events.cmdlets import cmdlet_mark
from exopsy.evidence.events.flatten import flatten
from exopsy.pipeline.kept_records import (
    ACT,
    CMDLET,
    START,
    EventKeeper,
    KeptTables,
    act_of,
    guid_of,
    load_kept,
    pid_of,
)
from exopsy.schema.columns import COLUMNS
from exopsy.schema.event import EventBatch
from exopsy.schema.row import Origin, Row

decode = functools.partial(flatten, artifact="a.jsonl", host="")
GUID = "{A1B2C3D4-0001-6040-0203-000000000700}"
PARENT = "{A1B2C3D4-0001-6040-0202-000000000700}"
CMDLET_2016 = [
    "Set-OabVirtualDirectory",
    '-ExternalUrl "http://f/<x language="y">a -b "c"</x>" -Identity "OAB (Default Web Site)"',
    "example.com/Users/Administrator",
    "S-1-5-21-1-2-3-500",
    "S-1-5-21-1-2-3-500",
    "Remote-ManagementShell-Unknown",
    "5668 w3wp#MSExchangePowerShellAppPool",
    "",
    "5",
    "00:00:26.0389557",
    "",
    "A text of the error",
    "5",
    *[""] * 10,
    "ActivityId: a3591746-a27b-447a-b8be-ff54ae3a46f1",
    "ServicePlan:;IsAdmin:True;",
    "",
    "fr-FR",
]
CMDLET_2010 = [
    "New-MailboxExportRequest",
    "{Mailbox=a, b, FilePath=\\\\x\\y.pst}",
    "example.com/Users/b",
]


def event(
    channel: str, number: int, data: Any, *, provider: str = "x", at: str = "04:00:00"
) -> str:
    system = {
        "Provider": {"#attributes": {"Name": provider}},
        "EventID": number,
        "TimeCreated": {"#attributes": {"SystemTime": f"2021-03-03T{at}Z"}},
        "Channel": channel,
        "Computer": "EX01.example.com",
    }
    return json.dumps({"Event": {"System": system, "EventData": data}})


def cmdlet(items: list[str], number: int = 1, **more: Any) -> str:
    return event("MSExchange Management", number, {"Data": {"#text": items}}, **more)


SYSMON = event(
    "Microsoft-Windows-Sysmon/Operational",
    1,
    {
        "ProcessGuid": GUID, "ProcessId": 4711, "Image": "C:\\Windows\\System32\\cmd.exe",
        "CommandLine": "cmd /c x", "User": "NT AUTHORITY\\SYSTEM", "ParentProcessGuid": PARENT,
        "ParentProcessId": 42, "ParentImage": "C:\\x\\w3wp.exe", "ParentCommandLine": 'w3wp -ap "y"',
    },
)  # fmt: skip
SECURITY = event(
    "Security",
    4688,
    {
        "NewProcessId": "0x1267", "NewProcessName": "C:\\Windows\\System32\\cmd.exe",
        "ProcessId": "0x2a", "ParentProcessName": "C:\\x\\w3wp.exe", "SubjectUserName": "EX01$",
    },
)  # fmt: skip
FILE = event(
    "Microsoft-Windows-Sysmon/Operational",
    11,
    {"ProcessGuid": GUID, "ProcessId": 4711, "Image": "C:\\x\\cmd.exe", "TargetFilename": "y"},
)


def kept(folder: Path, texts: list[str], *, plain: bool = False) -> dict[str, list[dict[str, Any]]]:
    events = EventBatch(
        texts=texts,
        numbers=list(range(1, len(texts) + 1)),
        offsets=[n * 10 for n in range(len(texts))],
    )
    tables = KeptTables(folder, "one")
    with tables:
        keeper = EventKeeper(tables, plain=plain)
        keeper.take(events, decode, lambda row: row)
        keeper.flush()
    return read(tables)


def read(tables: KeptTables) -> dict[str, list[dict[str, Any]]]:
    return {table: pq.read_table(paths[0]).to_pylist() for table, paths in tables.files.items()}


def test_a_cmdlet_with_unescaped_quotes_is_kept_as_it_stands(tmp_path: Path) -> None:
    (row,) = kept(tmp_path, [FILE, cmdlet(CMDLET_2016)])[CMDLET]
    assert row["cmdlet"] == "Set-OabVirtualDirectory"
    assert row["parameters"] == CMDLET_2016[1]
    assert (row["user"], row["sid"]) == (CMDLET_2016[2], CMDLET_2016[3])
    assert (row["result"], row["error"]) == ("success", "A text of the error")
    assert row["process"] == "5668 w3wp#MSExchangePowerShellAppPool"
    assert row["activity_id"] == "a3591746-a27b-447a-b8be-ff54ae3a46f1"
    assert (row["artifact"], row["offset"], row["line"]) == ("a.jsonl", 10, 2)
    assert (row["log"], row["computer"]) == ("windows-event", "EX01.example.com")


@pytest.mark.parametrize(
    ("number", "result"), [(1, "success"), (6, "failure"), (8, "failure"), (9, None)]
)
def test_how_it_went_is_the_number_of_the_event(tmp_path: Path, number: int, result: str) -> None:
    (row,) = kept(tmp_path, [cmdlet(CMDLET_2016, number)])[CMDLET]
    assert row["result"] == result


def test_the_form_of_2010_and_a_forwarded_one(tmp_path: Path) -> None:
    forwarded = event(
        "ForwardedEvents", 1, {"Data": {"#text": CMDLET_2016}}, provider="MSExchange CmdletLogs"
    )
    older, other = kept(tmp_path, [cmdlet(CMDLET_2010, 6), forwarded])[CMDLET]
    assert (older["cmdlet"], older["parameters"]) == (CMDLET_2010[0], CMDLET_2010[1])
    assert (older["user"], older["result"], older["sid"]) == (CMDLET_2010[2], "failure", None)
    assert other["cmdlet"] == "Set-OabVirtualDirectory"


def test_data_of_another_channel_can_not_pass_for_a_cmdlet(tmp_path: Path) -> None:
    forged = event("Application", 1, {"Cmdlet": "Get-Mailbox", "x": "MSExchange Management"})
    empty = event("MSExchange Management", 1, {})
    assert kept(tmp_path, [forged, empty]) == {}


def test_an_overlong_cmdlet_is_bounded(tmp_path: Path) -> None:
    (row,) = kept(tmp_path, [cmdlet(["Get-X", "y" * 100_000, "z" * 100_000])])[CMDLET]
    assert (len(row["parameters"]), len(row["user"])) == (4_096, 512)


def test_both_events_of_a_start_give_the_same_words(tmp_path: Path) -> None:
    sysmon, security = kept(tmp_path, [SYSMON, SECURITY])[START]
    for row in (sysmon, security):
        assert (row["pid"], row["parent_pid"]) == (4711, 42)
        assert row["image"] == "C:\\Windows\\System32\\cmd.exe"
        assert row["parent_image"] == "C:\\x\\w3wp.exe"
        assert row["computer"] == "ex01.example.com"
    assert (sysmon["guid"], sysmon["parent_guid"]) == (GUID[1:-1].lower(), PARENT[1:-1].lower())
    assert (sysmon["command"], sysmon["parent_command"]) == ("cmd /c x", 'w3wp -ap "y"')
    assert (security["guid"], security["command"], security["user"]) == (None, None, "EX01$")


def test_the_quick_look_finds_what_decoding_everything_finds(tmp_path: Path) -> None:
    texts = [
        cmdlet(CMDLET_2016),
        SYSMON,
        SECURITY,
        FILE,
        cmdlet(CMDLET_2016).replace("MSExchange M", "MSExchange\\u0020M"),
        cmdlet(CMDLET_2016).replace("MSExchange M", "\\u004dSExchange M"),
        SYSMON.replace("ParentProcessGuid", "\\u0050arentProcessGuid"),
        SECURITY.replace("NewProcessId", "NewProcess\\u0049d"),
        cmdlet(CMDLET_2016).replace("MSExchange", "msexchange"),
        SYSMON[:-9],
        json.dumps(json.loads(SYSMON), indent=1),
        "{}",
        "",
    ]
    usual = kept(tmp_path / "usual", texts)
    assert usual == kept(tmp_path / "plain", texts, plain=True)
    assert [row["line"] for row in usual[CMDLET]] == [1, 5, 6]
    assert [row["line"] for row in usual[START]] == [2, 3, 7, 8, 11]


def test_who_did_it_is_kept_of_matched_records_only(tmp_path: Path) -> None:
    tables = KeptTables(tmp_path, "one")
    with tables:
        for text in (FILE, SYSMON, cmdlet(CMDLET_2016), event("System", 7045, {"ProcessId": "5"})):
            row = decode(text, offset=7, number=1)
            assert isinstance(row, Row)
            tables.matched(row)
    by_file, by_cmdlet = read(tables)[ACT]
    assert (by_file["guid"], by_file["pid"], by_file["offset"]) == (GUID[1:-1].lower(), 4711, 7)
    assert (by_cmdlet["guid"], by_cmdlet["pid"], by_cmdlet["image"]) == (None, 5668, "w3wp")
    script = event("Microsoft-Windows-PowerShell/Operational", 4104, {"ScriptBlockText": "x"})
    document = json.loads(script)
    document["Event"]["System"]["Execution"] = {"#attributes": {"ProcessID": 99, "ThreadID": 1}}
    row = decode(json.dumps(document), offset=0, number=1)
    assert isinstance(row, Row)
    act = act_of(row)
    assert act is not None
    assert 99 in act


def test_matched_rows_of_text_logs_are_cmdlets_too(tmp_path: Path) -> None:
    def row(log: str, offset: int, **fields: str) -> Row:
        origin = Origin(artifact=f"{log}.log", offset=offset, line=3)
        return Row(log=log, host="", timestamp=None, fields=fields, origin=origin, raw=b"")

    tables = KeptTables(tmp_path, "one")
    with tables:
        tables.matched(
            row(
                "exchange-rps-cmdlet", 5, Cmdlet="New-MailboxExportRequest", Parameters="-Mailbox x",
                AuthenticatedUser="a@example.com", ExecutionResult="Error", ErrorType="Denied",
            )
        )  # fmt: skip
        tables.matched(row("exchange-audit", 6, Operation="Set-Mailbox", ResultStatus="True"))
        tables.matched(row("iis-w3c", 7, Cmdlet="Get-X"))
    rps, audit = read(tables)[CMDLET]
    assert (rps["cmdlet"], rps["user"], rps["result"]) == (
        "New-MailboxExportRequest", "a@example.com", "failure",
    )  # fmt: skip
    assert (rps["error"], rps["log"], rps["time"]) == ("Denied", "exchange-rps-cmdlet", None)
    assert (audit["cmdlet"], audit["result"], audit["offset"]) == ("Set-Mailbox", "success", 6)


@pytest.mark.parametrize(
    ("text", "pid"),
    [("0x1267", 4711), ("4711", 4711), ("0", None), ("0x0", None), ("", None), (None, None),
     ("-1", None), ("4711 w3wp", None), ("99999999999", None), ("0xffffffffff", None), ("٣", None)],
)  # fmt: skip
def test_numbers_of_processes(text: str | None, pid: int | None) -> None:
    assert pid_of(text) == pid


def test_ids_of_processes() -> None:
    assert guid_of(GUID) == guid_of(GUID[1:-1].lower()) == "a1b2c3d4-0001-6040-0203-000000000700"
    assert guid_of("{00000000-0000-0000-0000-000000000000}") is None
    assert guid_of("x") is None
    assert guid_of(None) is None


def test_the_mapping_names_fields_that_the_logs_have() -> None:
    mapping = load_kept()
    for log, fields in (*mapping.cmdlets.every.items(), *mapping.cmdlets.matched.items()):
        assert all(COLUMNS[log].knows(name) for names in fields.values() for name in names)
    for start in mapping.processes.starts:
        assert start.mark in (start.pid, start.parent_guid)

    names = read_yaml(CONTENT / "mappings" / "exchange_cmdlets.yml")
    assert all(cmdlet_mark() in name for name in (*names["channels"], *names["providers"]))
