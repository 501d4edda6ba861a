"""What reading brought -> the story, the verdict and the case: the second half of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from exopsy import __version__
from exopsy.correlation.story import correlate
from exopsy.evidence import registry
from exopsy.exposure.assess import assess
from exopsy.exposure.history import SEEN
from exopsy.pipeline.aggregates import add_hosts
from exopsy.pipeline.assemble import collection_info, host_names, number_case_wide, unusable
from exopsy.pipeline.cmdlet_table import write_cmdlets
from exopsy.pipeline.correlating import tell_correlation_losses
from exopsy.pipeline.findings import number_findings
from exopsy.pipeline.hash_matching import tell_lists
from exopsy.pipeline.losses import tell_losses
from exopsy.pipeline.matches import activity_batches, read_activities
from exopsy.pipeline.process_tree import ProcessTree
from exopsy.pipeline.reading import Reading
from exopsy.pipeline.reading_notes import tell_notes
from exopsy.pipeline.run import Run
from exopsy.schema.case import (
    ArtifactEntry,
    Backdoor,
    CaseDocument,
    Coverage,
    Finding,
    Host,
    RulesInfo,
    Tool,
    UnusableRule,
)
from exopsy.schema.story import Story
from exopsy.store.tables import FOLDER, TABLES, TableWriter
from exopsy.verdict.actions import load_actions, recommend
from exopsy.verdict.coverage import cover
from exopsy.verdict.event_coverage import cover_events
from exopsy.verdict.file_coverage import cover_files
from exopsy.verdict.judge import judge, strongest


class Telling:
    """Tells the case of what was read."""

    def __init__(self, run: Run, reading: Reading) -> None:
        self._run = run
        self._reading = reading

    def case(self) -> CaseDocument:
        """Tell, then judge, then write down."""
        reading = self._reading
        hashes = {a.path: a.sha256 for a in reading.artifacts}
        findings = number_findings(reading.findings, hashes)
        names = host_names(reading.hosts)
        self._run.progress.findings(len(findings))
        self._run.progress.stage("telling the story")
        tree = self._tree(reading, findings)
        coverage = {name: self._coverage(name, reading) for name in names}
        stories = self._stories(names, reading, findings, coverage, tree)
        number_case_wide([stories[name] for name in names])
        for name in names:
            reading.disk.fill(name, stories[name].backdoors)
            _tell_what_is(stories[name].backdoors, findings)
        hosts = [
            self._host(name, reading, findings, stories[name], coverage[name]) for name in names
        ]
        self._final_tables(reading, tree)
        return CaseDocument(
            tool=Tool(
                version=__version__,
                content_version=__version__,
                content_sha256=self._run.bundle.sha256,
                options=self._run.options(),
            ),
            verdict=strongest([(host.name, host.verdict) for host in hosts]),
            collection=collection_info(self._run.collection.name, reading.artifacts),
            artifacts=[
                ArtifactEntry(
                    path=a.path,
                    kind=a.kind,
                    host=reading.hosts.get(a.path, ""),
                    size=a.size,
                    sha256=a.sha256,
                    state=a.state,
                    why=a.why,
                )
                for a in reading.artifacts
            ],
            rules=RulesInfo(
                loaded=len(self._run.rules.rules)
                + len(self._run.rules.aggregates)
                + len(self._run.correlations),
                unmapped=[
                    UnusableRule(id=rule.id, title=rule.title, why=rule.why)
                    for rule in self._run.bundle.loaded.unmapped
                ],
                failed=[
                    *unusable(self._run.bundle.loaded.errors),
                    *unusable(self._run.yara_errors),
                    *reading.failed,
                ],
            ),
            hosts=hosts,
            findings=findings,
            problems=self._problems(reading),
        )

    def _coverage(self, name: str, reading: Reading) -> list[Coverage]:
        own = [a for a in reading.artifacts if a.kind and reading.hosts[a.path] == name]
        specs = {spec.name: spec for spec in registry.FORMATS}
        expected = {
            log for c in self._run.bundle.chains for group in c.success_logs for log in group
        }
        kinds = {spec.name for spec in registry.EVENT_FORMATS}
        return [
            *cover(own, specs, expected=sorted(expected)),
            *cover_events([a for a in own if a.kind in kinds]),
            *cover_files([a for a in own if a.kind in registry.FILE_NAMES]),
        ]

    def _tree(self, reading: Reading, findings: Sequence[Finding]) -> ProcessTree | None:
        """Link the processes, and tell each finding where its process comes from."""
        if not reading.kept:
            return None
        working = reading.activities(self._run.asked())
        tree = ProcessTree(working, reading.kept)
        tree.tie(self._run.infos, self._run.told)
        tree.tell(findings)
        return tree

    def _stories(
        self,
        names: Sequence[str],
        reading: Reading,
        findings: Sequence[Finding],
        coverage: Mapping[str, Sequence[Coverage]],
        tree: ProcessTree | None,
    ) -> dict[str, Story]:
        stories = {}
        for name in names:
            rows = ()
            if reading.match_files:
                working = reading.activities(self._run.asked())
                rows = read_activities(working, host=name, of=self._run.told)  # type: ignore[assignment]
            ties = [] if tree is None else tree.ties(name)
            stories[name] = correlate(
                name,
                findings=findings,
                activities=rows,
                ties=ties,
                rules=self._run.infos,
                chains=self._run.bundle.chains,
                hubs=reading.hubs,
                trusted=self._run.settings.trusted,
                covered_logs=[c.log for c in coverage[name] if c.state != "absent"],
                web_roots=self._run.bundle.web_roots,
                ignored_tokens=self._run.bundle.ignored_tokens,
            )
        return stories

    def _host(
        self,
        name: str,
        reading: Reading,
        findings: Sequence[Finding],
        story: Story,
        coverage: list[Coverage],
    ) -> Host:
        settings, chains = self._run.settings, self._run.bundle.chains
        own = [f for f in findings if f.host == name]
        history = reading.builds[name]
        cves = sorted({cve for chain in chains for cve in chain.cves})
        exposure = assess(
            history.days,
            facts=self._run.bundle.facts,
            cves=cves,
            since=settings.since,
            until=settings.until,
            seen={day: SEEN[source] for day, source in history.sources.items()},
            undated=history.build,
        )
        verdict = judge(
            host=name,
            story=story,
            findings=own,
            rules=self._run.infos,
            coverage=coverage,
            exposure=exposure,
            chains=chains,
            since=settings.since,
            until=settings.until,
        )
        actions = recommend(
            host=name,
            verdict=verdict,
            story=story,
            findings=own,
            exposure=exposure,
            chains=chains,
            actions=load_actions(settings.content[0] / "actions"),
        )
        return Host(
            name=name,
            exchange_build=history.build,
            build_basis=history.basis,
            verdict=verdict,
            chains=story.chains,
            backdoors=story.backdoors,
            operators=story.operators,
            sessions=story.sessions,
            joins=story.joins,
            impact=story.impact,
            exposure=exposure,
            coverage=coverage,
            actions=actions,
        )

    def _problems(self, reading: Reading) -> list[str]:
        told = [f"{p.path}: {p.text}" for p in self._run.collection.problems]
        told += tell_losses(reading.artifacts)
        told += tell_notes(reading.artifacts)
        told += [
            f"{name}: {text}" for name, h in sorted(reading.builds.items()) for text in h.conflicts
        ]
        told += self._run.sweep.tell() if self._run.sweep is not None else []
        told += tell_lists(self._run.given)
        told += tell_correlation_losses(reading.correlated, self._run.infos)
        told += [
            f"{hub.key.kind} {hub.key.value} stands in more than {self._run.settings.limits.hub_rows} "
            "records; only so many of them were read for the story."
            for hub in reading.hubs
        ]
        if reading.untimed:
            told.append(
                f"{reading.untimed} suspicious records carry no readable time and are in no finding."
            )
        if self._run.collection.spooled_bytes:
            told.append(
                f"Up to {self._run.collection.spooled_bytes} bytes of archives inside archives were "
                "copied to the case folder while they were read, and deleted."
            )
        return sorted(set(told))

    def _final_tables(self, reading: Reading, tree: ProcessTree | None) -> None:
        """Write the tables of records: what rules matched or the pivot brought, and what is kept."""
        folder = self._run.settings.case / FOLDER
        with TableWriter(folder, "activity", TABLES["activity"]) as table:
            if reading.match_files:
                table.append_batches(activity_batches(reading.activities(self._run.asked())))
        add_hosts(self._run.asked(), reading.hosts)
        write_cmdlets(self._run.asked(), reading.kept, folder)
        (tree or ProcessTree(self._run.asked(), {})).write(folder)


def _tell_what_is(backdoors: Iterable[Backdoor], findings: Sequence[Finding]) -> None:
    """Say that a backdoor is there which a collected configuration or export names."""
    telling = {spec.name for spec in registry.FILE_FORMATS if spec.tells_what_is}
    there = {f.id for f in findings if f.log in telling and f.grade != "attempt"}
    for backdoor in backdoors:
        if backdoor.state == "unknown" and not there.isdisjoint(backdoor.finding_ids):
            backdoor.state = "present"
            backdoor.state_basis = "configuration"
