"""What one examination has at hand from its beginning to its end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from exopsy.detection.rule import RuleSet
from exopsy.pipeline.bundle import Bundle
from exopsy.pipeline.correlating import correlation_infos
from exopsy.pipeline.hash_matching import HashLists, hash_infos
from exopsy.pipeline.known_good import KnownGood
from exopsy.pipeline.page_weighing import PageWeighing
from exopsy.pipeline.progress import Progress
from exopsy.pipeline.settings import RunSettings
from exopsy.sources.collection import Collection
from exopsy.store.working import WorkingTables

if TYPE_CHECKING:
    from exopsy.detection.indicators.indicator_set import IndicatorSet
    from exopsy.pipeline.sweeping import Sweep


class Run:
    """One examination: its settings, content, lists and working folder.

    Raises:
        ContentError: a list, a baseline or a folder of rules can't be used.
    """

    def __init__(
        self,
        settings: RunSettings,
        bundle: Bundle,
        collection: Collection,
        progress: Progress,
        work: Path,
    ) -> None:
        self.settings = settings
        self.bundle = bundle
        self.collection = collection
        self.progress = progress
        self.work = work
        self.rules: RuleSet = bundle.loaded.rules
        self.correlations = bundle.loaded.correlations
        self.infos = self.rules.infos() | correlation_infos(self.correlations, self.rules.rules)
        # The story is told by rules that say what they mean; those of others only make findings.
        self.told = frozenset(rule.info.id for rule in self.rules.rules if not rule.is_foreign)
        self._working: WorkingTables | None = None
        self.known = KnownGood(settings.baselines)
        self.pages = PageWeighing(settings.yara, settings.cache, settings.limits.file_bytes)
        self.yara_errors = self.pages.errors if settings.yara else ()
        self.sweep: Sweep | None = None
        if settings.indicators:
            from exopsy.detection.indicators.load import load_indicators
            from exopsy.pipeline.sweeping import Sweep, indicator_infos

            progress.stage("loading indicators")
            indicators = load_indicators(settings.indicators, cache=settings.cache)
            self.sweep = Sweep(indicators, plain=settings.plain)
            self.infos |= indicator_infos()
        self.given: list[IndicatorSet] = []
        if settings.hashes:
            from exopsy.detection.indicators.load import load_indicators

            self.given = [load_indicators(settings.hashes, cache=settings.cache)]
        swept = [] if self.sweep is None else [self.sweep.indicators]
        self.hashes = HashLists(bundle.published, [*self.given, *swept])
        self.infos |= hash_infos()

    def asked(self) -> WorkingTables:
        """Return the connection that asks the run's tables; one query at a time."""
        if self._working is None:
            self._working = WorkingTables(self.work)
        return self._working

    def close(self) -> None:
        """Close that connection."""
        if self._working is not None:
            self._working.__exit__()

    def options(self) -> dict[str, object]:
        """Return what the case states of the settings: all that can change its content."""
        options = self.settings.options()
        if self.sweep is not None:
            options["indicators"] = [source.sha256 for source in self.sweep.indicators.sources]
        if self.given:
            options["hashes"] = [s.sha256 for found in self.given for s in found.sources]
        if self.known.sha256:
            options["baselines"] = self.known.sha256
        if self.settings.yara:
            options["yara"] = self.pages.sha256
        return options
