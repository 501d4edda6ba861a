"""Folders of YARA rules -> one compiled set that scans the bytes of a file.

Our own stand in ``content/yara``; an analyst's folders come beside them, each file in a namespace of its
own, so that equal names do no harm. A rule that can't be used is an error with file, line and reason
and stops no other. ``include`` is off: a rule file can't pull in files from elsewhere on the machine.

Scanning is bounded by bytes and matches, not by seconds.

References:
    https://virustotal.github.io/yara-x/docs/api/python/
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import yara_x

from exopsy.core.errors import ContentError
from exopsy.detection.sieve.compiling import keep_file

_SUFFIXES = (".yar", ".yara", ".yarx", ".rule")
_MATCHES = 50
_OFFSETS = 8
_SCANNED = 64 << 20
Meta = dict[str, str | int | bool | float]


class YaraMatch(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that matched a file."""

    rule: str
    namespace: str
    """The rule's file inside its folder, after the folder's place among those given: ``0/page.yar``."""
    meta: Meta
    offsets: tuple[int, ...]
    """Where its patterns stand, the first of them; empty where its condition needs none."""


class YaraRules:
    """Compiled rules; any thread may scan."""

    def __init__(self, rules: yara_x.Rules, errors: Sequence[ContentError], count: int) -> None:
        self._rules = rules
        self.errors = tuple(errors)
        """Rules that can't be used, and why."""
        self.count = count
        """Files of rules that were read."""

    @classmethod
    def load(cls, folders: Sequence[Path], cache: Path | None = None) -> YaraRules:
        """Compile every rule file below the folders; a path may also be one file.

        Args:
            folders: in order; their number begins each namespace.
            cache: folder where the compiled set is kept under the hash of its sources and of the
                library's version. What lies there is trusted like the program itself. A set with
                errors is not kept: they are to be said every time.
        """
        sources, errors = _sources(folders)
        kept = None if cache is None else cache / f"yara-{_identity(sources)}.yarc"
        if kept is not None and not errors:
            try:
                with kept.open("rb") as stream:
                    return cls(yara_x.Rules.deserialize_from(stream), (), len(sources))
            except (OSError, ValueError):
                pass
        compiler = yara_x.Compiler(includes_enabled=False)
        # Only the rule with the error is left out, and rules that refer to it.
        compiler.ignore_invalid_rules(True)
        for namespace, path, text in sources:
            compiler.new_namespace(namespace)
            try:
                compiler.add_source(text, origin=str(path))
            except yara_x.CompileError:
                continue  # it is among the compiler's errors
        errors += [_error(found) for found in compiler.errors()]
        rules = compiler.build()
        if kept is not None and not errors:
            stream_ = io.BytesIO()
            rules.serialize_into(stream_)
            keep_file(kept, stream_.getvalue())
        return cls(rules, errors, len(sources))

    def scan(self, data: bytes) -> list[YaraMatch]:
        """Return the rules that match, in order of namespace and name; never raises on the bytes."""
        # One each time: it costs some 0.03 ms, and must not leave the thread that made it.
        scanner = yara_x.Scanner(self._rules)
        scanner.max_matches_per_pattern(_MATCHES)
        found = [
            YaraMatch(
                rule=rule.identifier,
                namespace=rule.namespace,
                meta={key: _plain(value) for key, value in rule.metadata},
                offsets=_offsets(rule),
            )
            for rule in scanner.scan(data[:_SCANNED]).matching_rules
        ]
        return sorted(found, key=lambda m: (m.namespace, m.rule))


def _sources(folders: Sequence[Path]) -> tuple[list[tuple[str, Path, str]], list[ContentError]]:
    sources: list[tuple[str, Path, str]] = []
    errors: list[ContentError] = []
    for number, folder in enumerate(folders):
        paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
        for path in paths:
            if path.suffix.lower() not in _SUFFIXES and path != folder:
                continue
            if not path.is_file():
                continue
            name = path.name if path == folder else path.relative_to(folder).as_posix()
            try:
                sources.append((f"{number}/{name}", path, path.read_text("utf-8-sig")))
            except (OSError, UnicodeDecodeError) as error:
                errors.append(
                    ContentError(
                        f"can't be read: {error}", at=str(path), remedy="Save it as UTF-8 text"
                    )
                )
    return sources, errors


def _error(found: dict[str, Any]) -> ContentError:
    label: dict[str, Any] = next(
        (lb for lb in found.get("labels", ()) if lb.get("level") == "error"), {}
    )
    place = label.get("code_origin") or ""
    line = label.get("line") or found.get("line") or 1
    why = label.get("text") or ""
    return ContentError(
        f"{found.get('title', 'not a rule')}{': ' + why if why else ''}",
        at=f"{place}:{line}",
        remedy="Correct the rule, or take it out of the folder",
    )


def _plain(value: str | float | bytes) -> str | int | float:
    """Return a value of ``meta``; a text that is no UTF-8 comes as bytes."""
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _offsets(rule: yara_x.Rule) -> tuple[int, ...]:
    places = sorted({m.offset for p in rule.patterns for m in p.matches})
    return tuple(places[:_OFFSETS])


def _identity(sources: Sequence[tuple[str, Path, str]]) -> str:
    digest = hashlib.sha256(f"yara-x {version('yara-x')}".encode())
    for namespace, _, text in sources:
        for part in (namespace, text):
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "big") + raw)
    return digest.hexdigest()[:32]
