"""Files of indicators -> one ``IndicatorSet``; each format is told by its content.

The files are somebody else's and may be hostile: size, number and length are bounded, and every
entry is either taken or counted by reason in the file's ``SourceReport``.
"""

from __future__ import annotations

import csv
import hashlib
import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec

from exopsy.core.clock import format_utc
from exopsy.core.errors import ContentError
from exopsy.detection.indicators.content import Vocabulary, load_vocabulary
from exopsy.detection.indicators.csv_table import DELIMITERS, find_header, read_csv_table
from exopsy.detection.indicators.indicator_set import IndicatorSet, SetBuilder, SourceReport
from exopsy.detection.indicators.misp_event import looks_like_misp, read_misp_event
from exopsy.detection.indicators.plain_list import read_plain_list
from exopsy.detection.indicators.reader import EntryTaker, ReadOptions
from exopsy.detection.indicators.stix_bundle import read_stix_bundle

_SAMPLE = 64 << 10
_MOST_LINE = 64 << 10
_VERSION = "1"
"""Of the readers; another one makes kept sets useless."""


def load_indicators(
    paths: Sequence[Path],
    options: ReadOptions = ReadOptions(),  # noqa: B008 - frozen
    *,
    cache: Path | None = None,
    vocabulary: Vocabulary | None = None,
) -> IndicatorSet:
    """Read files of indicators.

    Args:
        paths: STIX 2.x bundles, MISP events, CSV tables, plain lists.
        options: what is taken, and how much.
        cache: folder for sets that were made of the same files with the same options.
        vocabulary: of other content than the shipped one.

    Raises:
        ContentError: a file can't be read at all; says which and what to do.
    """
    words = load_vocabulary() if vocabulary is None else vocabulary
    digests = [_sha256(path, options) for path in paths]
    kept = None
    if cache is not None:
        kept = cache / f"indicators-{_identity(paths, digests, options, words)}.npz"
        found = IndicatorSet.load(kept)
        if found is not None:
            return found
    builder = SetBuilder(words.everyday)
    for path, digest in zip(paths, digests, strict=True):
        _read(path, digest, builder, words, options)
    made = builder.build()
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        made.save(kept)
    return made


def _sha256(path: Path, options: ReadOptions) -> str:
    try:
        if not path.is_file():
            raise ContentError("is not a file", at=str(path), remedy="Name a file of indicators")
        if path.stat().st_size > options.most_bytes:
            raise ContentError(
                f"is larger than {options.most_bytes >> 20} MiB",
                at=str(path),
                remedy="Split it, or take the entries out that can't stand in logs",
            )
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ContentError(
            f"can't be read: {error.strerror}", at=str(path), remedy="Look at name and permissions"
        ) from error


def _identity(
    paths: Sequence[Path], digests: Sequence[str], options: ReadOptions, words: Vocabulary
) -> str:
    now = "" if options.now is None else format_utc(options.now)[:10]
    parts: list[Any] = [_VERSION, [p.name for p in paths], digests, now]
    parts += [options.allow_private, options.all_attributes, options.most_indicators]
    parts += [sorted(words.too_general), sorted(words.everyday), sorted(words.columns.items())]
    parts += [sorted(words.kinds.items()), sorted(words.hashes), sorted(words.extensions)]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def _read(
    path: Path, digest: str, builder: SetBuilder, words: Vocabulary, options: ReadOptions
) -> None:
    with path.open("rb") as stream:
        head = stream.read(_SAMPLE)
    encoding = _encoding(head)
    text = head.decode(encoding, "replace").lstrip("\ufeff")
    report = SourceReport(name=path.name, sha256=digest, format="")
    if text.lstrip()[:1] in ("{", "[") and not text.lstrip().startswith("[."):
        _read_json(path, EntryTaker(builder, report, words, options), encoding)
        return
    delimiter = _delimiter(text, path.suffix.lower(), words)
    taker = EntryTaker(builder, report, words, options)
    with path.open(encoding=encoding, errors="replace", newline="\n") as stream:
        lines = _bounded(stream, taker)
        if delimiter is None:
            report.format = "list"
            read_plain_list(lines, taker)
        else:
            report.format = "csv"
            read_csv_table(lines, delimiter, taker)


def _read_json(path: Path, taker: EntryTaker, encoding: str) -> None:
    advice = "Give a STIX 2.x bundle, a MISP event, a CSV table or a list with one value a line"
    try:
        view = _json_bytes(path, encoding)
        is_misp = _is_misp(view)
        taker.report.format = "misp" if is_misp else "stix"
        if is_misp:
            read_misp_event(view, taker)
        else:
            read_stix_bundle(view, taker)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise ContentError(
            f"can't be read as JSON: {error}", at=str(path), remedy=advice
        ) from error
    except RecursionError as error:
        raise ContentError("is nested too deeply", at=str(path), remedy=advice) from error


def _json_bytes(path: Path, encoding: str) -> memoryview:
    """Return a file's bytes as UTF-8, mapped rather than read: objects are views into them."""
    if encoding != "utf-8-sig":
        return memoryview(path.read_text(encoding).encode())
    with path.open("rb") as stream:
        view = memoryview(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
    return view[3:] if view[:3].tobytes() == b"\xef\xbb\xbf" else view


def _is_misp(view: memoryview) -> bool:
    """Tell MISP from STIX by the outer keys.

    Raises:
        msgspec.MsgspecError: no JSON, or neither of the two.
    """
    if bytes(view[:64]).lstrip().startswith(b"["):
        return True
    keys = msgspec.json.decode(view, type=dict[str, msgspec.Raw])
    if looks_like_misp(keys):
        return True
    if "objects" in keys:
        return False
    raise msgspec.ValidationError("neither a STIX bundle (no 'objects') nor a MISP event")


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    return "utf-8-sig"


def _bounded(stream: TextIO, taker: EntryTaker) -> Iterator[str]:
    """Yield lines; of one that is too long its beginning, after it was counted."""
    while line := stream.readline(_MOST_LINE):
        if len(line) == _MOST_LINE and not line.endswith("\n"):
            taker.report.note(f"lines longer than {_MOST_LINE} characters: the rest passed over")
            while (rest := stream.readline(_MOST_LINE)) and not rest.endswith("\n"):
                pass
        yield line


def _delimiter(text: str, suffix: str, words: Vocabulary) -> str | None:
    """Return what parts the cells of a table; None if the text is a plain list."""
    every = [line for line in text.splitlines()[:200] if line.strip()]
    lines = [line for line in every if not line.lstrip().startswith("#")][:50]
    if not lines:
        return None
    comments = [line for line in every if line.lstrip().startswith("#")]
    for delimiter in DELIMITERS:
        for line in (lines[0], *comments[-1:]):
            cells = next(csv.reader([line.lstrip("# ")], delimiter=delimiter), [])
            if len(cells) > 1 and find_header(cells, words) is not None:
                return delimiter
    if find_header([lines[0]], words) is not None:
        return DELIMITERS[0]  # one column with a name
    counts = {d: {line.count(d) for line in lines} for d in DELIMITERS}
    same = [d for d in DELIMITERS if len(counts[d]) == 1 and counts[d] != {0}]
    if same and (len(lines) > 1 or suffix in (".csv", ".tsv")):
        return same[0]
    if suffix in (".csv", ".tsv"):
        return max(DELIMITERS, key=lambda d: sum(line.count(d) for line in lines))
    return None
