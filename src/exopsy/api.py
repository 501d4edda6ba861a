"""The library's entry point: evidence in, case document out.

>>> import exopsy
>>> case = exopsy.examine("evidence.zip", case="evidence-case")  # doctest: +SKIP
>>> case.verdict.conclusion  # doctest: +SKIP
'compromised'
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from exopsy.core.clock import now_utc
from exopsy.core.content import CONTENT
from exopsy.core.errors import CollectionError
from exopsy.detection.selection import Selection
from exopsy.pipeline.examine import examine as _examine
from exopsy.pipeline.progress import Progress, SilentProgress
from exopsy.pipeline.settings import RunSettings
from exopsy.schema.case import CaseDocument
from exopsy.store.case_folder import claim, default_case


def examine(
    path: str | Path,
    *,
    case: str | Path | None = None,
    since: date | None = None,
    until: date | None = None,
    plain: bool = False,
    workers: int = 1,
    passwords: Sequence[bytes] = (),
    trusted: Sequence[str] = (),
    rules: Sequence[str | Path] = (),
    selection: Selection | None = None,
    indicators: Sequence[str | Path] = (),
    hashes: Sequence[str | Path] = (),
    baselines: Sequence[str | Path] = (),
    yara: Sequence[str | Path] = (),
    cache: str | Path | None = None,
    progress: Progress | None = None,
) -> CaseDocument:
    """Examine a collection and write its case folder.

    Args:
        path: folder, archive or single log.
        case: folder for ``case.json``, ``report.html`` and the tables; by default the
            collection's name with ``-case`` in the working directory.
        since: first day (UTC) that the question is about.
        until: last day (UTC) that the question is about.
        plain: read every line without the sieve; slower, the same result.
        workers: artifacts read at the same time; the result is the same.
        passwords: of archives.
        trusted: addresses and networks of one's own scanners and administrators.
        rules: folders of Sigma rules to apply as well, in any layout.
        selection: which of those rules; None: all that are stable, test or experimental.
        indicators: files of indicators to look for: STIX, MISP, CSV, plain lists.
        hashes: files of hashes to compare with every file.
        yara: folders of YARA rules to ask about pages as well.
        baselines: files that say what clean servers hold (``exopsy baseline make``).
        cache: folder for compiled rules; None compiles them each time.
        progress: receives news of the run.

    Raises:
        CollectionError: there is no such collection, or none of it can be read.
        ContentError: a rule, a list or a baseline can't be used.
        ValueError: the case folder may not be used.
    """
    collection = Path(path)
    if not collection.exists():
        raise CollectionError(f"There is no {collection}.")
    case_dir = default_case(collection) if case is None else Path(case)
    claim(collection, case_dir)
    settings = RunSettings(
        collection=collection,
        case=case_dir,
        since=since,
        until=until,
        plain=plain,
        workers=workers,
        passwords=tuple(passwords),
        trusted=tuple(trusted),
        content=(CONTENT, *map(Path, rules)),
        selection=selection or Selection(),
        indicators=tuple(map(Path, indicators)),
        hashes=tuple(map(Path, hashes)),
        baselines=tuple(map(Path, baselines)),
        yara=tuple(map(Path, yara)),
        cache=None if cache is None else Path(cache),
        started=now_utc(),
    )
    return _examine(settings, progress or SilentProgress())
