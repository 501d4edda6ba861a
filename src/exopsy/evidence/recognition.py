"""First bytes and path of an artifact -> the name of its log format, without importing a parser.

Content decides: collections are renamed and flattened. The path decides only for text that says
nothing of itself, such as a fragment without header, or free text.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from exopsy.evidence.header import comment_of
from exopsy.schema.format import FormatSpec

HEAD_BYTES = 1 << 16
_CONTROL = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")
_NUL_RUN = re.compile(rb"\x00{8,}")
_BOM = b"\xef\xbb\xbf"

# Columns that, together, only this format has; the first that fits wins.
_SIGNATURES: tuple[tuple[str, frozenset[str]], ...] = (
    ("httperr", frozenset(("s-reason",))),
    ("httperr", frozenset(("s-queuename",))),
    ("iis-w3c", frozenset(("cs-uri-stem",))),
    ("iis-w3c", frozenset(("cs-method", "sc-status"))),
    ("exchange-httpproxy", frozenset(("AnchorMailbox", "ProxyAction"))),
    ("exchange-ews", frozenset(("SoapAction", "ImpersonatedUser"))),
    ("exchange-rps-cmdlet", frozenset(("Cmdlet", "CmdletUniqueId"))),
    ("exchange-rps-http", frozenset(("CommandName", "ShellId"))),
    ("exchange-ecp-server", frozenset(("TimeStamp", "ServerName", "EventId", "EventData"))),
    ("exchange-message-tracking", frozenset(("event-id", "internal-message-id"))),
    ("exchange-audit", frozenset(("RecordType", "Data", "Workload"))),
    ("exchange-amsi", frozenset(("ScanResult", "HeaderNames"))),
    ("exchange-mitigation", frozenset(("MitigationId", "Result"))),
    ("exchange-mapihttp", frozenset(("RequestType", "MailboxId"))),
    ("exchange-imap4", frozenset(("seqNumber", "rqsize"))),
    ("exchange-smtp", frozenset(("connector-id", "sequence-number"))),
    ("exchange-agent-log", frozenset(("EnteredOrgFromIP", "SessionId"))),
)

# Folder and file names of servers and of collectors, for what says nothing of itself: any text...
_FREE_TEXT_PATHS = re.compile(
    r"(?:^|[/\\])(?:oabgeneratorlog|oabgeneratorsimplelog|oab_generation(?:_simple)?_logs)[/\\]",
    re.IGNORECASE,
)
# ...and text whose lines begin with a time.
_PATHS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (name, re.compile(pattern, re.IGNORECASE))
    for name, pattern in (
        ("iis-w3c", r"(?:^|[/\\])u_(?:ex|nc|in)\d{2,8}[^/\\]*\.log$|w3svc\d+"),
        ("httperr", r"(?:^|[/\\])httperr"),
        # not FrontEnd\HttpProxy: that is the web root
        (
            "exchange-httpproxy",
            r"(?<!frontend[/\\])httpproxy[_/\\]|(?:_proxy(?:_calendar)?_logs[/\\])",
        ),
        ("exchange-ecp-activity", r"ecpactivity"),
        ("exchange-ecp-server", r"ecpserver|[/\\]ecp[/\\]server[/\\]|ecp_logs[/\\]"),
        ("exchange-ews", r"(?:^|[/\\])ews_\d|ews_be_logs[/\\]"),
        ("exchange-rps-http", r"rps_http"),
        ("exchange-rps-cmdlet", r"rps_cmdlet"),
        ("exchange-rps-authz", r"rps_authz"),
        ("exchange-message-tracking", r"msgtrk|message_?tracking"),
        ("exchange-audit", r"(?:localqueue|cosmosqueue)[/\\].*audit\d"),
        ("exchange-amsi", r"httprequestfiltering"),
        ("exchange-mitigation", r"mitigation_?service"),
        ("exchange-mapihttp", r"mapihttp|mapi http"),
        ("exchange-imap4", r"(?:^|[/\\])imap4"),
        ("exchange-pop3", r"(?:^|[/\\])pop3"),
        (
            "exchange-smtp",
            r"protocollog[/\\]smtp|_protocol_logs[/\\]|(?:^|[/\\])(?:recv|send)\d{8}",
        ),
        ("exchange-agent-log", r"agentlog|transport_agent_logs[/\\]"),
    )
)
_W3C_LINE = re.compile(rb"(?:^|\n)(?:\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d \S+ ")
_CSV_LINE = re.compile(rb"(?:^|\n)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[^,\n]*,")


class Clues(msgspec.Struct):
    """What the header lines in the first bytes say."""

    software: str = ""
    log_type: str = ""
    columns: frozenset[str] = frozenset()


def recogniser(name: str) -> Callable[[bytes, str], bool]:
    """Return the ``recognise`` of one format's module."""

    def recognise(head: bytes, path: str) -> bool:
        """Say whether the first bytes of an artifact are of this format."""
        from exopsy.evidence.registry import FORMATS  # the registry imports us

        return name_of(head, path, FORMATS) == name

    return recognise


