"""The case document's terms -> words for somebody who has never read such a report."""

from __future__ import annotations

from exopsy.core.exit_code import ExitCode
from exopsy.schema.case import BackdoorKind, Conclusion, Confidence, CoverageGrade, Grade
from exopsy.schema.event import EVENT_LOG

HEADLINES: dict[Conclusion, str] = {
    "compromised": "COMPROMISED - somebody has been inside this server",
    "exploited": "EXPLOITED - a hole was used with success",
    "suspicious": "SUSPICIOUS - there are signs that a person must look at",
    "attempted": "ATTEMPTED - it was attacked, and the logs that would show success were read",
    "inconclusive": "INCONCLUSIVE - the evidence is not enough to say yes or no",
    "no-evidence-found": "NO EVIDENCE FOUND - and the logs that would show it were read",
}
MEANINGS: dict[Conclusion, str] = {
    "compromised": "A way back in was found on the server, or something an intruder did there.",
    "exploited": "The effect of an attack was seen in the logs; nothing that came after it was.",
    "suspicious": "What was found can have an innocent reason. It takes a person to tell.",
    "attempted": "Attack requests were seen. For the time that the logs cover, none succeeded.",
    "inconclusive": "Logs are missing that would show a break-in. This is not good news.",
    "no-evidence-found": "Nothing was found for the time that the logs cover. Nobody can say "
    '"clean": what leaves no trace in these logs can\'t be seen here.',
}
ANSWERS: dict[Conclusion, str] = {
    "compromised": "Used to get in, and somebody was inside",
    "exploited": "Used with success",
    "suspicious": "Perhaps used",
    "attempted": "Tried without success",
    "inconclusive": "Whether it was used can't be said",
    "no-evidence-found": "No sign that it was used, and the logs that would show it were read",
}
"""To the question of a window: was this hole used in this time?"""
COVERAGE: dict[CoverageGrade, str] = {
    "sufficient": "the logs needed for this answer were there",
    "partial": "a part of the logs needed for this answer was missing",
    "insufficient": "most of the logs needed for this answer were missing",
}
CONFIDENCE: dict[Confidence, str] = {
    "high": "high: several independent traces, or one that has no other explanation",
    "moderate": "moderate: fits well, another explanation is possible",
    "low": "low: a hint",
}
GRADES: dict[Grade, str] = {
    "attempt": "tried; no success seen",
    "success": "succeeded: the server's answer shows an effect",
    "use": "succeeded, and what was gained has been used",
}
KINDS: dict[BackdoorKind, str] = {
    "web-shell": "web shell: a page that runs commands for whoever calls it",
    "oab-external-url": "changed address of the offline address book: writes a page to the server",
    "iis-module": "module in the web server: sees and answers every request",
    "virtual-directory": "added folder of the web server",
    "isapi": "added filter or extension of the web server",
    "transport-agent": "agent in the mail transport: sees every message",
    "mail-rule": "mail rule: forwards, hides or answers messages",
    "account": "account made or changed by the intruder",
    "role-grant": "rights given to an account",
    "viewstate-key": "stolen server key: lets its holder run code by a web request",
    "page-tamper": "changed page of Exchange, as a rule to collect passwords",
    "scheduled-task": "scheduled task",
    "service": "Windows service",
    "other": "way back in of another kind",
}
STATES = {
    "present": "still there when the evidence was taken",
    "removed": "removed",
    "unknown": "whether it is still there is not known from this evidence",
    "read": "read",
    "partial": "read with losses",
    "failed": "could not be read",
    "absent": "NOT READ: not in the collection",
    "not-evidence": "no log that is known",
    "seen": "seen",
    "not-seen": "not seen, though the logs that would show it were read",
    "not-covered": "cannot be said: the logs that would show it are missing",
    "possible": "possible, not seen",
    "vulnerable": "open",
    "patched": "closed by an update",
    "presumed-vulnerable": "presumably open",
    "not-affected": "not affected",
    "needs-config-check": "depends on the configuration: look there",
    "rotated": "rotated away by age",
    "deleted": "deleted",
    "cleared": "cleared",
}
BASES = {
    "collection": "by the files collected",
    "configuration": "by the server's configuration",
    "file-table": "by the volume's file table",
    "change-journal": "by the volume's change journal",
    "copy-list": "by the collector's list",
}
"""What the state of a file and its times rest on."""
IMPACT = {
    "credentials": "Passwords and keys",
    "mail_access": "Mail that was read",
    "exfiltration": "Data that left",
    "lateral_movement": "Other computers",
    "ransomware": "Ransomware",
    "blinding": "Traces removed, protection switched off",
}
LOGS = {
    "iis-w3c": "web server requests (IIS)",
    "httperr": "refused web requests (HTTPERR)",
    "exchange-httpproxy": "Exchange front end (HttpProxy)",
    "exchange-ecp-server": "administration pages (ECP server)",
    "exchange-ecp-activity": "administration pages (ECP activity)",
    "exchange-ews": "mailbox web service (EWS)",
    "exchange-rps-http": "remote PowerShell requests",
    "exchange-rps-cmdlet": "remote PowerShell commands",
    "exchange-rps-authz": "remote PowerShell sign-ins",
    "exchange-oab-generator": "offline address book generator",
    "exchange-message-tracking": "message tracking",
    "exchange-audit": "administrator audit log",
    "exchange-amsi": "content scan of requests (AMSI)",
    "exchange-mitigation": "emergency mitigation service",
    "exchange-mapihttp": "Outlook connections (MAPI)",
    "exchange-imap4": "IMAP connections",
    "exchange-pop3": "POP connections",
    "exchange-smtp": "mail connections (SMTP)",
    "exchange-agent-log": "transport agents",
    "web-page": "web pages on the disk",
    "iis-config": "configuration of the web server",
    "transport-agents": "list of transport agents",
    "scheduled-task": "scheduled tasks",
    "virtual-directory-export": "exported virtual directories",
    "mail-rule-export": "exported mail rules",
    "scanner-log": "logs of virus scanners",
    "exchange-binary": "programs of Exchange",
    "exchange-setup": "setup log of Exchange",
    "compiled-page": "notes of compiled pages",
    "compiled-assembly": "assemblies of compiled pages",
    "data-file": "dumps, databases, hives and archives",
    "file-table": "file table of the volume",
    "change-journal": "change journal of the volume",
    "copy-list": "the collector's lists of files",
}
BLIND_SPOTS = (
    "implants that live only in memory",
    "the contents of requests (never logged)",
    "the cloud side of a hybrid set-up",
    "mail clients and other computers",
    "everything older than the logs that were kept",
)


def exit_code(conclusion: Conclusion) -> ExitCode:
    """Return the exit code that tells a script this conclusion."""
    return ExitCode[conclusion.upper().replace("-", "_")]


def log_name(log: str) -> str:
    """Name a log for people, and by its name in rules and tables."""
    if log.startswith(_EVENTS):
        return f"Windows event log {log.removeprefix(_EVENTS)}"
    return f"{LOGS[log]} [{log}]" if log in LOGS else log


_EVENTS = f"{EVENT_LOG}: "
