"""The event-log half of the scenarios, read back with the ``evtx`` library."""

import json
import re
from collections import Counter
from datetime import date, datetime, timedelta
from urllib.parse import unquote

import evtx
import pytest

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_aftermath import BEHAVIOURS
from exopsy.lab.event_host import Account, EventHost
from exopsy.lab.event_logs import EventLogs, file_name
from exopsy.lab.events_security import log_cleared, logoff, security_cleared
from exopsy.lab.make import make_lab
from exopsy.lab.scenarios import SCENARIOS
from exopsy.lab.server import Server

NAMES = [s.name for s in SCENARIOS]
INTRUSIONS = [s.name for s in SCENARIOS if s.is_intrusion]
FORBIDDEN = re.compile(
    r"eval\s*\(|Request\.Item|unsafe|Execute\(|ProcessStartInfo|FromBase64|IEX|DownloadString",
    re.IGNORECASE,
)
LOGS = "C/Windows/System32/winevt/Logs"


class EventLab:
    def __init__(self, folder, truth):
        self.folder, self.truth = folder, truth
        self.host = truth.hosts[0]
        self.told = self.host.event_logs
        self.logs = folder / "collection" / "EX01" / LOGS

    def events(self, channel):
        path = self.logs / file_name(channel)
        for record in evtx.PyEvtxParser(str(path), validate_checksums=True).records_json():
            yield record["event_record_id"], json.loads(record["data"])["Event"]

    def by_record(self):
        return {(c, number): event for c in self.told.records for number, event in self.events(c)}


@pytest.fixture(scope="module")
def events_of(tmp_path_factory):
    made = {}

    def make(scenario, seed=1, **more):
        key = (scenario, seed, *more.items())
        if key not in made:
            folder = tmp_path_factory.mktemp("events")
            settings = {"days": 2, "requests_per_day": 1000, "events": True} | more
            made[key] = EventLab(folder, make_lab(folder, scenario=scenario, seed=seed, **settings))
        return made[key]

    return make


def number_of(event):
    value = event["System"]["EventID"]
    return value["#text"] if isinstance(value, dict) else value


def time_of(event):
    return datetime.fromisoformat(event["System"]["TimeCreated"]["#attributes"]["SystemTime"])


def fields_of(path):
    rows, columns = [], None
    for line in path.read_text("utf-8-sig").splitlines():
        if line.startswith("#Fields: "):
            columns = line.removeprefix("#Fields: ").split()
        elif line and line[0] != "#":
            rows.append(dict(zip(columns, line.split(" "), strict=False)))
    return rows


@pytest.mark.parametrize("name", ["proxylogon", "rotated", "owassrf", "quiet"])
def test_text_logs_are_the_same_with_and_without_event_logs(name, tmp_path):
    for folder, events in (("with", True), ("without", False)):
        make_lab(
            tmp_path / folder, scenario=name, seed=5, days=2, requests_per_day=300, events=events
        )
    texts = {
        kind: {
            p.relative_to(tmp_path / kind): p.read_bytes()
            for p in (tmp_path / kind / "collection").rglob("*")
            if p.is_file() and p.suffix != ".evtx"
        }
        for kind in ("with", "without")
    }
    assert texts["with"] == texts["without"]
    whole, plain = (
        json.loads((tmp_path / kind / "truth.json").read_bytes()) for kind in ("with", "without")
    )
    assert "event_logs" not in plain["hosts"][0]
    del whole["hosts"][0]["event_logs"]
    assert whole == plain
    assert not list((tmp_path / "without").rglob("*.evtx"))


def test_the_same_arguments_give_the_same_event_logs(tmp_path):
    for folder in ("1", "2"):
        make_lab(
            tmp_path / folder, scenario="proxyshell", seed=2, days=2, requests_per_day=200,
            events=True,
        )  # fmt: skip
    one, two = (
        {p.name: p.read_bytes() for p in (tmp_path / f).rglob("*.evtx")} for f in ("1", "2")
    )
    assert one == two and len(one) > 6


