"""Hashes of all artifacts against lists of hashes -> findings.

Two kinds of lists: what the analyst gives (``--hashes``, and the hashes of ``--indicators``) says
that somebody named the file, and is *suspicious* at most; the lists that content ships name samples
of attacks on this product, and such a file in a web root is a web shell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from exopsy.core.clock import UNTIMED
from exopsy.core.content import read_lines
from exopsy.core.errors import ContentError
from exopsy.core.text import decode_utf8
from exopsy.correlation.implants import WebRoots, served_as
from exopsy.detection.indicators.indicator_set import IndicatorSet
from exopsy.pipeline.findings import identity_of
from exopsy.schema.artifact import ArtifactFacts
from exopsy.schema.case import Evidence, Finding
from exopsy.schema.indicator import HIT_LEVEL, KINDS, Kind
from exopsy.schema.rule import RuleInfo
from exopsy.sources.layout import drive_path

_COMPARED: tuple[Kind, ...] = ("sha256", "sha1", "md5")
_TITLE = "# title:"
_NEXT = (
    "See who published the hash and what the file does; who wrote it, and when? Look for the same "
    "file on the other servers."
)
_GIVEN = RuleInfo(
    id="indicator-file-hash",
    title="File of a list of hashes",
    level=HIT_LEVEL,
    status="stable",
    grades=("success",),
    innocent=("Lists hold tools that administrators use too, and now and then a file of Windows.",),
    next=_NEXT,
)
_PUBLISHED = RuleInfo(
    id="indicator-published-sample",
    title="File that was published as a sample of attacks on Exchange",
    level="high",
    status="stable",
    behaviour="P01",
    grades=("success",),
    techniques=("T1588.001",),
    innocent=("A sample that somebody keeps for analysis; no program of this hash is innocent.",),
    next=_NEXT,
)
_PAGE = msgspec.structs.replace(
    _PUBLISHED,
    id="indicator-published-sample-in-web-root",
    title="File in a web root that was published as a sample of attacks on Exchange",
    techniques=("T1505.003",),
    backdoor_kind="web-shell",
    backdoor_field="VirtualPath",
)


def hash_infos() -> dict[str, RuleInfo]:
    """Return what the findings mean, by rule id."""
    return {info.id: info for info in (_GIVEN, _PUBLISHED, _PAGE)}


def load_published(folder: Path) -> dict[str, str]:
    """Read content's lists of samples.

    Returns:
        SHA-256, lower case -> title of the list.

    Raises:
        ContentError: a list without a title, or a line that is no hash.
    """
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.txt")):
        first = path.read_text("utf-8").partition("\n")[0]
        title = first.removeprefix(_TITLE).strip()
        for line in read_lines(path):
            if len(line) != 64 or not first.startswith(_TITLE):
                raise ContentError(
                    f"{line!r} is no SHA-256, or the list has no title",
                    at=str(path),
                    remedy="One hash a line, and '# title:' in the first line",
                )
            found.setdefault(line.lower(), title)
    return found


class HashLists:
    """Hashes to compare with.

    Args:
        published: SHA-256 -> title of a list of content's.
        given: indicators of the run; only their hashes count.
    """

    def __init__(self, published: Mapping[str, str], given: Sequence[IndicatorSet] = ()) -> None:
        self._published = published
        self._given: dict[str, tuple[IndicatorSet, int]] = {}
        for indicators in given:
            for number in _hashes(indicators):
                self._given.setdefault(indicators.value(number).lower(), (indicators, number))

    @property
    def more(self) -> tuple[str, ...]:
        """Return which digests beside SHA-256 have to be computed."""
        sizes = {len(value) for value in self._given}
        return tuple(name for name, size in (("sha1", 40), ("md5", 32)) if size in sizes)

    def findings(
        self,
        artifacts: Iterable[ArtifactFacts],
        host_of: Callable[[str], str],
        web_roots: WebRoots,
    ) -> list[Finding]:
        """Return a finding for each artifact and list, in the order of the artifacts."""
        found = []
        for facts in artifacts:
            host = host_of(facts.path)
            title = self._published.get(facts.sha256 or "")
            if title is not None:
                url = served_as(drive_path(facts.path) or "", web_roots)
                where = {} if url is None else {"VirtualPath": url}
                info = _PUBLISHED if url is None else _PAGE
                subject = {"sha256": facts.sha256 or "", "list": title, "Path": facts.path, **where}
                found.append(_finding(info, host, facts, subject))
            for kind, value in (("sha256", facts.sha256 or ""), *sorted(facts.hashes.items())):
                hit = self._given.get(value)
                if hit is None:
                    continue
                indicator = hit[0].indicator(hit[1])
                subject = {kind: value, "list": indicator.source, "Path": facts.path}
                if label := indicator.details.label:
                    subject["label"] = decode_utf8(label.encode("utf-8", "backslashreplace"))[:200]
                found.append(_finding(_GIVEN, host, facts, subject))
        return found


def tell_lists(lists: Sequence[IndicatorSet]) -> list[str]:
    """Say of each file what was taken of it, and what was not."""
    told = []
    for indicators in lists:
        hashes = sum(1 for _ in _hashes(indicators))
        for source in indicators.sources:
            refused = ", ".join(f"{n} {reason}" for reason, n in sorted(source.refused.items()))
            told.append(
                f"Hashes of {source.name} ({source.format}): {source.taken} of {source.entries} "
                "entries were understood" + (f"; left out: {refused}." if refused else ".")
            )
        told.append(f"{hashes} hashes of lists were compared with every file.")
    return told


def _hashes(indicators: IndicatorSet) -> Iterator[int]:
    """Yield the numbers of the indicators that are hashes of files."""
    codes = [KINDS.index(kind) for kind in _COMPARED]
    yield from map(int, np.flatnonzero(np.isin(indicators.columns["kinds"], codes)))


def _finding(info: RuleInfo, host: str, facts: ArtifactFacts, subject: dict[str, str]) -> Finding:
    identity = msgspec.json.encode(subject, order="sorted").decode()
    return Finding(
        id="",
        key=identity_of(info.id, host, identity, "success", UNTIMED),
        rule_id=info.id,
        title=info.title,
        level=info.level,
        grade="success",
        behaviour=info.behaviour,
        techniques=list(info.techniques),
        host=host,
        log=facts.kind,
        subject=subject,
        first_seen=UNTIMED,
        last_seen=UNTIMED,
        count=1,
        evidence=[Evidence(artifact=facts.path, offset=0, line=1, text_b64="")],
        innocent_explanations=list(info.innocent),
        next=info.next,
    )
