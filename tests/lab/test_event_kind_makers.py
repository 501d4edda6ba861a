"""Every maker's event, read back: its channel, its number, and what it must say."""

import json
import random

import evtx
import pytest

from exopsy.lab import event_kinds as kinds
from exopsy.lab import events_exchange as exchange
from exopsy.lab import events_security as security
from exopsy.lab import events_sysmon as sysmon
from exopsy.lab.event_aftermath import BEHAVIOURS, Aftermath
from exopsy.lab.event_host import EventHost, file_of, pool_of
from exopsy.lab.event_logs import EventLogs
from exopsy.lab.event_story import EventStory
from exopsy.lab.parameters import DEFAULT
from exopsy.lab.server import Server

AT = 1_614_556_800.5
RNG = random.Random(4)
HOST = EventHost(Server("EX01", RNG, people=5), RNG, AT)
WORKER = HOST.worker_at("MSExchangeOWAAppPool", AT)
LSASS = HOST.processes["lsass"]
PAGE = 'http://f/<script language="JScript" runat="server">'
CMDLET = {
    "user": "corp.example.com/Users/Administrator", "sid": "S-1-5-21-1-2-3-500",
    "application": "ServerRemoteHost-EMC", "process": "1 w3wp#MSExchangeECPAppPool", "activity": "x",
}  # fmt: skip
MEMBER = {"member": "-", "sid": "S-1-5-21-1-2-3-9", "group": "G", "group_sid": "S-1-5-32-544"}
BY = HOST.administrator
MANAGEMENT = "MSExchange Management"
MADE = [
    ("Security", 4624, "203.0.113.5", security.logon(HOST, AT, BY, kind=10, address="203.0.113.5")),
    ("Security", 4625, "0xc0000064", security.logon_failed(HOST, AT, "a", address="-", unknown=True)),
    ("Security", 4625, "0xc000006a", security.logon_failed(HOST, AT, "a", address="-")),
    ("Security", 4634, "Administrator", security.logoff(HOST, AT, BY, 3)),
    ("Security", 4672, "SeDebugPrivilege", security.privileges(HOST, AT, BY)),
    ("Security", 4688, "w3wp.exe", security.process_start(HOST, WORKER)),
    ("Security", 4698, "<Command>a.cmd</Command>", security.task_created(HOST, AT, BY, "\\W", "a.cmd")),
    ("Security", 4720, "support", security.account_created(HOST, AT, BY, "support", "S-1-5-21-1-2-3-4")),
    ("Security", 4732, "Builtin", security.member_added(HOST, AT, BY, **MEMBER)),
    ("Security", 4728, "S-1-5-21-1-2-3-9", security.member_added(HOST, AT, BY, **MEMBER, kind=kinds.GLOBAL_MEMBER)),
    ("Security", 4756, "S-1-5-21-1-2-3-9", security.member_added(HOST, AT, BY, **MEMBER, kind=kinds.UNIVERSAL_MEMBER)),
    ("Security", 1102, "Administrator", security.security_cleared(HOST, AT, BY)),
    ("System", 104, "Application", security.log_cleared(AT, BY, "Application")),
    ("System", 7036, "running", security.service_state(HOST, AT, "WMI", "wmi", "running")),
    ("System", 7045, "C:\\\\a.exe", security.service_installed(HOST, AT, BY, "a", "C:\\a.exe")),
    ("Microsoft-Windows-TaskScheduler/Operational", 106, "EXAMPLE\\\\Administrator", security.task_registered(HOST, AT, BY, "\\W")),
    ("Microsoft-Windows-TaskScheduler/Operational", 200, "a.cmd", security.task_started(HOST, AT, "\\W", "a.cmd")),
    ("Microsoft-Windows-Windows Defender/Operational", 1116, "file:_C:\\\\x", security.threat(HOST, AT, name="T", path="C:\\x", by=WORKER)),
    ("Microsoft-Windows-Windows Defender/Operational", 1117, "Quarantine", security.threat(HOST, AT, name="T", path="C:\\x", by=WORKER, acted=True)),
    ("Microsoft-Windows-Windows Defender/Operational", 1000, "Quick Scan", security.scan(HOST, AT, "n")),
    ("Microsoft-Windows-Windows Defender/Operational", 1001, "Quick Scan", security.scan(HOST, AT, "n", 5)),
    (MANAGEMENT, 1, '-ExternalUrl \\"http://f/<script language=\\"JScript\\"', exchange.cmdlet(HOST, AT, name="Set-OabVirtualDirectory", parameters=f'-ExternalUrl "{PAGE}"', **CMDLET)),
    (MANAGEMENT, 6, "NonLocalizedException", exchange.cmdlet(HOST, AT, name="Install-TransportAgent", parameters="", error="System.ArgumentException: x", **CMDLET)),
    (MANAGEMENT, 8, "System.InvalidCastException", exchange.get_app_crashed(HOST, AT, "u", "S-1-5-21-1-2-3-9")),
    ("Application", 4, "Invalid viewstate", exchange.ecp_error(AT, "u", "/ecp?&__VIEWSTATE=", "Invalid viewstate")),
    ("Application", 47, "SetObject", exchange.ecp_async(AT, "u", "SetObject", is_end=False)),
    ("Application", 48, "SetObject", exchange.ecp_async(AT, "u", "SetObject", is_end=True)),
    ("Application", 1001, "Oab", exchange.front_end(AT, "Oab", starts=True)),
    ("Application", 1002, "Oab", exchange.front_end(AT, "Oab", starts=False)),
    ("Application", 2303, "MSExchangeOABAppPool", exchange.pool_config_gone(HOST, AT, "MSExchangeOABAppPool")),
    ("Application", 2282, "m.dll", exchange.module_not_loaded(HOST, AT, "m.dll")),
    ("Application", 1309, '"3005"', exchange.web_error(HOST, AT, WORKER, "/owa/x.aspx", "::1", "HttpException", "t")),
    ("Application", 1316, '"50203"', exchange.viewstate(HOST, AT, WORKER, "/ecp/", "::1", is_key_known=False)),
    ("Application", 1316, '"50204"', exchange.viewstate(HOST, AT, WORKER, "/ecp/", "::1", is_key_known=True)),
    ("Application", 4999, "BinaryFormatter", exchange.common_error(AT, "BinaryFormatter")),
    ("Application", 1423, "InvalidCast", exchange.um_error(AT, "InvalidCast")),
    ("Application", 1008, "feed", exchange.mitigation_error(AT, "feed")),
    ("Microsoft-IIS-Configuration/Operational", 29, "globalModules", exchange.config_changed(HOST, AT, "/globalModules/add", "X")),
    ("Microsoft-IIS-Configuration/Operational", 50, "applicationHost.config", exchange.config_committed(HOST, AT)),
    (kinds.SYSMON, 1, "MSExchangeOWAAppPool", sysmon.process_start(HOST, WORKER)),
    (kinds.SYSMON, 3, '"DestinationPort": 443', sysmon.connection(HOST, AT, WORKER, to="203.0.113.5", port=443)),
    (kinds.SYSMON, 7, '"Signed": "false"', sysmon.image_loaded(HOST, AT, WORKER, "C:\\a.dll", is_signed=False)),
    (kinds.SYSMON, 8, "lsass.exe", sysmon.thread_started(HOST, AT, WORKER, LSASS)),
    (kinds.SYSMON, 10, '"GrantedAccess": "0x1010"', sysmon.process_opened(HOST, AT, WORKER, LSASS, 0x1010)),
    (kinds.SYSMON, 11, "C:\\\\a.aspx", sysmon.file_created(HOST, AT, WORKER, "C:\\a.aspx")),
    (kinds.SYSMON, 23, '"IsExecutable": true', sysmon.file_deleted(HOST, AT, WORKER, "C:\\a.exe")),
]  # fmt: skip


