"""The law: what the sieve finds in events is what the plain way finds; and material to hold it against."""

from __future__ import annotations

import functools
import json
import random
import re
from pathlib import Path
from typing import Any

import yaml

from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.foreign import ForeignReader
from exopsy.detection.repository import known_log_sources
from exopsy.detection.rule import Rule, ValueList
from exopsy.evidence.events.flatten import flatten
from exopsy.evidence.events.usual import USUAL
from exopsy.evidence.registry import FORMATS
from exopsy.schema.event import EventBatch

LISTS = {"admins": ValueList(name="admins", values=frozenset(("alice", "bob")))}

# logsource; detection
RULES = r"""
- [{product: windows, category: process_creation}, {s: {Image|endswith: '\probe.exe', CommandLine|contains|all: [' -run ', '"quoted"']}, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|contains: ['C:\temp\\share', '\\\\server\\drop$', 'http://example.com/a?b=1&c=<2>']}, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|windash|contains: ' -quiet'}, f: {ParentImage|endswith: '\services.exe'}, condition: s and not f}]
- [{product: windows, category: process_creation}, {s: {CommandLine|wide|base64offset|contains: 'marker'}, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|contains: ['é', '😀']}, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|re: 'alpha\d{2}\s+(beta|gamma)'}, condition: s}]
- [{product: windows, category: process_creation}, {s: {IntegrityLevel: High, Image|startswith: 'C:\tools\'}, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|contains: 'Users\%admins%\', }, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|expand|contains: 'Users\%admins%\', }, condition: s}]
- [{product: windows, category: registry_set}, {s: {TargetObject|contains: '\Run\probe', Details|contains: 'evil'}, condition: s}]
- [{product: windows, category: registry_set}, {s: {TargetObject|startswith: 'HKLM\System\CurrentControlSet\Services\', Details: 'DWORD (0x00000002)'}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: 4624, LogonType: 9}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: [4624, 4625], IpAddress|cidr: 203.0.113.0/24}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: 4720}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: 4625}, f: {SubStatus: '0xc0000064'}, condition: s and not f}]
- [{product: windows, service: security}, {s: {TargetUserName: null, EventID: 4624}, condition: s}]
- [{product: windows, service: security}, {s: {EventID|gte: 4700, TargetUserName|contains: 'alice'}, condition: s}]
- [{product: windows, service: security}, {s: {Level: 2, TargetUserName|endswith: '$'}, condition: s}]
- [{product: windows, service: security}, {s: {Keywords: '0x8010000000000000', TargetUserName: bob}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: 4776, SubjectUserName|fieldref: TargetUserName}, condition: s}]
- [{product: windows, service: system}, {s: {Provider_Name: Service Control Manager, EventID: 7045, ImagePath|contains: ['/c ', 'cmd']}, condition: s}]
- [{product: windows, service: application}, {k: ['needle::word', 'slash/word'], condition: k}]
- [{product: windows, service: application}, {s: {Data|contains: 'second value'}, condition: s}]
- [{product: windows, service: application}, {s: {Data: 'whole, value'}, condition: s}]
- [{product: windows}, {k: ['anywhere*word', '\odd\folder'], f: {EventID: 15}, condition: k and not f}]
- [{product: windows}, {s: {Channel|contains: Odd, Data|exists: true}, condition: s}]
- [{product: windows}, {s: {EventID|re: '^99\d$', Data|contains: 'long enough'}, condition: s}]
- [{product: windows, category: process_creation}, {s: {CommandLine|contains: 'a"b"c'}, condition: s}]
- [{product: windows, service: msexchange-management}, {s: {Cmdlet: Set-Thing, Parameters.Size: 7}, condition: s}]
- [{product: windows, service: msexchange-management}, {s: {Succeeded: 'false', Parameters.Path|endswith: '.probe'}, condition: s}]
- [{product: windows, service: powershell-classic}, {s: {HostApplication|contains: 'encoded'}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: 4768}, f: {Flag: 'true'}, condition: s and not f}]
- [{product: windows, service: security}, {s: {EventID: 4769, Status: '0x1f'}, condition: s}]
- [{product: windows, service: security}, {s: {EventID: 4663, ObjectPath|endswith: '\\sam'}, f: {AccessMask: '0x1'}, condition: s and not f}]
"""


def rules() -> list[Rule]:
    """Return the rules of the law, each as a file of somebody else would give it."""
    reader = ForeignReader(Path(), known_log_sources(FORMATS), LISTS)
    made = []
    for number, (source, detection) in enumerate(yaml.safe_load(RULES)):
        document = {"title": f"rule {number}", "logsource": source, "detection": detection}
        made.append(reader._made(document, f"{number}.yml", f"{number}.yml"))
    return made


def make(**more: Any) -> EventRules:
    return EventRules(rules(), LISTS, **more)


