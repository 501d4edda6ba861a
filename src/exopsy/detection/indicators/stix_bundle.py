"""STIX 2.1 bundles (2.0 too) -> the comparisons in the patterns of their indicators."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from exopsy.detection.indicators.content import name_key
from exopsy.detection.indicators.reader import EntryTaker
from exopsy.detection.indicators.stix_pattern import Atom, read_pattern
from exopsy.schema.indicator import Details, Kind

_KINDS: dict[str, Kind] = {
    "ipv4-addr:value": "address",
    "ipv6-addr:value": "address",
    "network-traffic:src_ref.value": "address",
    "network-traffic:dst_ref.value": "address",
    "domain-name:value": "domain",
    "domain-name:resolves_to_refs[*].value": "address",
    "url:value": "url",
    "file:name": "file-name",
    "process:name": "file-name",
    "process:image_ref.name": "file-name",
    "process:binary_ref.name": "file-name",
    "file:parent_directory_ref.path": "path",
    "directory:path": "path",
    "email-addr:value": "email",
    "email-message:from_ref.value": "email",
    "email-message:sender_ref.value": "email",
    "user-account:account_login": "account",
    "user-account:user_id": "account",
    "network-traffic:extensions.http-request-ext.request_header.user-agent": "user-agent",
    "network-traffic:extensions.http-request-ext.request_value": "path",
}
_HASH = re.compile(r"(?:file|artifact|process):(?:[\w.]+\.)?hashes\.([\w-]+)$")
_INDEX = re.compile(r"\[\d+\]")
_TLP = re.compile(r"tlp[:-]?\s*(clear|white|green|amber\+strict|amber|red)", re.IGNORECASE)
MOST_LABEL = 200


class _Head(msgspec.Struct):
    objects: list[msgspec.Raw] = msgspec.field(default_factory=list)


class _Typed(msgspec.Struct):
    type: str = ""


class _Marking(msgspec.Struct):
    id: str = ""
    name: str = ""
    definition: Any = None


class _Indicator(msgspec.Struct):
    id: str = ""
    name: str = ""
    description: str = ""
    pattern: str = ""
    pattern_type: str = "stix"
    valid_from: str = ""
    valid_until: str = ""
    revoked: bool = False
    confidence: int | None = None
    object_marking_refs: list[str] = []


def read_stix_bundle(data: bytes | memoryview, taker: EntryTaker) -> None:
    """Take the comparisons of all indicators.

    Raises:
        msgspec.MsgspecError: it is no bundle at all.
        RecursionError: it is nested too deeply.
    """
    objects = msgspec.json.decode(data, type=_Head).objects
    typed = msgspec.json.Decoder(_Typed)
    decoder = msgspec.json.Decoder(_Indicator)
    marks = _markings(objects, typed)
    others = 0
    for number, raw in enumerate(objects, start=1):
        try:
            if typed.decode(raw).type != "indicator":
                others += 1
                continue
            found = decoder.decode(raw)
        except (msgspec.MsgspecError, RecursionError):
            taker.refuse(
                "bad-entry", number, bytes(raw)[:120].decode("utf-8", "replace"), where="object"
            )
            continue
        _take(found, number, marks, taker)
    if others:
        taker.report.notes["objects that are no indicators"] = others


def _markings(objects: list[msgspec.Raw], typed: msgspec.json.Decoder[_Typed]) -> dict[str, str]:
    marks: dict[str, str] = {}
    for raw in objects:
        try:
            if typed.decode(raw).type != "marking-definition":
                continue
            mark = msgspec.json.decode(raw, type=_Marking)
        except (msgspec.MsgspecError, RecursionError):
            continue
        tlp = mark.definition.get("tlp") if isinstance(mark.definition, dict) else None
        named = _TLP.search(mark.name)
        if isinstance(tlp, str):
            marks[mark.id] = tlp.lower()[:20]
        elif named is not None:
            marks[mark.id] = named[1].lower()
    return marks


def _take(found: _Indicator, number: int, marks: dict[str, str], taker: EntryTaker) -> None:
    label = found.name or found.description
    if found.pattern_type != "stix":
        taker.refuse(
            "unsupported-pattern", number, f"{found.pattern_type}: {label}", where="object"
        )
        return
    try:
        pattern = read_pattern(found.pattern)
    except ValueError as error:
        taker.refuse("bad-pattern", number, f"{error}: {found.pattern}", where="object")
        return
    for loss in pattern.losses:
        taker.report.note(f"pattern: {loss} left out, each comparison stands for itself")
    details = Details(
        id=found.id[:MOST_LABEL],
        label=label[:MOST_LABEL],
        confidence="" if found.confidence is None else str(found.confidence),
        valid_from=found.valid_from[:40],
        valid_until=found.valid_until[:40],
        tlp=next((marks[ref] for ref in found.object_marking_refs if ref in marks), ""),
        state="revoked" if found.revoked else "",
    )
    for atom in pattern.atoms:
        _take_atom(atom, number, details, taker)
    if not pattern.atoms:
        taker.refuse("unsupported-pattern", number, found.pattern, where="object")


def _take_atom(atom: Atom, number: int, details: Details, taker: EntryTaker) -> None:
    path = _INDEX.sub("[*]", atom.path).lower()
    kind = _KINDS.get(path)
    is_hash = False
    if (hashed := _HASH.match(path)) is not None:
        kind = taker.is_kind(name_key(hashed[1]))
        is_hash = kind is None
    if kind is None and not is_hash:
        taker.refuse("unsupported-type", number, f"{atom.path} = {atom.value}", where="object")
        return
    value = atom.value
    if atom.operator == "LIKE":
        value = value.strip("%")
        if "%" in value:
            taker.refuse("wildcard", number, atom.value, where="object")
            return
        taker.report.note("pattern: LIKE read as the text between its percent signs")
    if kind == "path" and value.startswith("/") is False and "://" in value:
        kind = "url"
    taker.take(value, number, kind=kind, is_hash=is_hash, details=details, where="object")
