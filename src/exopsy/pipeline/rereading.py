"""Findings whose evidence is known by place only -> with the raw record, read again.

Aggregates work on columns; the record behind a sample is fetched from the collection afterwards.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence

from exopsy.pipeline.sieving import pieces
from exopsy.schema.case import Evidence, Finding
from exopsy.sources.collection import Collection
from exopsy.sources.member import Member

_STEP = 1 << 20


def fill_samples(collection: Collection, findings: Sequence[Finding], most: int) -> None:
    """Fill in the raw text of all samples that lack it; what can't be read again stays empty."""
    wanted: dict[str, list[Evidence]] = {}
    for finding in findings:
        for evidence in finding.evidence:
            if not evidence.text_b64:
                wanted.setdefault(evidence.artifact, []).append(evidence)
    if not wanted:
        return
    for member in collection.members():
        places = wanted.pop(member.path, None)
        if places:
            _fill(member, sorted(places, key=lambda e: e.offset), most)
        if not wanted:
            return


def _fill(member: Member, places: Sequence[Evidence], most: int) -> None:
    try:
        with member.open() as stream:
            reader = io.BufferedReader(stream)
            at, line = 0, b""
            for evidence in places:
                if evidence.offset >= at:
                    at += _skip(reader, evidence.offset - at)
                    line = reader.readline(most)
                    at += len(line)
                # Two samples may be of one record, or of two pieces of one line.
                start = evidence.offset - (at - len(line))
                raw = next((piece for _, piece in pieces(line[start:])), b"")
                evidence.text_b64 = base64.b64encode(raw).decode("ascii")
    except OSError:
        return


def _skip(reader: io.BufferedReader, count: int) -> int:
    """Read past some bytes; return how many there were."""
    passed = 0
    while passed < count and (data := reader.read(min(_STEP, count - passed))):
        passed += len(data)
    return passed
