"""The sieves of a run, each compiled when the first artifact of its log is met."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from exopsy.evidence import registry
from exopsy.pipeline.bundle import Bundle
from exopsy.pipeline.sieving import LogSieve
from exopsy.schema.format import FormatSpec


class Sieves:
    """Compiles a log's sieve when the first artifact of it is met; shared by all threads."""

    def __init__(self, bundle: Bundle, cache: Path | None) -> None:
        self._bundle = bundle
        self._cache = cache
        self._make = lru_cache(maxsize=None)(self._compile)
        self._lock = threading.Lock()

    def __call__(self, spec: FormatSpec) -> LogSieve:
        """Return the log's rules, compiled."""
        with self._lock:
            return self._make(spec.name)

    def _compile(self, log: str) -> LogSieve:
        rules = self._bundle.loaded.rules
        return LogSieve(
            registry.spec_of(log),
            [rule for rule in rules.rules if rule.log == log],
            rules.lists,
            hot=self._bundle.hot,
            reference=self._bundle.innocent.get(log),
            cache=self._cache,
            identity=self._bundle.identity,
        )
