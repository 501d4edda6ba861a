"""Every log format there is, in the open: read without importing any parser."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import BinaryIO, Protocol, cast

from exopsy.evidence import recognition
from exopsy.schema.event import EVENT_LOG, EventBatch, EventLogFacts
from exopsy.schema.file import FileFacts, Interest
from exopsy.schema.format import FormatSpec, Layout
from exopsy.schema.row import Origin, Row, Skipped


class Parser(Protocol):
    """What a format's module offers (module-level functions)."""

    def recognise(self, head: bytes, path: str) -> bool:
        """Say whether the first bytes of an artifact (up to 64 KiB) are of this format."""

    def is_header(self, line: bytes) -> bool:
        """Say whether a line (without its end) is a header line of this format."""

    def read_header(self, line: bytes, layout: Layout) -> Layout:
        """Return the layout in force after this header line."""

    def parse_record(self, raw: bytes, layout: Layout, origin: Origin, host: str) -> Row | Skipped:
        """Turn one record's bytes (without line end) into a row. Never raises."""

    def parse(
        self, stream: BinaryIO, *, artifact: str, host: str, record_bytes: int = ...
    ) -> Iterator[Row | Skipped]:
        """Yield every record of a stream in order: the plain path, the definition.

        Of a record that is longer than ``record_bytes`` only so much is read.
        """


class EventReader(Protocol):
    """What the module of an event log offers: texts now, fields only of what a rule may match."""

    def read_events(self, stream: BinaryIO, facts: EventLogFacts) -> Iterator[EventBatch]:
        """Yield the records of a stream in order; afterwards the facts are complete."""

    def locate(self, stream: BinaryIO, offset: int, number: int) -> tuple[int, bytes] | None:
        """Return where one record stands in the artifact, and its bytes; None where it doesn't.

        Args:
            stream: seekable.
            offset: from ``EventBatch.offsets``.
            number: from ``EventBatch.numbers``.
        """


