r"""What virus scanners of Windows wrote as text -> one row for each threat and file they name.

``Windows\debug\msert.log`` and ``mrt.log`` (one-off scanners: several runs in one file, local time
without a zone), ``MPLog-*.log`` and ``MPDetection-*.log`` (the resident one, UTC), exports of its
detections (``Get-MpThreatDetection``, ``Get-MpThreat``), and entries of its quarantine. Everything else in them is passed over.
The forms of the lines are those of published analyses; a line that fits none is no threat here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from exopsy.core.clock import format_utc
from exopsy.evidence.files import web_page
from exopsy.evidence.files.encoded_text import EncodedText, head_text, holds, shown
from exopsy.evidence.files.object_export import DAMAGED, has_field, read_objects
from exopsy.evidence.files.place import place_fields
from exopsy.evidence.files.scanner_quarantine import is_entry, read_entry
from exopsy.evidence.files.windows_path import canonical_path
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "scanner-log"
MOST_ROWS = 20_000
TOO_MANY = "too-many-threats"
_RAW = 1_024
_LINE = 8_192

_ONE_OFF = re.compile(
    r"Microsoft (?:Safety Scanner|Windows Malicious Software Removal Tool|Support Emergency)", re.I
)
# 2021-03-10T10:10:10.123Z DETECTIONEVENT MPSOURCE_REALTIME Backdoor:ASP/Example file:C:\x.aspx;
_RESIDENT = re.compile(
    r"^(?:(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,7})?)Z?\s+)?"
    r"(DETECTION(?:EVENT|_ADD|_CLEANEVENT|_CLEANEVENT_ERROR|_PERSISTED)?)\s+(.*)$"
)
_RESIDENT_NAME = re.compile(r"(?:^|[/\\])MP(?:Log|Detection)-?[^/\\]{0,60}\.(?:log|txt)$", re.I)
_RESIDENT_LINE = re.compile(r"(?m)^\d{4}-\d\d-\d\dT[\d:.]{8,20}Z? DETECTION(?:EVENT|_ADD)? ")
_THREAT = re.compile(r"\b([A-Z][A-Za-z]{2,30}:[A-Za-z0-9_]{1,30}/[^\s;,|]{1,120})")
_RESOURCE = re.compile(
    r"\b(?:container)?file:_?(?://)?([^;|\r\n]{3,1000}?)(?=\s*(?:;|\||$)|->|\s+(?:container)?file:)",
    re.IGNORECASE,
)
_DETECTED = re.compile(r"^\s*Threat [Dd]etected:?\s+(\S+)(.*)$")
_FOUND = re.compile(r"^\s*Found\s+(?:virus:\s*)?([A-Z]\w+:\w+/[^\s,]+)(.*)$")
_ACTION = re.compile(r"^\s*Action:\s*([^,]{1,60})(?:,\s*Result:\s*(\S{1,40}))?")
_STARTED = re.compile(r"^\s*Started On\s+(.{10,60})$")


def recognise(head: bytes, path: str) -> bool:
    """Recognise the first lines of the scanners' logs, and exports of detections."""
    if is_entry(head):
        return True
    if web_page.recognise(b"", path):
        return False
    if _RESIDENT_NAME.search(path) is not None:
        return True
    if not holds(head, "Started On", "DETECTION", "ThreatID"):
        return False
    text = head_text(head)
    if _ONE_OFF.search(text[:4_000]) is not None and "Started On" in text:
        return True
    if _RESIDENT_LINE.search(text) is not None:
        return True
    return has_field(text, ("ThreatID",))


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for each threat and each file that it was found in."""
    if is_entry(data):
        yield from _of_quarantine(data, file)
        return
    text = EncodedText(data)
    if has_field(text.text[:65_536], ("ThreatID",)):
        rows = _of_objects(data, file)
    elif _ONE_OFF.search(text.text[:4_000]):
        rows = _of_one_off(text, data, file)
    else:
        rows = _of_resident(text, data, file)
    for count, row in enumerate(rows):
        if count >= MOST_ROWS:
            origin = Origin(artifact=file.path, offset=0, line=1)
            yield Skipped(reason=TOO_MANY, origin=origin)
            return
        yield row


def _of_quarantine(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    entry = read_entry(data)
    origin = Origin(artifact=file.path, offset=0, line=1)
    if not entry.is_whole:
        yield Skipped(reason=DAMAGED, origin=origin)
    for kind, path in entry.resources or (("", ""),):
        fields = place_fields(file.path) | {
            "Scanner": "resident",
            "Threat": shown(entry.threat),
            "Action": "quarantine",
            "Time": "" if entry.time is None else format_utc(entry.time),
            **(_target(path) if kind in {"file", "containerfile"} else {"Target": path}),
        }
        yield Row(
            log=NAME,
            host="",
            timestamp=entry.time,
            fields={name: value for name, value in fields.items() if value},
            origin=origin,
            raw=data[:_RAW],
        )


def _of_resident(text: EncodedText, data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    for start, line in text.lines():
        if "DETECTION" not in line:
            continue
        found = _RESIDENT.match(line[:_LINE])
        threat = None if found is None else _THREAT.search(found[3])
        if found is None or threat is None:
            continue
        time = _time(found[1])
        fields = {
            "Scanner": "resident",
            "Threat": threat[1].rstrip("."),
            "Action": _word(found[3], "MP_THREAT_ACTION_") or found[2],
            "Time": found[1] or "",
        }
        for target in _targets(found[3]) or [""]:
            yield _row(text, data, file, (start, line), {**fields, **_target(target)}, time)


def _of_one_off(text: EncodedText, data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    started, threat, action, result = "", "", "", ""
    for start, line in text.lines():
        if run := _STARTED.match(line):
            started, threat = run[1].strip(), ""
            fields = {"Scanner": "one-off", "Action": "run", "Time": started}
            yield _row(text, data, file, (start, line), fields, None)
        elif found := _DETECTED.match(line) or _FOUND.match(line):
            threat, action, result = found[1].rstrip(",."), found[2].strip(" ,.!"), ""
            fields = {"Scanner": "one-off", "Threat": threat, "Action": action, "Time": started}
            yield _row(text, data, file, (start, line), fields, None)
        elif done := _ACTION.match(line):
            action, result = done[1].strip(), done[2] or ""
        elif threat and "file:" in line:
            for target in _targets(line[:_LINE].strip()):
                fields = {"Scanner": "one-off", "Threat": threat, "Action": action}
                fields |= {"Result": result, "Time": started, **_target(target)}
                yield _row(text, data, file, (start, line), fields, None)


def _of_objects(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    for item in read_objects(data, file.path):
        if isinstance(item, Skipped):
            yield item
            continue
        named = {name.lower(): value for name, value in item.fields.items()}
        if "threatid" not in named or not (named.get("resources") or named.get("threatname")):
            continue
        fields = place_fields(file.path) | {
            "Scanner": "resident",
            "Threat": named.get("threatname", "") or f"threat {named['threatid']}",
            "Time": named.get("initialdetectiontime", ""),
            "Process": named.get("processname", ""),
        }
        for target in _targets(named.get("resources", "").strip("{}").replace(", ", ";")) or [""]:
            told = {**fields, **_target(target)}
            yield Row(
                log=NAME,
                host="",
                timestamp=None,
                fields={name: value for name, value in told.items() if value},
                origin=Origin(artifact=file.path, offset=item.start, line=item.line),
                raw=data[item.start : min(item.end, item.start + _RAW)],
            )


def _row(
    text: EncodedText,
    data: bytes,
    file: FileFacts,
    at: tuple[int, str],
    fields: dict[str, str],
    time: datetime | None,
) -> Row:
    start, line = at
    begin, end = text.offset(start), text.offset(start + min(len(line), _RAW))
    told = place_fields(file.path) | {name: shown(value) for name, value in fields.items()}
    return Row(
        log=NAME,
        host="",
        timestamp=time,
        fields={name: value for name, value in told.items() if value},
        origin=Origin(artifact=file.path, offset=begin, line=text.line(start)),
        raw=data[begin:end],
    )


def _targets(text: str) -> list[str]:
    return [m[1].strip() for m in _RESOURCE.finditer(text)][:100]


def _target(text: str) -> dict[str, str]:
    if not text:
        return {}
    return {"Target": text, "TargetPath": canonical_path(text)}


def _word(text: str, start: str) -> str:
    found = re.search(rf"{start}(\w{{1,40}})", text)
    return "" if found is None else found[1].lower()


def _time(text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text[:26]).replace(tzinfo=UTC)
    except ValueError:
        return None