@pytest.mark.parametrize("name", NAMES)
def test_records_are_counted_in_order_of_time_and_hold_nothing_that_could_act(events_of, name):
    lab = events_of(name)
    assert {p.name for p in lab.logs.iterdir()} == {file_name(c) for c in lab.told.records}
    begin = datetime.fromisoformat(f"{lab.truth.since}T00:00:00Z") - timedelta(days=2)
    for channel, count in lab.told.records.items():
        events = list(lab.events(channel))
        numbers = [n for n, _ in events]
        assert len(numbers) == count
        assert numbers == list(range(numbers[0], numbers[0] + count))
        times = [time_of(e) for _, e in events]
        assert times == sorted(times)
        assert begin <= times[0] and times[-1] < begin + timedelta(days=4)
        for _, event in events:
            assert event["System"]["Channel"] == channel
            assert event["System"]["Computer"] == "ex01.corp.example.com"
            assert not FORBIDDEN.search(json.dumps(event))


@pytest.mark.parametrize("name", NAMES)
def test_the_truth_points_at_the_records_that_matter(events_of, name):
    lab = events_of(name)
    records = lab.by_record()
    for told in lab.told.events:
        event = records[told.channel, told.record]
        assert number_of(event) == told.event_id
        assert time_of(event).strftime("%Y-%m-%dT%H:%M:%SZ") == told.time
    words = {t.what for t in lab.told.events}
    # an emptied log tells of nothing before
    if lab.told.cleared:
        return
    if name not in INTRUSIONS:
        assert not words
    else:
        wanted = {
            "proxylogon": {"oab-external-url", "oab-reset", "oab-restart", "shell-command"},
            "rotated": {"oab-external-url", "oab-reset", "page-written", "shell-command"},
            "proxyshell": {"role-grant", "mailbox-export", "page-written", "shell-command"},
            "proxynotshell": {"identity-used", "page-written", "shell-command"},
            "owassrf": {"identity-used", "role-grant", "mailbox-export"},
        }
        assert wanted[name] <= words
        assert words & {*BEHAVIOURS}


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_truth_names_looks_like_an_intrusion(events_of, name):
    """Whoever looks for the plainest marks finds the truth's records and no other."""
    lab = events_of(name)
    named = {(t.channel, t.record) for t in lab.told.events}
    marked = set()
    for key, event in lab.by_record().items():
        data = event.get("EventData") or {}
        text = json.dumps(data)
        shell = data.get("NewProcessName", data.get("Image", "")).lower().endswith("cmd.exe")
        parent = data.get("ParentProcessName", data.get("ParentImage", "")).lower()
        if (shell and parent.endswith("w3wp.exe")) or "<script" in text or "aspx" in text.lower():
            marked.add(key)
        if number_of(event) in (4720, 4732, 4698, 1116, 1102, 104):
            marked.add(key)
    # pages of OWA and ECP are named by ASP.NET's own complaints
    marked -= {k for k in marked if k[0] == "Application" and k not in named}
    assert marked <= named
    assert bool(marked) == (name in INTRUSIONS and name != "owassrf") or name == "owassrf"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_cmdlets_share_their_activity_with_the_text_logs(events_of, seed):
    lab = events_of("proxylogon", seed)
    acts = [t for t in lab.told.events if t.what.startswith("oab-") and t.activity]
    ecp = {}
    for path in (lab.folder / "collection").rglob("ECPServer*"):
        for line in path.read_text("utf-8-sig").splitlines():
            found = re.search(r"S:ACTID=([0-9a-f-]{36})", line)
            if found:
                ecp[found[1]] = line
    assert len(acts) >= 3
    for told in acts:
        event = lab.by_record()[told.channel, told.record]
        data = event["EventData"]["Data"]["#text"]
        line = ecp[told.activity]
        assert data[23] == f"ActivityId: {told.activity}"
        verb = data[0].split("-")[0]
        assert f"CMD={verb}-OabVirtualDirectory" in line
        delay = time_of(event) - datetime.fromisoformat(line.split(",")[0])
        assert timedelta(0) <= delay < timedelta(seconds=1)


