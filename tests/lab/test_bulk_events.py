import json

import evtx
import pytest

from exopsy.cli.main import main
from exopsy.lab.bulk_events import make_bulk_events

MARKS = ("cmd.exe", "schtasks", "MailboxExport", "Mailbox Import", "InboxRule", "MailboxPermission",
         "lsass.dmp", "x64.exe", "tun.exe", "net user", "Winsync", "lab text", "a.ps1", "MailCheck",
         "NetSvcHelper", "mail.zip", "makecab", "Webshell!lab", "support_7", "svc_mailer",
         "DefaultUser1", "Administrators", "applicationHost.config", "mailcheck", "127.0.0.1",
         "__VIEWSTATE", "50204", "Get-App", "BinaryFormatter", "InvalidCast", "203.0.113.9", "hostname", "AdminAuditLog",
         "Organization Management", "Domain Admins")  # fmt: skip


def records_of(folder):
    for path in sorted(folder.rglob("*.evtx")):
        parser = evtx.PyEvtxParser(str(path), validate_checksums=True)
        for record in parser.records_json():
            yield path.stem, record["event_record_id"], json.loads(record["data"])["Event"]


def body(event):
    return json.dumps(event.get("EventData", event.get("UserData")), sort_keys=True)


@pytest.mark.parametrize(("dense", "least", "most"), [(0.005, 0.004, 0.007), (0.5, 0.45, 0.56)])
def test_bulk_has_its_records_in_several_logs_and_the_share_of_candidates(
    tmp_path, dense, least, most
):
    made = make_bulk_events(tmp_path, records=8_000, dense=dense, seed=1)
    records = list(records_of(tmp_path))
    assert len(records) == sum(made.values()) == 8_000
    assert len([c for c, n in made.items() if n]) >= 6
    shares = sum(any(m in body(e) for m in MARKS) for _, _, e in records) / len(records)
    assert least <= shares <= most
    times = {}
    for name, number, event in records:
        at = event["System"]["TimeCreated"]["#attributes"]["SystemTime"]
        before = times.get(name, (0, ""))
        assert before[0] + 1 == number and before[1] <= at
        times[name] = (number, at)


def test_records_differ_and_follow_the_seed(tmp_path):
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        make_bulk_events(tmp_path / folder, records=3_000, dense=0.1, seed=seed)
    one, two, other = (
        [p.read_bytes() for p in sorted((tmp_path / f).rglob("*.evtx"))] for f in "abc"
    )
    assert one == two and one != other
    texts = [
        (name, json.dumps(e["System"]["TimeCreated"]) + body(e))
        for name, _, e in records_of(tmp_path / "a")
    ]
    assert len(set(texts)) == len(texts)
    logons = [body(e) for n, _, e in records_of(tmp_path / "a")
              if n == "Security" and e["System"]["EventID"] == 4624]  # fmt: skip
    assert len(set(logons)) == len(logons) > 200


def test_the_command_makes_them(tmp_path, capsys):
    code = main(["lab", "bulk-events", str(tmp_path / "x"), "--records", "500", "--dense", "0.5"])
    assert code == 0
    assert len(list(records_of(tmp_path / "x"))) == 500
    said = capsys.readouterr().out
    assert "Security" in said and "collection" in said


def test_lab_make_writes_event_logs_unless_told_not_to(tmp_path, capsys):
    command = ["lab", "make", "--scenario", "proxylogon", "--days", "1", "--requests-per-day", "50"]
    assert main([*command, str(tmp_path / "a"), "--no-sysmon"]) == 0
    assert main([*command, str(tmp_path / "b"), "--no-events"]) == 0
    names = {p.name for p in (tmp_path / "a").rglob("*.evtx")}
    assert "Security.evtx" in names and not any("Sysmon" in n for n in names)
    assert not list((tmp_path / "b").rglob("*.evtx"))
    capsys.readouterr()