FLATTEN = functools.partial(flatten, artifact="x.evtx", host="EX01")


def batch_of(texts: list[str]) -> EventBatch:
    return EventBatch(
        texts=texts, numbers=list(range(len(texts))), offsets=[64 * i for i in range(len(texts))]
    )


def check(ready: EventRules, texts: list[str]) -> int:
    """Hold the law; return how many hits there are."""
    batch = batch_of(texts)
    quick, plain = ready.scan(batch, FLATTEN, USUAL), ready.scan_plain(batch, FLATTEN)

    def told(found: Any) -> list[tuple[int, str, str, int]]:
        return [(h.index, h.rule.at, h.grade, h.row.origin.offset) for h in found.hits]

    assert told(quick) == told(plain)
    assert told(ready.scan(batch, FLATTEN)) == told(plain)
    assert quick.decoded <= plain.decoded
    return len(plain.hits)


# ---- material ----------------------------------------------------------------------------------

VALUES = [
    r"C:\tools\probe.exe", r"\device\harddiskvolume1\probe.exe", r"C:\Windows\System32\services.exe",
    'probe -run "quoted" now', 'probe -run \\"quoted\\" now', r"dir C:\temp\share", r"dir C:\temp\\share",
    r"copy x \\server\drop$", r"copy x \\\\server\\drop$", "get http://example.com/a?b=1&c=<2>",
    "x /quiet", "x -quiet", "x \u2013quiet", "powershell bQBhAHIAawBlAHIA", "bQBhAHIAawBlAHIA",
    "café", "cafÉ", "smile 😀", "alpha42  beta", "Alpha42 gamma", "S-1-16-12288", "High",
    r"C:\Users\alice\x", r"C:\Users\ALICE\x", r"C:\Users\%admins%\x", r"C:\Users\carol\x",
    r"HKLM\Software\Run\probe", r"\REGISTRY\MACHINE\Software\Run", "probe", "an evil thing",
    r"HKLM\System\CurrentControlSet\Services\x", r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\x",
    "DWORD (0x00000002)", "2", "%%1905", "9", 9, 3, "203.0.113.9", "::ffff:203.0.113.9", "198.51.100.1",
    "alice", "Bob", "bob", "EX01$", "-", "", None, "0xC0000064", "Service Control Manager",
    "cmd /c x", "needle::word", "NEEDLE::WORD", "slash/word", "second value", "whole, value",
    "anywhere a word", r"x\odd\folder", r"x\\odd\folder", r"\u006fdd", "long enough", True, 7,
    "HostApplication=x -encoded y", "k\u212aelvin", "line\nend", "tab\tstop", "\ud83d", "/c ",
]  # fmt: skip
NAMES = """
    Image NewProcessName CommandLine ParentImage ParentProcessName IntegrityLevel MandatoryLabel
    TargetObject ObjectName ObjectValueName Details NewValue OperationType LogonType IpAddress
    TargetUserName SubjectUserName SubStatus ImagePath Data Channel EventID Level param1
""".split()
CHANNELS = [
    "Microsoft-Windows-Sysmon/Operational", "Security", "System", "Application", "Windows PowerShell",
    "SECURITY", "Odd/Channel", "Oddity", "-", "",
]  # fmt: skip
EVENTS = [1, 13, 4688, 4657, 4624, 4625, 4720, 7045, 400, 15, 991, 5, 4624.0, "4624", "04624", 0]