def written(folder, events):
    logs = EventLogs(folder, "ex01.corp.example.com")
    for event in events:
        logs.hold(event)
    logs.flush(AT + 1e6)
    logs.close()
    return [
        json.loads(record["data"])["Event"]
        for path in sorted(folder.rglob("*.evtx"))
        for record in evtx.PyEvtxParser(str(path)).records_json()
    ]


@pytest.mark.parametrize(
    ("channel", "number", "says", "event"),
    MADE,
    ids=lambda x: str(x)[:12] if not hasattr(x, "at") else "",
)
def test_a_maker_s_event_says_what_it_must(channel, number, says, event, tmp_path):
    (made,) = written(tmp_path, [event])
    event_id = made["System"]["EventID"]
    assert made["System"]["Channel"] == channel
    assert (event_id["#text"] if isinstance(event_id, dict) else event_id) == number
    data = made.get("EventData") or made.get("UserData")
    assert says in json.dumps(data, ensure_ascii=False)


def test_every_kind_has_a_maker():
    tested = {(channel, number) for channel, number, _, _ in MADE}
    tested |= {("Windows PowerShell", 400), ("Windows PowerShell", 600)}
    tested |= {("Microsoft-Windows-PowerShell/Operational", 4104)}
    assert {
        (k.channel, k.event_id) for k in vars(kinds).values() if isinstance(k, kinds.Kind)
    } == tested