@pytest.mark.parametrize("name", ["proxyshell", "owassrf", "quiet"])
def test_every_cmdlet_of_remote_powershell_is_in_both_logs(events_of, name):
    lab = events_of(name)
    rows = {}
    for path in (lab.folder / "collection").rglob("Rps_Cmdlet_*"):
        for line in path.read_text("utf-8").splitlines():
            if line[0].isdigit():
                cells = line.split(",")
                rows[cells[2]] = cells
    events = {}
    for _, event in lab.events("MSExchange Management"):
        data = event["EventData"]["Data"]["#text"]
        assert len(data) == 27
        if "PowerShell" in data[6]:
            events[data[23].removeprefix("ActivityId: ")] = data
    assert len(rows) > 40
    assert events.keys() <= rows.keys()
    if "MSExchange Management" not in lab.told.cleared:
        assert events.keys() == rows.keys()
    for key, data in events.items():
        assert data[0] == rows[key][20]
        assert data[6] == f"{rows[key][9]} {rows[key][10]}"


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("name", ["proxylogon", "proxyshell", "proxynotshell"])
def test_what_a_shell_runs_starts_while_its_request_is_served(events_of, name, seed):
    lab = events_of(name, seed)
    (path,) = {b.path.lower() for b in lab.host.backdoors if b.kind == "web-shell"}
    requests = []
    for log in (lab.folder / "collection").rglob("W3SVC1/*.log"):
        for row in fields_of(log):
            if row["sc-status"] == "200":
                begin = datetime.fromisoformat(f"{row['date']}T{row['time']}Z")
                # whole seconds in the log
                took = timedelta(milliseconds=int(row["time-taken"]))
                stem = unquote(row["cs-uri-stem"]).lower()
                requests.append((begin, begin + took + timedelta(seconds=1), stem))
    records = lab.by_record()
    starts = [
        records[t.channel, t.record]
        for t in lab.told.events
        if t.what == "shell-command" and t.channel == kinds.SYSMON
    ]
    starts = [e for e in starts if e["EventData"]["Image"].endswith("cmd.exe")]
    pool = {"owa": "MSExchangeOWAAppPool", "ecp": "MSExchangeECPAppPool"}.get(
        path.split("/")[1], "DefaultAppPool"
    )
    assert len(starts) > 3
    for event in starts:
        assert f'-ap "{pool}"' in event["EventData"]["ParentCommandLine"]
        at = time_of(event)
        assert any(b <= at < e for b, e, stem in requests if stem == path)


def test_processes_form_trees(events_of):
    lab = events_of("proxylogon")
    started, orphans = {}, 0
    for _, event in lab.events(kinds.SYSMON):
        if number_of(event) != 1:
            continue
        data = event["EventData"]
        if data["Image"].endswith(("cmd.exe", "w3wp.exe")):
            started[data["ProcessGuid"]] = data
        elif data["ParentImage"].endswith("cmd.exe"):
            parent = started.get(data["ParentProcessGuid"])
            orphans += parent is None
            assert parent["CommandLine"] == data["ParentCommandLine"]
            assert parent["ProcessId"] == data["ParentProcessId"]
            assert parent["CommandLine"].endswith(data["CommandLine"])
    audit = {
        (e["EventData"]["NewProcessId"], e["EventData"]["CommandLine"])
        for _, e in lab.events("Security")
        if number_of(e) == 4688
    }
    assert not orphans and started
    assert all((hex(d["ProcessId"]), d["CommandLine"]) in audit for d in started.values())


def test_event_logs_outlive_the_text_logs(events_of):
    lab = events_of("rotated")
    assert not lab.host.chains
    assert any(t.what == "oab-external-url" and t.time < lab.truth.since for t in lab.told.events)
    shared = [t.activity for t in lab.told.events if t.activity]
    texts = b"".join(p.read_bytes() for p in (lab.folder / "collection").rglob("*.LOG"))
    assert shared and not any(a.encode() in texts for a in shared)
    # the days without text logs are as full as the others
    days = Counter(time_of(e).date() for _, e in lab.events("MSExchange Management"))
    assert len(days) == 2 and max(days.values()) < 3 * min(days.values())


