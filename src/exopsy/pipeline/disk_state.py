r"""All that a collection says of files on disk -> which are there, which are gone, and since when.

Asked once everything is read: of a page that the web server ran, or that a finding names, whether it
lies in the collection; whether its folder was collected, so that its absence means something; what
file table, change journal and the collector's own lists say of it.

``removed`` is said only where the page would have been seen. A collector that takes pages from one
folder proves nothing about the folder above: so files of the same folder must be there, or files of
a folder above and of one below that, which shows that it went down the tree.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Literal

import msgspec

from exopsy.core.clock import UNTIMED, format_utc, parse_utc
from exopsy.correlation.implants import WebRoots, url_path, web_root_of
from exopsy.evidence.files.volume import letter_of
from exopsy.pipeline.hosts import UNKNOWN
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import Backdoor
from exopsy.schema.row import Row
from exopsy.sources.layout import drive_path

State = Literal["present", "removed", "unknown"]
_PAGES = frozenset(
    """aspx ashx asmx ascx asax master svc asp asa cer cdx soap rem cshtml vbhtml shtml
    stm""".split()
)
_NO_CONTENT = frozenset("config log bak old tmp txt".split())
"""Files that collectors take for other reasons: they don't show that pages were taken."""
_LISTS = ("file-table", "copy-list")


class Known(msgspec.Struct, kw_only=True):
    """What is known of one place on one host's disk."""

    collected: ArtifactFacts | None = None
    listed: Row | None = None
    """Of the file table: the file that is there."""
    deleted: Row | None = None
    """Of the file table: one that was there."""
    noted: Row | None = None
    """Of the collector's lists."""
    deletions: list[str] = msgspec.field(default_factory=list)
    """Times from the change journal."""
    last_change: str = ""
    """Newest time at which the change journal has it created or renamed here."""


class _Root(msgspec.Struct):
    """What was collected below one web root."""

    folders: dict[str, set[str]] = msgspec.field(default_factory=dict)
    """Folder below the root (no backslash at its ends) -> endings of the files in it."""
    is_listed: bool = False
    """A file table that was read to its end names this root."""


_Key = tuple[str, int, str]
"""Host, number of a web root, and where it lies."""