SIBLINGS: list[tuple[str, Any, dict[str, Any]]] = [
    ("Security", 4768, {"Flag": 1}),
    ("Security", 4768, {"Flag": True}),
    ("Security", 4768, {"Flag": "-"}),
    ("Security", 4769, {"Status": "0x1f"}),
    ("Security", 4769, {"Status": "0x1f0", "Other": "a 0x1f"}),
    ("Security", 4663, {"ObjectName": "\\\\h\\sam", "AccessMask": "0x2"}),
    ("Security", 4663, {"ObjectName": "C:\\x\\sam.x", "AccessMask": "0x2"}),
    ("Security", 4663, {"ObjectName": "C:\\x", "ObjectValueName": "sam", "AccessMask": "0x2"}),
    ("Security", 4700, {"TargetUserName": "EX01$"}),
    ("Oddity", 16, {"Text": "a word anywhere"}),
    ("Oddity", 16, {"Text": "anywhere a word"}),
]
"""Events of the same kind, of which a rule matches some."""
SYSMON = "Microsoft-Windows-Sysmon/Operational"
PROBE = r"C:\tools\probe.exe"
HITS: list[tuple[str, Any, dict[str, Any]]] = [
    (SYSMON, 1, {"Image": PROBE, "CommandLine": 'probe -run "quoted" now'}),
    ("Security", 4688, {"NewProcessName": PROBE, "CommandLine": 'x -run  "quoted"'}),
    (SYSMON, 1, {"CommandLine": r"dir C:\temp\share"}),
    ("Security", "4688", {"CommandLine": r"copy x \\server\drop$"}),
    (SYSMON, "1", {"CommandLine": "get http://example.com/a?b=1&c=<2>"}),
    (SYSMON, 1, {"CommandLine": "x \u2013quiet", "ParentImage": "y"}),
    ("Security", 4688, {"CommandLine": "x /quiet", "ParentProcessName": r"C:\services.exe"}),
    (SYSMON, 1, {"CommandLine": "powershell bQBhAHIAawBlAHIA"}),
    ("Security", 4688, {"CommandLine": "café"}),
    (SYSMON, 1, {"CommandLine": "smile 😀"}),
    (SYSMON, 1, {"CommandLine": "run Alpha alpha42  beta"}),
    ("Security", 4688, {"MandatoryLabel": "S-1-16-12288", "NewProcessName": PROBE}),
    (SYSMON, 1, {"IntegrityLevel": "High", "Image": PROBE}),
    (SYSMON, 1, {"CommandLine": r"C:\Users\%admins%\x"}),
    ("Security", 4688, {"CommandLine": r"C:\Users\ALICE\x"}),
    (SYSMON, 13, {"TargetObject": r"HKLM\Software\Run\probe", "Details": "an evil thing"}),
    ("Security", 4657, {"OperationType": "%%1905", "ObjectName": r"\REGISTRY\MACHINE\Run",
                        "ObjectValueName": "probe", "NewValue": "evil"}),
    ("Security", 4657, {"OperationType": "%%1904", "ObjectValueName": "Start", "NewValue": "2",
                        "ObjectName": r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services\x"}),
    ("Security", 4624, {"LogonType": 9}),
    ("Security", 4624, {"LogonType": "9", "TargetUserName": "x"}),
    ("Security", 4625, {"IpAddress": "203.0.113.9", "SubStatus": "0xc0000064"}),
    ("Security", 4720, {"TargetUserName": "alice"}),
    ("Security", 4700, {"TargetUserName": "EX01$"}),
    ("Security", 4776, {"TargetUserName": "bob", "SubjectUserName": "BOB"}),
    ("System", 7045, {"ImagePath": "cmd /c x"}),
    ("Application", 5, {"Data": ["x", "NEEDLE::WORD", "second value"]}),
    ("Application", 5, {"Data": ["whole, value", "slash/word"]}),
    ("Oddity", 15, {"Data": "anywhere a word"}),
    ("Other", 5, {"Name": r"x\odd\folder"}),
    ("Other", 991, {"Data": ["long enough", None]}),
    (SYSMON, 1, {"CommandLine": 'x a"B"c'}),
    ("MSExchange Management", 6, {"Data": ["Set-Thing", "{Size=7, Path=C:\\x.probe}", "x"]}),
    ("MSExchange Management", 6, {"Data": ["Set-Thing", '-Size "7" -Path "\\\\h\\x.PROBE"', "x"]}),
    ("MSExchange Management", 1, {"Data": ["Set-Thing", '-Path "x.probe"', "x"]}),
    ("Windows PowerShell", 400, {"Data": ["x", "HostApplication=x -encoded y"]}),
]  # fmt: skip


def record(chance: random.Random) -> Any:
    """Return one event in one of the exporters' shapes, as an object."""
    if chance.random() < 0.7:
        channel, event, known = chance.choice([*HITS, *SIBLINGS])
        data = dict(known)
        if chance.random() < 0.4:
            data[chance.choice([*data, *NAMES])] = chance.choice(VALUES)
        if chance.random() < 0.2:
            channel, event = chance.choice([(chance.choice(CHANNELS), event), (channel, 5)])
    else:
        channel, event = chance.choice(CHANNELS), chance.choice(EVENTS)
        data = {chance.choice(NAMES): chance.choice(VALUES) for _ in range(chance.randrange(1, 7))}
        if chance.random() < 0.3:
            data["Data"] = [chance.choice(VALUES) for _ in range(3)]
    provider: dict[str, Any] = {
        "Name": chance.choice(["P", *["Service Control Manager"] * 2, "}{"])
    }
    if chance.random() < 0.1:
        provider = {"EventID": 4720, **provider}
    shape = chance.choice([0, 0, 0, 0, 0, 0, 0, 0, 4, 5, 6, 7])
    if shape == 0:
        number: Any = event
        if chance.random() < 0.3:
            number = {"#attributes": {"Qualifiers": 0}, "#text": event}
        system: dict[str, Any] = {
            "Provider": {"#attributes": provider},
            "EventID": number,
            "Level": chance.choice([2, 4]),
            "Keywords": chance.choice(
                ["0x8010000000000000", -9218868437227405312, "Audit Failure"]
            ),
            "Security": None,
            "Channel": channel,
            "Computer": "EX01",
        }
        if chance.random() < 0.6:
            system = in_the_usual_order(chance, system)
        if chance.random() < 0.05:
            del system[chance.choice(["EventID", "Channel"])]
        event_part = {"System": system, "EventData": data}
        if chance.random() < 0.1:
            event_part = {"EventData": data, "System": system}
        return {"Event": event_part}
    if shape == 4:
        return {"winlog": {"channel": channel, "event_id": event, "event_data": data},
                "log": {"level": chance.choice(["error", "information"])}}  # fmt: skip
    if shape == 5:
        return {"Channel": channel, "EventId": event, "Level": "Error",
                "Payload": json.dumps({"EventData": {"Data": [
                    {"@Name": name, "#text": value} for name, value in data.items()]}})}  # fmt: skip
    if shape == 6:
        return {
            "LogName": channel,
            "Id": event,
            "Properties": [{"Value": v} for v in data.values()],
        }
    return {**data, "Channel": channel, "EventID": event}


def in_the_usual_order(chance: random.Random, system: dict[str, Any]) -> dict[str, Any]:
    """Return a system part with the names, in the order, that the library writes."""
    first = ("Provider", "EventID", "Level", "Keywords")
    time = f"2021-03-03T04:00:{chance.randrange(60):02}.500000Z"
    return {
        **{name: system[name] for name in first},
        "TimeCreated": {"#attributes": {"SystemTime": time}},
        "EventRecordID": chance.randrange(9),
        "Correlation": chance.choice([None, {"#attributes": {"ActivityID": "{1}"}}]),
        "Execution": {"#attributes": {"ProcessID": 4, "ThreadID": 8}},
        "Channel": system["Channel"],
        "Computer": "EX01",
        "Security": chance.choice([None, {"#attributes": {"UserID": "S-1-5-18"}}]),
    }


def written(chance: random.Random, found: Any) -> str:
    """Write an object as one of many writers would."""
    tight = chance.random() < 0.85
    text = json.dumps(
        found, ensure_ascii=chance.random() < 0.3, separators=(",", ":") if tight else None
    )
    if chance.random() < 0.3:
        text = _re_escaped(chance, text)
    if chance.random() < 0.15:
        text = _case_changed(chance, text)
    if chance.random() < 0.1:
        text = _damaged(chance, text)
    return text


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_UNIT = re.compile(r"\\.[0-9a-fA-F]{0,4}|.", re.DOTALL)


def _re_escaped(chance: random.Random, text: str) -> str:
    r"""Write some characters of strings as ``\u0041``, names of fields among them."""

    def one(found: re.Match[str]) -> str:
        c = found[0]
        if len(c) > 1 or ord(c) > 0xFFFF or chance.random() > 0.15:
            return c
        if c == "/":
            return "\\/"
        code = f"{ord(c):04x}"
        return "\\u" + (code.upper() if chance.random() < 0.5 else code)

    def string(found: re.Match[str]) -> str:
        inner = found[0][1:-1]
        pieces = re.findall(r"\\u[0-9a-fA-F]{4}|\\.|.", inner, re.DOTALL)
        return '"' + "".join(one(m) for p in pieces if (m := re.fullmatch("(?s).+", p))) + '"'

    return _STRING.sub(lambda m: string(m) if chance.random() < 0.3 else m[0], text)


def _case_changed(chance: random.Random, text: str) -> str:
    return "".join(c.swapcase() if c.isascii() and chance.random() < 0.2 else c for c in text)


def _damaged(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text))
    return chance.choice(
        [
            text[:at],
            text[:at] + chance.choice('"\\{}[],:0\udc80') + text[at + 1 :],
            text[:at] + text[max(0, at - 9) :],
            text.replace('"Channel":', '"Channel":"System","Channel":', 1),
            text.replace('"System":', '"System":null,"System":', 1),
            text.replace(",", " ,\t"),
        ]
    )


def siblings() -> list[str]:
    """Return events that differ in their data only, and events that differ in their kind only."""
    texts = []
    for level in (4, 2, 4):
        for channel, event, data in [*SIBLINGS, *HITS]:
            system = {
                "Provider": {"#attributes": {"Name": "P"}},
                "EventID": event,
                "Level": level,
                "Keywords": "0x0",
                "Channel": channel,
            }
            system = in_the_usual_order(random.Random(level), system)
            found = {"Event": {"System": system, "EventData": data}}
            texts.append(json.dumps(found, ensure_ascii=False, separators=(",", ":")))
    return texts


def material(seed: int, count: int = 150) -> list[str]:
    chance = random.Random(seed)
    return [written(chance, record(chance)) for _ in range(count)]
