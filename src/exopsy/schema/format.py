"""How a log format is described: what the registry lists and what the scan keeps while reading."""

from __future__ import annotations

from typing import Literal

import msgspec


class FormatSpec(msgspec.Struct, frozen=True, kw_only=True):
    """One log format; a line in ``evidence.registry.FORMATS``."""

    name: str
    """``iis-w3c``, ``exchange-httpproxy``: the ``kind`` of artifacts and the ``log`` of rows."""
    log: str = ""
    """``log`` of the rows where it is not the name: event logs of several kinds give one."""
    module: str
    """Import path of its parser; imported on first use."""
    title: str
    """For people: "IIS request log"."""
    category: str | None = None
    product: str | None = None
    service: str | None = None
    """Sigma log source."""
    time_column: str
    rhythm: Literal["hourly", "daily", "none"] = "none"
    """How often the server starts a new file."""
    server_column: str | None = None
    """Column that states the server's own name."""
    log_types: tuple[str, ...] = ()
    """Texts of ``#Log-type:`` that mean this format, lower-case."""
    build_field: str = ""
    """Field of its rows that states the product's build; of a file that is evidence as a whole."""
    table: str | None = None
    """Columnar table that aggregates need of every row (``exchange_ews``), else None."""
    table_columns: tuple[str, ...] = ()
    look_bytes: int = 0
    """Of a file that is read whole: its reader needs no more than so many first bytes, and what
    follows is no gap; 0: it needs all that ``Limits.file_bytes`` allows."""
    is_table: bool = False
    """A file that is larger than memory and is read as a stream (``registry.TableReader``)."""
    is_late: bool = False
    """Its rows are judged when the whole collection is known: they are about other files."""
    tells_what_is: bool = False
    """Of a file: what stands in it is so on the server as it was collected."""


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """What the header lines said so far: the columns in force and what else they state."""

    columns: tuple[str, ...] = ()
    """Normalised names, in the order of the file; empty until a header named them."""
    date: str = ""
    """From ``#Date:`` (``2013-07-30``): for logs whose rows carry only a time."""
    log_type: str = ""
    build: str = ""
    """Exchange build in the header's ``#Version:`` as ``15.1.2375.7``, or ""."""