class DiskState:
    """Knows the files of a run's hosts.

    Args:
        artifacts: everything that was read.
        hosts: artifact -> host, of those that are evidence.
        web_roots: (part of a disk path, URL path), what the front end serves before what only the
            back end does.
        late: rows of listings and of compiled pages; they get further fields.
    """

    def __init__(
        self,
        artifacts: Sequence[ArtifactFacts],
        hosts: Mapping[str, str],
        web_roots: WebRoots,
        late: Sequence[Row] = (),
    ) -> None:
        self._hosts = _Hosts(hosts)
        self._web_roots = web_roots
        self._root_of_folder = lru_cache(maxsize=65_536)(self._find_root)
        self._known: dict[tuple[str, str], Known] = {}
        self._roots: dict[_Key, _Root] = {}
        self._parents: dict[tuple[str, str, str], str] = {}
        self._whole = {a.path for a in artifacts if a.kind == "file-table" and a.state == "read"}
        for facts in artifacts:
            disk = drive_path(facts.path)
            if disk is not None and facts.state != "failed":
                self._collect(self._hosts.of(facts.path), disk.lower(), facts)
        journal = []
        for row in late:
            if row.log == "change-journal":
                journal.append(row)
            elif row.log in _LISTS:
                self._list(row)
        for row in journal:
            self._follow(row)
        self._prefixes = self._find_prefixes()

    # -- what is asked

    def host_of(self, path: str) -> str:
        """Return the host of any artifact, also of one that is no evidence by its kind."""
        return self._hosts.of(path) or UNKNOWN

    def complete(self, row: Row) -> None:
        """Add to a late row what only the whole collection can say."""
        host = self._hosts.of(row.origin.artifact)
        if row.log in ("compiled-page", "compiled-assembly"):
            virtual = row.fields.get("VirtualPath", "")
            state = self.page(host, url_path(virtual))[0] if virtual.startswith("/") else "unknown"
            row.fields["SourceMissing"] = {"removed": "yes", "present": "no"}.get(state, "unknown")
            return
        path = row.fields.get("Path", "").lower()
        if not path:
            return
        found = self._url(path)
        if found is not None:
            row.fields["VirtualPath"] = found
        known = self._known.get((host, _without_drive(path)))
        if known is not None and known.collected is not None:
            row.fields["Collected"] = "yes"
        else:
            row.fields["Collected"] = "no" if self._would_be_seen(host, path) else "unknown"

    def page(self, host: str, url: str) -> tuple[State, str, Known | None]:
        """Say of a URL path whether its file is there, by what, and what is known of it."""
        places = [(number, rest) for number, rest in self._places_of(url)]
        known = [self._known.get((host, self._disk(host, n, rest))) for n, rest in places]
        for one in known:
            if one is not None and (basis := _presence(one)):
                return "present", basis, one
        for one in known:
            if one is not None and (basis := _absence(one)):
                return "removed", basis, one
        if not places:
            return "unknown", "", None
        # Both ends serve some addresses: the first root is the front end's, and must be known.
        number, rest = places[0]
        for basis in ("collection", "file-table"):
            first = self._served(host, number)
            if first is not None and self._is_gone(first, rest, basis):
                others = [(self._served(host, n), r) for n, r in places[1:]]
                if all(root is None or self._is_gone(root, r, basis) for root, r in others):
                    return "removed", basis, None
        return "unknown", "", None

    def file(self, host: str, disk: str) -> tuple[State, str, Known | None]:
        """Say the same of a path on disk."""
        path = disk.lower()
        known = self._known.get((host, _without_drive(path)))
        if known is not None and (basis := _presence(known)):
            return "present", basis, known
        if known is not None and (basis := _absence(known)):
            return "removed", basis, known
        for basis in ("collection", "file-table"):
            if self._would_be_seen(host, path, basis):
                return "removed", basis, None
        return "unknown", "", None

    def fill(self, host: str, backdoors: Iterable[Backdoor]) -> None:
        """Say of backdoors that are files whether they are there, and their times.

        A planting that nothing else dates is dated by the creation that the system keeps beside the
        name in the file table, unless it was already there before.
        """
        for backdoor in backdoors:
            if backdoor.file is not None:
                state, basis, known = self.file(host, backdoor.file)
            elif backdoor.path.startswith("/"):
                state, basis, known = self.page(host, backdoor.path)
            else:
                continue
            backdoor.state = state
            backdoor.state_basis = basis  # type: ignore[assignment]
            if known is not None:
                _fill_times(backdoor, known)

    # -- what is learnt

    def _collect(self, host: str, disk: str, facts: ArtifactFacts) -> None:
        self._at(host, disk).collected = facts
        found = self._place(host, disk)
        if found is not None and facts.size:
            key, rest = found
            folder, _, name = rest.rpartition("\\")
            ending = name.rpartition(".")[2]
            if ending not in _NO_CONTENT:
                root = self._roots.setdefault(key, _Root())
                root.folders.setdefault(folder, set()).add(ending)

    def _list(self, row: Row) -> None:
        host, path = self._hosts.of(row.origin.artifact), row.fields.get("Path", "").lower()
        state = row.fields.get("State")
        if state == "folder":
            volume = letter_of(row.origin.artifact)
            self._parents[host, volume, row.fields["Record"]] = row.fields["Path"]
            found = self._place(host, f"{path}\\x")
            if found is not None and row.origin.artifact in self._whole:
                self._roots.setdefault(found[0], _Root()).is_listed = True
            return
        known = self._at(host, path)
        if row.log == "copy-list":
            known.noted = known.noted or row
        elif state == "deleted":
            known.deleted = _newer(known.deleted, row)
        else:
            known.listed = _newer(known.listed, row)

    def _follow(self, row: Row) -> None:
        """Give a change its path, and remember what it did."""
        host, volume = self._hosts.of(row.origin.artifact), letter_of(row.origin.artifact)
        number, _, sequence = row.fields.get("Parent", "").partition("-")
        folder = self._parents.get((host, volume, f"{number}-{sequence}"))
        if folder is None and sequence.isdigit():  # deleted since
            folder = self._parents.get((host, volume, f"{number}-{int(sequence) + 1}"))
        if folder is None:
            return
        row.fields["Path"] = f"{folder}\\{row.fields['FileName']}"
        if row.timestamp is None:
            return
        known, when = self._at(host, row.fields["Path"].lower()), format_utc(row.timestamp)
        reasons = row.many.get("Reason", ())
        if "FileDelete" in reasons or "RenameOldName" in reasons:
            known.deletions.append(when)
        else:
            known.last_change = max(known.last_change, when)

    # -- places

    def _at(self, host: str, disk: str) -> Known:
        return self._known.setdefault((host, _without_drive(disk)), Known())

    def _find_root(self, folder: str) -> tuple[int, str] | None:
        return web_root_of(f"{folder}\\", self._web_roots)

    def _root_of(self, disk: str) -> tuple[int, str] | None:
        """Return the web root of a path, and what follows it."""
        folder, _, name = disk.rpartition("\\")
        found = self._root_of_folder(folder)
        return None if found is None else (found[0], f"{found[1]}{name}")

    def _place(self, host: str, disk: str) -> tuple[_Key, str] | None:
        """Return which web root a path lies in, and what follows it."""
        found = self._root_of(disk)
        if found is None:
            return None
        number, rest = found
        path = _without_drive(disk)
        return (host, number, path[: len(path) - len(rest)]), rest

    def _served(self, host: str, number: int) -> _Root | None:
        """Return what was collected below the root that the web server serves."""
        return self._roots.get((host, number, self._prefixes.get((host, number), "")))

    def _url(self, disk: str) -> str | None:
        found = self._root_of(disk)
        if found is None:
            return None
        rest = found[1].replace("\\", "/")
        return url_path(f"{self._web_roots[found[0]][1].rstrip('/')}/{rest}")

    def _places_of(self, url: str) -> Iterator[tuple[int, str]]:
        """Yield the roots from which a URL path is served, and its path below each."""
        fitting = [
            (len(prefix), number)
            for number, (_, prefix) in enumerate(self._web_roots)
            if url.startswith(prefix.rstrip("/") + "/")
        ]
        longest = max((length for length, _ in fitting), default=0)
        for length, number in fitting:
            if length == longest:
                prefix = self._web_roots[number][1].rstrip("/")
                yield number, url[len(prefix) + 1 :].replace("/", "\\")

    def _disk(self, host: str, number: int, rest: str) -> str:
        """Return the path on this host's disk: where the root was seen, else nowhere."""
        return f"{self._prefixes.get((host, number), '?')}{rest}"

    def _find_prefixes(self) -> dict[tuple[str, int], str]:
        """Return host and number of a web root -> where it lies; copies of it lie deeper."""
        found: dict[tuple[str, int], str] = {}
        places = (self._place(host, path) for host, path in self._known)
        keys = {place[0] for place in places if place is not None}
        for host, number, prefix in keys | self._roots.keys():
            known = found.get((host, number), prefix)
            found[host, number] = min(known, prefix, key=lambda text: (len(text), text))
        return found

    # -- absence

    def _would_be_seen(self, host: str, disk: str, basis: str = "collection") -> bool:
        found = self._place(host, disk)
        root = None if found is None else self._roots.get(found[0])
        return found is not None and root is not None and self._is_gone(root, found[1], basis)

    def _is_gone(self, root: _Root, rest: str, basis: str) -> bool:
        """Say whether a file that is not known would be, had it been there."""
        folder, _, name = rest.rpartition("\\")
        ending = name.rpartition(".")[2]
        if basis == "file-table":
            return root.is_listed and ending in _PAGES  # only such files of a table are rows

        def shows(endings: set[str]) -> bool:
            return bool(endings - _PAGES) or ending in endings

        if folder in root.folders:
            return shows(root.folders[folder])
        while folder:
            folder = folder.rpartition("\\")[0]
            if folder in root.folders and shows(root.folders[folder]):
                start = f"{folder}\\" if folder else ""
                return any(other != folder and other.startswith(start) for other in root.folders)
        return False


