"""Rows of a rule's test -> the bytes of a log file that holds them, in the format's own form."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from exopsy.evidence import registry
from exopsy.schema.columns import COLUMNS

_IIS_HEADER = "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n"
_HTTPERR_HEADER = "#Software: Microsoft HTTP API 2.0\r\n#Version: 1.0\r\n"


def render_log(log: str, rows: Sequence[Mapping[str, str]]) -> bytes:
    """Write rows as a log file.

    Args:
        log: format name.
        rows: column (or derived field) -> value as logged; ``@time`` is the row's time where the
            format's own time column is not given.
    """
    if log in ("iis-w3c", "httperr"):
        return _w3c(log, rows)
    if log == "exchange-oab-generator":
        lines = [f"{_iso(row)},{row.get('message', '')}" for row in rows]
        return "\r\n".join([*lines, ""]).encode()
    return _exchange(log, rows)


def _w3c(log: str, rows: Sequence[Mapping[str, str]]) -> bytes:
    used = {name for row in rows for name in row}
    columns = [c for c in COLUMNS[log].columns if c in used or c in _W3C_USUAL]
    names = [_W3C_NAMES.get(c, c) for c in columns]
    header = _IIS_HEADER if log == "iis-w3c" else _HTTPERR_HEADER
    lines = [f"{header}#Date: 2021-03-03 00:00:00\r\n#Fields: {' '.join(names)}\r\n"]
    for row in rows:
        moment = datetime.fromisoformat(row["@time"])
        filled = {
            **_W3C_USUAL,
            "date": f"{moment:%Y-%m-%d}",
            "time": f"{moment:%H:%M:%S}",
            **row,
        }
        if "cafeReqId" in row:
            filled["cs-uri-query"] = f"{row.get('cs-uri-query', '')}&cafeReqId={row['cafeReqId']};"
        lines.append(" ".join(filled.get(c, "-") for c in columns) + "\r\n")
    return "".join(lines).encode()


_W3C_NAMES = {
    "cs-user-agent": "cs(User-Agent)",
    "cs-referer": "cs(Referer)",
    "cs-cookie": "cs(Cookie)",
    "x-forwarded-for": "X-Forwarded-For",
}
_W3C_USUAL = {
    "date": "-",
    "time": "-",
    "s-ip": "192.0.2.10",
    "cs-method": "GET",
    "cs-uri-stem": "/",
    "cs-uri-query": "-",
    "s-port": "443",
    "cs-username": "-",
    "c-ip": "198.51.100.7",
    "cs-user-agent": "Mozilla/5.0",
    "cs-referer": "-",
    "sc-status": "200",
    "sc-substatus": "0",
    "sc-win32-status": "0",
    "time-taken": "15",
}


def _exchange(log: str, rows: Sequence[Mapping[str, str]]) -> bytes:
    spec = registry.spec_of(log)
    columns = COLUMNS[log].columns
    log_type = spec.log_types[0] if spec.log_types else spec.title
    out = io.StringIO()
    out.write("#Software: Microsoft Exchange Server\r\n#Version: 15.01.2106.002\r\n")
    out.write(f"#Log-type: {log_type}\r\n#Date: 2021-03-03T00:00:00.000Z\r\n")
    out.write(f"#Fields: {','.join(columns)}\r\n")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        filled = dict(row)
        filled.setdefault(spec.time_column, _iso(row))
        _fold_derived(log, filled)
        writer.writerow([filled.get(c, "") for c in columns])
    return out.getvalue().encode()


def _fold_derived(log: str, row: dict[str, str]) -> None:
    """Put derived fields back into the column that the parser takes them from."""
    known = COLUMNS[log]
    derived = {k: v for k, v in row.items() if k not in known.columns and not k.startswith("@")}
    if not derived:
        return
    if "EventData" in known.columns:
        row.setdefault("EventData", ";".join(_pair(k, v) for k, v in derived.items()))
        row.setdefault("EventId", "ECP.Request")
    elif "Data" in known.columns:
        parameters = [
            {"Name": k.removeprefix("Parameters."), "Value": v}
            for k, v in derived.items()
            if k.startswith("Parameters.")
        ]
        plain = {k: v for k, v in derived.items() if not k.startswith("Parameters.")}
        row.setdefault("Data", msgspec.json.encode({**plain, "Parameters": parameters}).decode())


def _pair(name: str, value: str) -> str:
    """Write ``S:k=v``; wrapped in quotes, inner ones doubled, where the value needs it."""
    if any(c in value for c in ";='"):
        return "'S:{}={}'".format(name, value.replace("'", "''"))
    return f"S:{name}={value}"


def _iso(row: Mapping[str, str]) -> str:
    moment = datetime.fromisoformat(row["@time"])
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
