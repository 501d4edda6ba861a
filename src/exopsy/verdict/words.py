"""Names and values -> text for people: log titles, kinds, bounded evidence, dates, lists."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from functools import cache
from itertools import groupby

import msgspec

from exopsy.core.content import CONTENT, read_yaml
from exopsy.schema.event import EVENT_LOG

_LONGEST = 120
_EVENTS = f"{EVENT_LOG}: "


class LogWords(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a log is called and where it lies on a server."""

    title: str
    folder: str
    files: str


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``mappings/wording.yml``."""

    logs: dict[str, LogWords]
    backdoors: dict[str, str]


@cache
def load_words() -> Words:
    """Read the wording once."""
    return msgspec.convert(read_yaml(CONTENT / "mappings" / "wording.yml"), Words)


def log_title(log: str) -> str:
    """Return "IIS request log" for ``iis-w3c``."""
    known = load_words().logs.get(log)
    if known is not None:
        return known.title
    channel = log.removeprefix(_EVENTS)
    return f"Windows event log {quote(channel)}" if channel != log else quote(log)


def log_place(log: str) -> str:
    r"""Return "IIS request log: C:\inetpub\..., files u_ex*.log"."""
    known = load_words().logs.get(log)
    if known is None and log.startswith(_EVENTS):
        return f"{log_title(log)}: C:\\Windows\\System32\\winevt\\Logs, and archived ones"
    return f"{known.title}: {known.folder}, files {known.files}" if known else quote(log)


def backdoor_kind(kind: str) -> str:
    """Return "web shell" for ``web-shell``."""
    return load_words().backdoors.get(kind, kind)


def quote(text: str, longest: int = _LONGEST) -> str:
    """Bound text that comes from evidence and take out what could steer a terminal or a reader.

    Control characters, invisible and direction-changing ones and line ends become ``?``.
    """
    shown = "".join(
        "?" if unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" else c
        for c in text[: longest + 1]
    )
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def join(parts: Sequence[str], most: int = 5) -> str:
    """Return "a, b and c", or "a, b and 7 more"."""
    shown = list(parts[:most])
    if len(parts) > most:
        return f"{', '.join(shown)} and {len(parts) - most} more"
    return (
        shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else ""
    )


def count(number: int, noun: str) -> str:
    """Return "1 day", "3 days"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def day_ranges(days: Iterable[date]) -> list[tuple[date, date]]:
    """Fold days into first and last of each unbroken run."""
    ordered = sorted(set(days))
    runs = groupby(enumerate(ordered), key=lambda pair: pair[1] - timedelta(pair[0]))
    found = [[day for _, day in run] for _, run in runs]
    return [(run[0], run[-1]) for run in found]


def between(first: date, last: date) -> str:
    """Return "on 2021-03-03" or "from 2021-03-03 to 2021-03-05"."""
    return f"on {first}" if first == last else f"from {first} to {last}"