class _Hosts:
    """Which host an artifact is of, also where it is no evidence by itself."""

    def __init__(self, hosts: Mapping[str, str]) -> None:
        self._known = hosts
        self._below: dict[str, set[str]] = {}
        for path, host in hosts.items():
            for folder in _folders(path):
                self._below.setdefault(folder, set()).add(host)
        everyone = set(hosts.values())
        self._only = next(iter(everyone)) if len(everyone) == 1 else ""

    def of(self, path: str) -> str:
        found = self._known.get(path)
        if found is not None:
            return found
        for folder in _folders(path):
            names = self._below.get(folder, set())
            if names:
                return next(iter(names)) if len(names) == 1 else ""
        return self._only


def _folders(path: str) -> list[str]:
    parts = path.replace("!/", "/").split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def _without_drive(disk: str) -> str:
    r"""``c:\inetpub\x`` -> ``\inetpub\x``: some sources do not know the drive."""
    return disk[2:] if disk[1:3] == ":\\" else disk


def _newer(known: Row | None, row: Row) -> Row:
    if known is None:
        return row
    return max(known, row, key=lambda r: (r.fields.get("FnCreated", ""), r.origin.offset))


def _presence(known: Known) -> str:
    if known.collected is not None:
        return "collection"
    if known.listed is not None:
        return "file-table"
    if known.noted is not None:
        return "copy-list"
    return ""


def _absence(known: Known) -> str:
    if known.deleted is not None:
        return "file-table"
    if known.deletions and max(known.deletions) >= known.last_change:
        return "change-journal"
    return ""


def _fill_times(backdoor: Backdoor, known: Known) -> None:
    if known.collected is not None:
        backdoor.sha256 = known.collected.sha256
    table = known.listed or known.deleted
    if table is not None:
        backdoor.created = table.fields.get("FnCreated")
        backdoor.modified = table.fields.get("SiModified")
        backdoor.times_basis = "file-table"
    elif known.noted is not None and known.noted.fields.keys() & {"Created", "Modified"}:
        backdoor.created = known.noted.fields.get("Created")
        backdoor.modified = known.noted.fields.get("Modified")
        backdoor.times_basis = "copy-list"
    elif known.collected is not None and (known.collected.modified or known.collected.created):
        facts = known.collected
        backdoor.created = None if facts.created is None else format_utc(facts.created)
        backdoor.modified = None if facts.modified is None else format_utc(facts.modified)
        backdoor.times_basis = "collection"
    if backdoor.state == "removed" and known.deletions:
        backdoor.removed_at = max(known.deletions)
    born = table.fields.get("FnCreated") if table is not None else None
    if born is not None and backdoor.planted_at is None and born != UNTIMED:
        at, used = parse_utc(born), parse_utc(backdoor.first_use or "")
        if at is not None and (used is None or at <= used):
            backdoor.planted_at = born