def name_of(head: bytes, path: str, formats: tuple[FormatSpec, ...]) -> str | None:
    """Return the name of the format, or None."""
    text = head[:HEAD_BYTES].lstrip(b"\0" + _BOM)
    if head and not text:  # what a crash leaves: the bytes count as NUL in the coverage of that log
        return next((name for name, pattern in _PATHS if pattern.search(path)), None)
    if not _is_text(text):
        return None
    clues = clues_of(text)
    found = _by_content(clues, text, path, formats)
    if found is not None:
        return found
    if _FREE_TEXT_PATHS.search(path) and text.strip():
        return "exchange-oab-generator"
    if clues.software or clues.log_type or clues.columns:
        return None  # it says what it is, and it is nothing of ours
    return _by_path(text, path)


def clues_of(text: bytes) -> Clues:
    """Read the header lines among the first bytes: the first log type and columns stated."""
    clues = Clues()
    for raw in re.split(rb"\r?\n|\x00{8,}", text):
        line = raw.lstrip(_BOM + b"\0")
        if line[:1] != b"#":
            if not clues.columns and _looks_like_columns(line):
                clues.columns = frozenset(_words(line.decode("ascii"), ","))
            continue
        comment = comment_of(line)
        if comment is None:
            continue
        name, value = comment
        if name == "software":
            clues.software = clues.software or value.lower()
        elif name == "log-type":
            clues.log_type = clues.log_type or value.lower()
        elif name == "fields":
            clues.columns = clues.columns or frozenset(_words(value, "," if "," in value else None))
    return clues


def _words(text: str, separator: str | None) -> list[str]:
    return [word.strip(' "') for word in text.split(separator)]


def _looks_like_columns(line: bytes) -> bool:
    """A row of five or more bare names without spaces; no record of ours begins with a letter."""
    return (
        line[:1].isalpha()
        and line.isascii()
        and line.count(b",") >= 3
        and re.fullmatch(rb'[\w.,"-]+', line) is not None
    )


def _by_content(
    clues: Clues, text: bytes, path: str, formats: tuple[FormatSpec, ...]
) -> str | None:
    found = next(
        (s.name for s in formats if clues.log_type and clues.log_type in s.log_types), None
    )
    if found is None:
        found = next((name for name, needed in _SIGNATURES if needed <= clues.columns), None)
        found = _told_apart(found, text, path)
    if found is None and "internet information services" in clues.software and not clues.columns:
        return "iis-w3c"
    if found is None and "microsoft http api" in clues.software:
        return "httperr"
    return found


def _told_apart(name: str | None, text: bytes, path: str) -> str | None:
    """Tell formats with the same columns apart when the header's log type is lost."""
    if name == "exchange-ecp-server" and b"S:CMD=" not in text and b",ECP." not in text:
        return "exchange-ecp-activity"
    if name == "exchange-rps-http" and "authz" in path.lower():
        return "exchange-rps-authz"
    if name == "exchange-imap4" and "pop3" in path.lower():
        return "exchange-pop3"
    return name


def _by_path(text: bytes, path: str) -> str | None:
    for name, pattern in _PATHS:
        if pattern.search(path):
            line = _W3C_LINE if name in ("iis-w3c", "httperr") else _CSV_LINE
            if line.search(text):
                return name
    return None


def _is_text(text: bytes) -> bool:
    """Say whether the first bytes (NUL runs apart) hold no control characters."""
    return not _CONTROL.intersection(_NUL_RUN.sub(b"", text).rstrip(b"\0")[:512])
