"""Our events have the form of real ones: the same keys in the same order, values of the same type."""

import json
import re
from pathlib import Path

import evtx
import pytest

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_kind import Event, Kind, KindEncoder
from exopsy.lab.evtx_writer import EvtxWriter

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
VALUES = {"string": "text", "boolean": True, "binary": b"\1", "sid": "S-1-5-18",
          "guid": "01234567-89AB-CDEF-0123-456789ABCDEF"}  # fmt: skip
# Published samples, cut to their forms: system keys, data keys.
AUDIT = "Provider EventID Version Level Task Opcode Keywords TimeCreated EventRecordID Correlation Execution Channel Computer Security".split()
CLASSIC = "Provider EventID Level Task Keywords TimeCreated EventRecordID Channel Computer Security".split()
PINNED = [
    (kinds.LOGON, AUDIT, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId TargetUserSid TargetUserName TargetDomainName TargetLogonId LogonType LogonProcessName AuthenticationPackageName WorkstationName LogonGuid TransmittedServices LmPackageName KeyLength ProcessId ProcessName IpAddress IpPort ImpersonationLevel RestrictedAdminMode TargetOutboundUserName TargetOutboundDomainName VirtualAccount TargetLinkedLogonId ElevatedToken"),
    (kinds.PROCESS, AUDIT, "SubjectUserSid SubjectUserName SubjectDomainName SubjectLogonId NewProcessId NewProcessName TokenElevationType ProcessId CommandLine TargetUserSid TargetUserName TargetDomainName TargetLogonId ParentProcessName MandatoryLabel"),
    (kinds.SERVICE_INSTALLED, AUDIT, "ServiceName ImagePath ServiceType StartType AccountName"),
    (kinds.SERVICE_STATE, AUDIT, "param1 param2 Binary"),
    (kinds.SCRIPT_BLOCK, AUDIT, "MessageNumber MessageTotal ScriptBlockText ScriptBlockId Path"),
    (kinds.SYSMON_FILE, AUDIT, "RuleName UtcTime ProcessGuid ProcessId Image TargetFilename CreationUtcTime"),
    (kinds.SYSMON_ACCESS, AUDIT, "RuleName UtcTime SourceProcessGUID SourceProcessId SourceThreadId SourceImage TargetProcessGUID TargetProcessId TargetImage GrantedAccess CallTrace"),
    (kinds.CMDLET, CLASSIC, "Data Binary"),
    (kinds.WEB_ERROR, CLASSIC, "Data Binary"),
    (kinds.ENGINE_STATE, CLASSIC, "Data Binary"),
]  # fmt: skip


def made(kind, tmp_path):
    values = [VALUES.get(t, 7) for _, t in kind.fields]
    if kind.shape == "list":
        values = [f"item {i}" for i in range(27)]
    with EvtxWriter(tmp_path / "a.evtx") as writer:
        writer.write(*KindEncoder(kind, "ex01.example.com").encode(Event(1.6e9, kind, values)))
    (record,) = evtx.PyEvtxParser(str(tmp_path / "a.evtx")).records_json()
    return json.loads(record["data"])["Event"]


def form(value):
    """Keys in order and types of values; texts of numbers and of ids by their pattern."""
    if isinstance(value, dict):
        return {k: form(v) for k, v in value.items()}
    if isinstance(value, str):
        if re.fullmatch(r"0x[0-9a-f]+", value):
            return "hex"
        if re.fullmatch(r"S-1-[\d-]+", value):
            return "sid"
        return "text"
    return type(value).__name__


@pytest.mark.parametrize(
    ("kind", "system", "data"), PINNED, ids=lambda x: getattr(x, "event_id", "")
)
def test_kinds_have_the_keys_of_published_samples(kind, system, data, tmp_path):
    event = made(kind, tmp_path)
    assert list(event["System"]) == system
    assert list(event["EventData"]) == data.split()
    assert isinstance(event["System"]["EventID"], dict) == (kind.qualifiers is not None)


def real_events():
    """Yield one real event of every number and version that the lab makes, read by the library."""
    ours = {(k.channel, k.event_id): k for k in vars(kinds).values() if isinstance(k, Kind)}
    seen = set()
    for path in sorted(SAMPLES.rglob("*.evtx")):
        try:
            records = [r["data"] for r in evtx.PyEvtxParser(str(path)).records_json()]
        except (RuntimeError, OSError):
            continue  # damaged on purpose
        for text in records:
            event = json.loads(text)["Event"]
            system = event.get("System") or {}
            number = system.get("EventID")
            # samples that were collected through a forwarder have every value as text
            number = number.get("#text") if isinstance(number, dict) else number
            kind = ours.get((system.get("Channel"), number))
            if kind and (kind, system.get("Version")) not in seen:
                seen.add((kind, system.get("Version")))
                yield path.name, kind, event


@pytest.mark.skipif(
    not SAMPLES.is_dir(), reason="the folder of real samples, ../shared/samples, is not here"
)
def test_forms_are_those_of_real_samples(tmp_path):
    compared = set()
    for name, kind, real in real_events():
        event = made(kind, tmp_path)
        shown, wanted = form(event["System"]), form(real["System"])
        for system in (shown, wanted):
            # who did it, and which activity it belongs to, is an event's own
            system["Correlation"] = system["Security"] = ""
        wanted["Provider"].get("#attributes", {}).pop("EventSourceName", None)
        shown["Provider"].get("#attributes", {}).pop("EventSourceName", None)
        assert shown.items() >= wanted.items(), name
        if "UserData" in real:
            (inner,), (ours,) = real["UserData"].values(), event["UserData"].values()
            assert list(ours) == list(inner), name
            compared.add(kind.event_id)
            continue
        data = real["EventData"]
        if kind.shape == "list":
            assert set(event["EventData"]) >= set(data), name
            assert isinstance(data["Data"]["#text"], list)
            compared.add(kind.event_id)
            continue
        # later versions of an event have more fields at the end, never fewer
        if "Version" in real["System"] and real["System"]["Version"] <= kind.version:
            fields = {k: v for k, v in data.items() if k != "#attributes"}
            assert list(event["EventData"])[: len(fields)] == list(fields), name
            for key, value in fields.items():
                ours = form(event["EventData"][key])
                # these two are text that looks like a number
                assert ours == ("text" if "UacValue" in key else form(value)), (name, key)
            compared.add(kind.event_id)
    assert {4624, 4688, 1, 11, 3, 7045, 7036, 6, 4104, 1102, 104, 4720, 4698, 600} <= compared