def test_a_long_script_block_comes_in_numbered_parts_of_one_block(tmp_path):
    text = "".join(f"# line {n}\r\n" for n in range(2500))
    events = written(tmp_path, exchange.script_block(HOST, AT, text, "S-1-5-18", "C:\\a.ps1"))
    data = [e["EventData"] for e in events]
    assert len(data) == 3
    assert [(d["MessageNumber"], d["MessageTotal"]) for d in data] == [(1, 3), (2, 3), (3, 3)]
    assert len({d["ScriptBlockId"] for d in data}) == 1
    assert "".join(d["ScriptBlockText"] for d in data) == text
    assert len({e["System"]["Correlation"]["#attributes"]["ActivityID"] for e in events}) == 1
    assert {e["System"]["Security"]["#attributes"]["UserID"] for e in events} == {"S-1-5-18"}


def test_powershell_s_engine_starts_after_its_providers(tmp_path):
    events = written(tmp_path, exchange.engine_started(HOST, AT, "powershell.exe -noexit"))
    assert [e["System"]["EventID"]["#text"] for e in events] == [600, 600, 600, 400]
    assert all(
        "HostApplication=powershell.exe -noexit" in e["EventData"]["Data"]["#text"][2]
        for e in events
    )


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
def test_every_behaviour_can_be_written(behaviour, tmp_path):
    story = EventStory(HOST, DEFAULT.shell_commands, RNG)
    events = Aftermath(HOST, story).make(behaviour, AT, "DefaultAppPool", "203.0.113.5")
    assert len(written(tmp_path, events)) == len(events) > 0
    assert all(AT <= e.at < AT + 3600 for e in events)


def test_unknown_names_are_refused():
    story = EventStory(HOST, DEFAULT.shell_commands, RNG)
    with pytest.raises(ValueError, match="no behaviour 'x'"):
        Aftermath(HOST, story).make("x", AT, "DefaultAppPool", "-")
    with pytest.raises(ValueError, match="no deed 'x'"):
        story.deed(AT, "x", ())


@pytest.mark.parametrize(
    ("path", "pool", "file"),
    [
        ("/aspnet_client/a.aspx", "DefaultAppPool", "C:\\inetpub\\wwwroot\\aspnet_client\\a.aspx"),
        ("/owa/auth/a.aspx", "MSExchangeOWAAppPool", "FrontEnd\\HttpProxy\\owa\\auth\\a.aspx"),
        ("/ecp/auth/a.aspx", "MSExchangeECPAppPool", "FrontEnd\\HttpProxy\\ecp\\auth\\a.aspx"),
    ],
)
def test_a_page_is_served_by_its_pool_from_its_folder(path, pool, file):
    assert pool_of(path) == pool
    assert file_of(path).endswith(file)
