"""Which server an artifact is of: what the log says, then where it lies, then what is near it.

Names are compared without their domain and without case, and written in capitals, as Windows does.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from exopsy.schema.artifact import ArtifactFacts

UNKNOWN = "UNKNOWN"
"""Evidence of a server that nothing names."""


def short_name(name: str) -> str:
    """Return the server's name without its domain, in capitals."""
    return name.strip().partition(".")[0].upper()[:64]


def assign_hosts(artifacts: Sequence[ArtifactFacts], hints: Mapping[str, str]) -> dict[str, str]:
    """Return artifact path -> host name for every artifact that is evidence.

    Args:
        artifacts: with the server names that their own rows state.
        hints: path -> server name that the layout of the collection gives.

    A log that names its server is believed before its folder. A folder hint whose artifacts all
    name one server is that server. An artifact without either belongs to the one server of the
    nearest folder above it that has exactly one, else to the only server there is.
    """
    evidence = [a for a in artifacts if a.kind]
    stated = {a.path: short_name(_commonest(a.servers)) for a in evidence if a.servers}
    stated = {path: name for path, name in stated.items() if name}
    meant = _meaning_of_hints(stated, hints)
    named = {
        path: name
        for a in evidence
        if (path := a.path) and (name := stated.get(path) or meant.get(hints.get(path, ""), ""))
    }
    below: dict[str, set[str]] = defaultdict(set)
    for path, name in named.items():
        for folder in _folders(path):
            below[folder].add(name)
    everyone = set(named.values())
    only = next(iter(everyone)) if len(everyone) == 1 else UNKNOWN
    return {a.path: named.get(a.path) or _nearest(a.path, below) or only for a in evidence}


def hosts_of_neighbours(paths: Iterable[str], hosts: Mapping[str, str]) -> dict[str, str]:
    """Return path -> host of files that are no evidence themselves, by what lies near them.

    Args:
        paths: of the files.
        hosts: artifact -> host, of those that are evidence.
    """
    below: dict[str, set[str]] = defaultdict(set)
    for path, host in hosts.items():
        for folder in _folders(path):
            below[folder].add(host)
    everyone = set(hosts.values())
    only = next(iter(everyone)) if len(everyone) == 1 else None
    found = ((path, hosts.get(path) or _nearest(path, below) or only) for path in paths)
    return {path: host for path, host in found if host is not None}


def _meaning_of_hints(stated: Mapping[str, str], hints: Mapping[str, str]) -> dict[str, str]:
    """Return hint -> server: the one that logs under the hint state, else the hint itself."""
    under: dict[str, Counter[str]] = defaultdict(Counter)
    for path, hint in hints.items():
        if path in stated:
            under[hint][stated[path]] += 1
    meant = {}
    for hint in set(hints.values()):
        names = under.get(hint, Counter())
        own = short_name(hint)
        meant[hint] = next(iter(names)) if len(names) == 1 and own not in names else own
    return meant


def _commonest(names: Sequence[str]) -> str:
    counts = Counter(names)
    return min(counts, key=lambda name: (-counts[name], name))


def _folders(path: str) -> list[str]:
    """Return the folders (and archives) above a path, nearest first."""
    parts = path.replace("!/", "/").split("/")
    return ["/".join(parts[:end]) for end in range(len(parts) - 1, 0, -1)]


def _nearest(path: str, below: Mapping[str, set[str]]) -> str | None:
    for folder in _folders(path):
        names = below.get(folder, set())
        if len(names) == 1:
            return next(iter(names))
        if names:
            return None
    return None