def test_without_sysmon_nothing_of_it_is_there(events_of):
    lab = events_of("proxylogon", sysmon=False)
    assert kinds.SYSMON not in lab.told.records
    assert any(t.what == "shell-command" for t in lab.told.events)


def test_noise_follows_the_scale(events_of):
    small = events_of("quiet", event_scale=0.5).told.records
    large = events_of("quiet", event_scale=2.0).told.records
    assert 3 < large["Security"] / small["Security"] < 5
    assert large["MSExchange Management"] == small["MSExchange Management"]


def test_a_quiet_server_has_what_a_healthy_one_writes(events_of):
    lab = events_of("quiet", start=date(2021, 3, 1), days=3)
    counts = Counter((channel, number_of(event)) for (channel, _), event in lab.by_record().items())
    for wanted in (
        ("Security", 4624), ("Security", 4634), ("Security", 4672), ("Security", 4688),
        ("System", 7036), ("MSExchange Management", 1), (kinds.SYSMON, 1), (kinds.SYSMON, 3),
        (kinds.SYSMON, 11), ("Application", 1001), ("Windows PowerShell", 400),
        ("Microsoft-Windows-PowerShell/Operational", 4104),
        ("Microsoft-Windows-Windows Defender/Operational", 1000),
    ):  # fmt: skip
        assert counts[wanted], wanted
    names = [e["EventData"]["TargetUserName"] for _, e in lab.events("Security")
             if number_of(e) == 4624]  # fmt: skip
    health = sum(n.startswith("HealthMailbox") for n in names)
    assert 0.2 < health / len(names) < 0.6
    logons = {e["EventData"]["TargetLogonId"] for _, e in lab.events("Security")
              if number_of(e) == 4624}  # fmt: skip
    ends = [e["EventData"]["TargetLogonId"] for _, e in lab.events("Security")
            if number_of(e) == 4634]  # fmt: skip
    assert set(ends) <= logons


def host():
    import random

    rng = random.Random(1)
    return EventHost(Server("EX01", rng, people=3), rng, 1.6e9)


def test_a_log_that_was_emptied_begins_with_that(tmp_path):
    logs, server = EventLogs(tmp_path, "ex01.example.com"), host()
    by = Account("a", "B", "S-1-5-21-1-2-3-1", 5)
    for n in range(600):
        logs.hold(logoff(server, 1.6e9 + n, by, 3), "seen" if n in (5, 500) else "")
    logs.hold(security_cleared(server, 1.6e9 + 300.5, by), "log-cleared")
    logs.hold(log_cleared(1.6e9 + 301, by, "Application"), "log-cleared")
    logs.flush(1.7e9)
    told = logs.close()
    assert told.cleared == ["Application", "Security"]
    assert told.records == {"Application": 0, "Security": 300, "System": 1}
    assert [(t.channel, t.what) for t in told.events] == [
        ("Security", "log-cleared"), ("System", "log-cleared"), ("Security", "seen"),
    ]  # fmt: skip
    path = tmp_path / LOGS / "Security.evtx"
    records = list(evtx.PyEvtxParser(str(path)).records_json())
    assert (records[0]["event_record_id"], len(records)) == (302, 300)
    assert number_of(json.loads(records[0]["data"])["Event"]) == 1102


def test_some_lab_empties_a_log(tmp_path):
    for seed in range(30):
        folder = tmp_path / str(seed)
        truth = make_lab(
            folder, scenario="proxylogon", seed=seed, days=2, requests_per_day=50, events=True
        )
        told = truth.hosts[0].event_logs
        if told.cleared:
            assert any(t.what == "log-cleared" and t.event_id in (104, 1102) for t in told.events)
            return
    raise AssertionError("no seed of 30 empties a log")