class FileReader(Protocol):
    """What the module of a kind of file offers: the file is read whole, and rules see its parts."""

    def recognise(self, head: bytes, path: str) -> bool:
        """Say whether a file is of this kind.

        Args:
            head: its first bytes, up to 64 KiB.
            path: inside the collection, ``/`` between folders.
        """

    def read_file(self, data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
        """Yield what rules look at: one row for the file, or one for each element of it.

        Never raises on what the bytes hold; what can't be read is a ``Skipped`` with a short stable
        reason. A row's ``timestamp`` is None unless the file itself dates the element; its ``raw``
        is the element's own bytes, and its origin points at them.

        Args:
            data: the file's bytes, or the first of them (``file.is_whole``).
            file: what is known of it.
        """


class TableReader(Protocol):
    """What the module of a listing of files offers: it is read as a stream, as it can be huge."""

    def recognise(self, head: bytes, path: str) -> bool:
        """Say whether a file is of this kind."""

    def read_table(
        self, stream: BinaryIO, file: FileFacts, interest: Interest
    ) -> Iterator[Row | Skipped]:
        """Yield a row for each entry that is wanted.

        Never raises on what the bytes hold. A row's timestamp is None unless the entry itself dates
        something that happened.

        Args:
            stream: raw, at its beginning; may give fewer bytes than asked for.
            file: what is known of it; not yet its size and hash.
            interest: which entries are wanted.

        Raises:
            OSError: the stream can't be read on.
        """


FORMATS: tuple[FormatSpec, ...] = (
    FormatSpec(
        name="iis-w3c",
        module="exopsy.evidence.parsers.iis_w3c",
        title="IIS request log",
        category="webserver",
        product="windows",
        service="iis",
        time_column="date",
        rhythm="daily",
    ),
    FormatSpec(
        name="httperr",
        module="exopsy.evidence.parsers.httperr",
        title="HTTP.sys error log",
        product="windows",
        service="httperr",
        time_column="date",
        rhythm="none",
    ),
    FormatSpec(
        name="exchange-httpproxy",
        module="exopsy.evidence.parsers.httpproxy",
        title="Exchange front-end proxy log",
        product="exchange",
        service="httpproxy",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=("httpproxy logs",),
    ),
    FormatSpec(
        name="exchange-ecp-server",
        module="exopsy.evidence.parsers.ecp_server",
        title="Exchange Control Panel server log",
        product="exchange",
        service="ecp-server",
        time_column="TimeStamp",
        rhythm="daily",
        server_column="ServerName",
        log_types=("ecp server log",),
    ),
    FormatSpec(
        name="exchange-ecp-activity",
        module="exopsy.evidence.parsers.ecp_activity",
        title="Exchange Control Panel activity log",
        product="exchange",
        service="ecp-activity",
        time_column="TimeStamp",
        rhythm="daily",
        server_column="ServerName",
        log_types=("ecp activity context log",),
    ),
    FormatSpec(
        name="exchange-ews",
        module="exopsy.evidence.parsers.ews",
        title="Exchange Web Services log",
        product="exchange",
        service="ews",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=("ews logs",),
    ),
    FormatSpec(
        name="exchange-rps-http",
        module="exopsy.evidence.parsers.rps_http",
        title="Remote PowerShell request log",
        product="exchange",
        service="rps-http",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=("rps http logs",),
    ),
    FormatSpec(
        name="exchange-rps-cmdlet",
        module="exopsy.evidence.parsers.rps_cmdlet",
        title="Remote PowerShell cmdlet log",
        product="exchange",
        service="rps-cmdlet",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=("rps cmdlet logs",),
    ),
    FormatSpec(
        name="exchange-rps-authz",
        module="exopsy.evidence.parsers.rps_authz",
        title="Remote PowerShell authorisation log",
        product="exchange",
        service="rps-authz",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=("rps authz logs",),
    ),
    FormatSpec(
        name="exchange-oab-generator",
        module="exopsy.evidence.parsers.oab_generator",
        title="Offline address book generator log",
        product="exchange",
        service="oab-generator",
        time_column="timestamp",
        rhythm="none",
        log_types=(
            "oab generator log",
            "oabgenerator log",
        ),
    ),
    FormatSpec(
        name="exchange-message-tracking",
        module="exopsy.evidence.parsers.message_tracking",
        title="Message tracking log",
        product="exchange",
        service="message-tracking",
        time_column="date-time",
        rhythm="hourly",
        server_column="server-hostname",
        log_types=("message tracking log",),
    ),
    FormatSpec(
        name="exchange-audit",
        module="exopsy.evidence.parsers.audit",
        title="Unified audit log (local queue)",
        product="exchange",
        service="audit",
        time_column="Timestamp",
        rhythm="daily",
        server_column="Server",
        log_types=("audit",),
    ),
    FormatSpec(
        name="exchange-amsi",
        module="exopsy.evidence.parsers.amsi",
        title="Request filtering (AMSI) log",
        product="exchange",
        service="amsi",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=(
            "httprequestfiltering logs",
            "http request filtering logs",
        ),
    ),
    FormatSpec(
        name="exchange-mitigation",
        module="exopsy.evidence.parsers.mitigation",
        title="Emergency mitigation service log",
        product="exchange",
        service="mitigation",
        time_column="DateTime",
        rhythm="none",
        server_column="ServerName",
        log_types=(
            "mitigation service log",
            "mitigationservice logs",
        ),
    ),
    FormatSpec(
        name="exchange-mapihttp",
        module="exopsy.evidence.parsers.mapihttp",
        title="MAPI over HTTP log",
        product="exchange",
        service="mapihttp",
        time_column="DateTime",
        rhythm="hourly",
        server_column="ServerHostName",
        log_types=(
            "mapi http logs",
            "mapihttp logs",
            "mapi http emsmdb logs",
            "mapi http nspi logs",
        ),
    ),
    FormatSpec(
        name="exchange-imap4",
        module="exopsy.evidence.parsers.imap4",
        title="IMAP4 protocol log",
        product="exchange",
        service="imap4",
        time_column="dateTime",
        rhythm="hourly",
        log_types=("imap4 log",),
    ),
    FormatSpec(
        name="exchange-pop3",
        module="exopsy.evidence.parsers.pop3",
        title="POP3 protocol log",
        product="exchange",
        service="pop3",
        time_column="dateTime",
        rhythm="hourly",
        log_types=("pop3 log",),
    ),
    FormatSpec(
        name="exchange-smtp",
        module="exopsy.evidence.parsers.smtp_protocol",
        title="SMTP protocol log",
        product="exchange",
        service="smtp",
        time_column="date-time",
        rhythm="hourly",
        log_types=(
            "smtp receive protocol log",
            "smtp send protocol log",
        ),
    ),
    FormatSpec(
        name="exchange-agent-log",
        module="exopsy.evidence.parsers.agent_log",
        title="Transport agent log",
        product="exchange",
        service="agent-log",
        time_column="Timestamp",
        rhythm="daily",
        log_types=("agent log",),
    ),
)


EVENT_FORMATS: tuple[FormatSpec, ...] = (
    FormatSpec(
        name="evtx",
        log=EVENT_LOG,
        module="exopsy.evidence.events.evtx_log",
        title="Windows event log",
        product="windows",
        time_column="TimeCreated",
        server_column="Computer",
    ),
    FormatSpec(
        name="event-json",
        log=EVENT_LOG,
        module="exopsy.evidence.events.json_log",
        title="Windows event log (JSON export)",
        product="windows",
        time_column="TimeCreated",
        server_column="Computer",
    ),
)
"""Kinds of event logs. They are no logs of lines, so ``FORMATS`` has none of them."""


FILE_FORMATS: tuple[FormatSpec, ...] = (
    FormatSpec(
        name="compiled-page",
        module="exopsy.evidence.files.compiled_page",
        title="Notes of compiled pages",
        product="exchange",
        service="compiled-page",
        time_column="",
        look_bytes=1 << 20,
        is_late=True,
    ),
    FormatSpec(
        name="compiled-assembly",
        module="exopsy.evidence.files.compiled_assembly",
        title="Assemblies of compiled pages",
        product="exchange",
        service="compiled-assembly",
        time_column="",
        look_bytes=8 << 20,
        is_late=True,
    ),
    FormatSpec(
        name="transport-agents",
        tells_what_is=True,
        module="exopsy.evidence.files.transport_agents",
        title="List of transport agents",
        product="exchange",
        service="transport-agents",
        time_column="",
    ),
    FormatSpec(
        name="iis-config",
        tells_what_is=True,
        module="exopsy.evidence.files.iis_config",
        title="Web server and program configuration",
        product="exchange",
        service="iis-config",
        time_column="",
    ),
    FormatSpec(
        name="scheduled-task",
        tells_what_is=True,
        module="exopsy.evidence.files.scheduled_task",
        title="Scheduled tasks",
        product="exchange",
        service="scheduled-task",
        time_column="",
    ),
    FormatSpec(
        name="virtual-directory-export",
        tells_what_is=True,
        module="exopsy.evidence.files.virtual_directory_export",
        title="Exports of virtual directories",
        product="exchange",
        service="virtual-directory-export",
        time_column="",
    ),
    FormatSpec(
        name="mail-rule-export",
        tells_what_is=True,
        module="exopsy.evidence.files.mail_rule_export",
        title="Exports of mail rules and forwarding",
        product="exchange",
        service="mail-rule-export",
        time_column="",
    ),
    FormatSpec(
        name="scanner-log",
        module="exopsy.evidence.files.scanner_log",
        title="Virus scanner logs and exports",
        product="exchange",
        service="scanner-log",
        time_column="",
    ),
    FormatSpec(
        name="web-page",
        module="exopsy.evidence.files.web_page",
        title="Web pages and handlers",
        product="exchange",
        service="web-page",
        time_column="",
    ),
    FormatSpec(
        name="data-file",
        module="exopsy.evidence.files.data_file",
        title="Memory dumps, databases, registry hives and archives",
        product="exchange",
        service="data-file",
        time_column="",
        look_bytes=1 << 20,
    ),
    FormatSpec(
        name="file-table",
        module="exopsy.evidence.files.file_table",
        title="File table of a volume ($MFT)",
        product="exchange",
        service="file-table",
        time_column="",
        is_table=True,
        is_late=True,
    ),
    FormatSpec(
        name="change-journal",
        module="exopsy.evidence.files.change_journal",
        title="Change journal of a volume ($UsnJrnl)",
        product="exchange",
        service="change-journal",
        time_column="",
        is_table=True,
        is_late=True,
    ),
    FormatSpec(
        name="copy-list",
        module="exopsy.evidence.files.copy_list",
        title="Lists of what a collector copied",
        product="exchange",
        service="copy-list",
        time_column="",
        is_table=True,
        is_late=True,
    ),
    FormatSpec(
        name="exchange-binary",
        module="exopsy.evidence.files.exchange_binary",
        title="Setup program of Exchange",
        product="exchange",
        service="binary",
        time_column="",
        build_field="Build",
    ),
    FormatSpec(
        name="exchange-setup",
        module="exopsy.evidence.files.exchange_setup",
        title="Exchange setup log",
        product="exchange",
        service="setup",
        time_column="",
        build_field="Build",
    ),
)
"""Kinds of files that are read whole, in the order in which they are asked: the first that
recognises a file has it. A row's ``log`` is the kind's name."""

RULE_FORMATS = (*FORMATS, *FILE_FORMATS)
"""What a rule of ours can name as its log source, event logs aside."""


def load(spec: FormatSpec) -> Parser:
    """Import the parser a spec names."""
    return cast("Parser", importlib.import_module(spec.module))


def spec_of_events(name: str) -> FormatSpec:
    """Return the spec of a kind of event log.

    Raises:
        KeyError: no such kind.
    """
    return {spec.name: spec for spec in EVENT_FORMATS}[name]


def load_events(spec: FormatSpec) -> EventReader:
    """Import the reader that the spec of an event log names."""
    return cast("EventReader", importlib.import_module(spec.module))


_READERS: dict[str, FileReader] = {}


def load_file(spec: FormatSpec) -> FileReader:
    """Import the reader that the spec of a kind of file names."""
    found = _READERS.get(spec.module)
    if found is None:  # asked of every file there is
        found = _READERS[spec.module] = cast("FileReader", importlib.import_module(spec.module))
    return found


def load_table(spec: FormatSpec) -> TableReader:
    """Import the reader that the spec of a listing of files names."""
    return cast("TableReader", importlib.import_module(spec.module))


def recognise_file(head: bytes, path: str) -> FormatSpec | None:
    """Say which kind of file an artifact is, where it is none of the logs.

    Args:
        head: the first bytes, 64 KiB are plenty.
        path: inside the collection, ``/`` between folders.
    """
    if head.startswith(_LOG_HEADS) and path[-4:].lower() == ".log":
        return None  # nearly all artifacts of a collection; no server runs a page of that name
    return next((spec for spec in FILE_FORMATS if load_file(spec).recognise(head, path)), None)


_LOG_HEADS = (b"#Software: Microsoft", b"\xef\xbb\xbf#Software: Microsoft")
_BY_NAME = {spec.name: spec for spec in RULE_FORMATS}
FILE_NAMES = frozenset(spec.name for spec in FILE_FORMATS)


def spec_of(name: str) -> FormatSpec:
    """Return the format of that name.

    Raises:
        KeyError: there is none.
    """
    return _BY_NAME[name]


def recognise(head: bytes, path: str) -> FormatSpec | None:
    r"""Say which format an artifact is of: by its first bytes, and only then by its path.

    Args:
        head: the first bytes, 64 KiB are plenty.
        path: inside the collection, ``/`` or ``\`` between folders.

    Returns:
        None when it is no log that there is a parser for.
    """
    name = recognition.name_of(head, path, FORMATS)
    return None if name is None else _BY_NAME[name]


def recognise_events(head: bytes, path: str) -> FormatSpec | None:
    r"""Say which kind of event log an artifact is: by its first bytes, and only then by its path.

    Args:
        head: the first bytes, 64 KiB are plenty.
        path: inside the collection, ``/`` or ``\\`` between folders.

    Returns:
        None when it is none.
    """
    from exopsy.evidence.events import recognition as events  # it loads the readers

    name = events.name_of(head, path)
    return next((spec for spec in EVENT_FORMATS if spec.name == name), None)
