"""Rule files -> what is wrong with them, one small class a lint.

Loading already refuses what can't run at all (a field that no log has, a list that is missing).
These lints ask for what a reader, a reviewer and the sieve need. An exception is made by naming the
rule's id and the lint in ``lint_exceptions.yml`` of the content folder, with a sentence of reason.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from exopsy.core.content import read_yaml
from exopsy.core.errors import ContentError
from exopsy.detection.events.event_rules import EventRules
from exopsy.detection.events.gate import Gate
from exopsy.detection.events.innocent import read_innocent
from exopsy.detection.expression import All, Expression, No, Regex, Some, Text
from exopsy.detection.load import load_rules, rule_files
from exopsy.detection.rule import Aggregate, Rule, RuleSet
from exopsy.detection.sieve.literals import necessary
from exopsy.schema.case import LEVELS
from exopsy.schema.event import EVENT_LOG
from exopsy.schema.format import FormatSpec

TACTICS = frozenset(
    """reconnaissance resource_development initial_access execution persistence privilege_escalation
    defense_evasion credential_access discovery lateral_movement collection command_and_control
    exfiltration impact""".split()
)


class Subject(msgspec.Struct, frozen=True):
    """One file under the lints."""

    path: Path
    at: str
    document: dict[str, Any]
    made: Rule | Aggregate
    rules: RuleSet
    whole: frozenset[str] = frozenset()
    """Kinds of files that are read whole, without a sieve."""


class Lint:
    """One question asked of every rule."""

    name: ClassVar[str]
    problem: ClassVar[str]
    remedy: ClassVar[str]

    def finds(self, subject: Subject) -> bool:
        """Say whether the rule has this problem."""
        raise NotImplementedError


class FileName(Lint):
    """A rule is found by its name."""

    name = "file-name"
    problem = "file name is not lower_case_with_underscores"
    remedy = "Rename the file and its test"

    def finds(self, subject: Subject) -> bool:
        """Compare with the pattern."""
        return re.fullmatch(r"[a-z0-9]+(?:_[a-z0-9]+)*\.yml", subject.path.name) is None


class Folder(Lint):
    """Detections lie in the folder of their first tactic."""

    name = "folder"
    problem = "folder is not the rule's first tactic"
    remedy = "Move the file to detections/<first attack.<tactic> tag>/"

    def finds(self, subject: Subject) -> bool:
        """Compare folder and first tactic tag."""
        if isinstance(subject.made, Aggregate):
            return False
        tactics = [
            tag.removeprefix("attack.").replace("-", "_")
            for tag in subject.document.get("tags") or ()
        ]
        first = next((t for t in tactics if t in TACTICS), None)
        return subject.path.parent.name != first


class Identity(Lint):
    """Ids survive renames and merges only when they are random."""

    name = "id"
    problem = "id is not a version 4 UUID"
    remedy = "python -c 'import uuid; print(uuid.uuid4())'"

    def finds(self, subject: Subject) -> bool:
        """Parse it."""
        try:
            return uuid.UUID(subject.made.info.id).version != 4
        except ValueError:
            return True


class Misses(Lint):
    """What a rule can't see belongs to the rule."""

    name = "misses"
    problem = "description does not say what the rule misses"
    remedy = "Add a sentence that starts with 'Misses:'"

    def finds(self, subject: Subject) -> bool:
        """Look for the word."""
        return "Misses:" not in subject.made.info.description


class Innocent(Lint):
    """Every finding is shown with its innocent explanations."""

    name = "innocent"
    problem = "no innocent explanation, or 'unknown'"
    remedy = "Say under exopsy.innocent who does this legitimately, or why nobody does"

    def finds(self, subject: Subject) -> bool:
        """Look at both lists."""
        told = [*subject.made.info.innocent, *(subject.document.get("falsepositives") or ())]
        return not subject.made.info.innocent or any(
            str(t).strip(" .").lower() == "unknown" for t in told
        )


class Next(Lint):
    """A finding without a next step leaves the analyst alone."""

    name = "next"
    problem = "no next step"
    remedy = "Say under exopsy.next what to look at"

    def finds(self, subject: Subject) -> bool:
        """Building blocks are never shown."""
        return not subject.made.info.next and not subject.made.info.building_block


class Purpose(Lint):
    """A finding belongs to a chain or to a behaviour."""

    name = "purpose"
    problem = "neither chain nor behaviour"
    remedy = "Give exopsy.chain or exopsy.behaviour"

    def finds(self, subject: Subject) -> bool:
        """Look at both."""
        info = subject.made.info
        return not info.chain and not info.behaviour and not info.building_block


class About(Lint):
    """A finding is about something."""

    name = "subject"
    problem = "no subject"
    remedy = "Name under exopsy.subject the fields that one finding is about"

    def finds(self, subject: Subject) -> bool:
        """Look at it."""
        return not subject.made.info.subject


class Technique(Lint):
    """Findings are read by technique."""

    name = "technique"
    problem = "no ATT&CK technique among the tags"
    remedy = "Add attack.tNNNN"

    def finds(self, subject: Subject) -> bool:
        """Look at it."""
        return not subject.made.info.techniques


class Sourced(Lint):
    """A rule says where its knowledge is from."""

    name = "references"
    problem = "no reference"
    remedy = "Add the public page that describes what the rule looks for"

    def finds(self, subject: Subject) -> bool:
        """Look at it."""
        return not subject.document.get("references")


class Ripe(Lint):
    """A rule that can carry a verdict alone has left its trial."""

    name = "status"
    problem = "level high or above, but experimental"
    remedy = "Prove it with tests and set status: test, or lower the level"

    def finds(self, subject: Subject) -> bool:
        """Compare both."""
        info = subject.made.info
        high = LEVELS.index(info.level) >= LEVELS.index("high")
        return high and info.status == "experimental"


class Sievable(Lint):
    """A rule without a necessary literal makes every record a candidate."""

    name = "sievable"
    problem = "can't be sieved: some way to satisfy it needs no literal of three characters"
    remedy = "Add a positive literal to every branch of the condition"

    def finds(self, subject: Subject) -> bool:
        """Ask the compiler."""
        if not isinstance(subject.made, Rule):
            return False
        if subject.made.log in subject.whole:
            return False  # of a file every element is looked at
        if subject.made.log == EVENT_LOG:
            # An event of a rare kind may be decoded each time; of those kinds servers write many.
            # The last stands for every kind that the rule does not name.
            gates = [*sorted(read_innocent().gates), Gate("", "")]
            return bool(EventRules([subject.made], subject.rules.lists).unsievable(gates))
        values = {name: found.values for name, found in subject.rules.lists.items()}
        return necessary(subject.made.condition, values) is None


class SlowRegex(Lint):
    """A repeated repetition can take exponential time on hostile input."""

    name = "slow-regex"
    problem = "a regular expression repeats a repetition"
    remedy = "Rewrite it without nested quantifiers"

    def finds(self, subject: Subject) -> bool:
        """Look for ``(...+)+`` and the like."""
        if not isinstance(subject.made, Rule):
            return False
        patterns = [*_regexes(subject.made.condition), *(e.pattern for e in subject.made.extracts)]
        return any(re.search(r"[+*}]\)[+*{]", p) for p in patterns)


class AlwaysTrue(Lint):
    """A test that every value passes is a mistake."""

    name = "always-true"
    problem = "a test matches any value"
    remedy = "Use '|exists: true' if presence is meant"

    def finds(self, subject: Subject) -> bool:
        """Look for a lone wildcard."""
        return isinstance(subject.made, Rule) and any(
            isinstance(leaf, Text) and leaf.parts == (0,)
            for leaf in _leaves(subject.made.condition)
        )


class Tested(Lint):
    """A rule without a hit and a near miss beside it is a hope."""

    name = "tested"
    problem = "the test beside it lacks a hit or a near miss"
    remedy = "Write <name>.test.yml with at least one of each"

    def finds(self, subject: Subject) -> bool:
        """Read the test file."""
        path = subject.path.with_name(subject.path.stem + ".test.yml")
        if not path.is_file():
            return True
        cases = read_yaml(path)
        if not isinstance(cases, list):
            return True
        counts = [c.get("findings", len(c.get("matches") or ())) for c in cases]
        return not (any(counts) and not all(counts))


LINTS: tuple[Lint, ...] = (
    FileName(),
    Folder(),
    Identity(),
    Misses(),
    Innocent(),
    Next(),
    Purpose(),
    About(),
    Technique(),
    Sourced(),
    Ripe(),
    Sievable(),
    SlowRegex(),
    AlwaysTrue(),
    Tested(),
)


def lint(
    folders: Sequence[Path], formats: Sequence[FormatSpec], whole: frozenset[str] = frozenset()
) -> list[ContentError]:
    """Return every problem of every rule file in the folders; loading errors come first.

    Args:
        folders: content folders.
        formats: what rules can name as their log source.
        whole: those of them that are files read whole, without a sieve.
    """
    loaded = load_rules(folders, formats=formats)
    problems = list(loaded.errors)
    made = {m.at: m for m in loaded.rules.rules} | {m.at: m for m in loaded.rules.aggregates}
    for folder in folders:
        excepted = _exceptions(folder, problems)
        for path in rule_files(folder):
            at = str(path.relative_to(folder))
            if at not in made:
                continue
            subject = Subject(path, at, read_yaml(path), made[at], loaded.rules, whole)
            problems += [
                ContentError(f"{found.problem} ({found.name})", at=at, remedy=found.remedy)
                for found in LINTS
                if (made[at].info.id, found.name) not in excepted and found.finds(subject)
            ]
    return problems


def _exceptions(folder: Path, problems: list[ContentError]) -> set[tuple[str, str]]:
    path = folder / "lint_exceptions.yml"
    if not path.is_file():
        return set()
    excepted = set()
    for entry in read_yaml(path) or ():
        if not isinstance(entry, dict) or not {"id", "lint", "reason"} <= entry.keys():
            problems.append(ContentError("an exception needs id, lint and reason", at=str(path)))
            continue
        excepted.add((str(entry["id"]), str(entry["lint"])))
    return excepted


def _leaves(node: Expression) -> Iterable[Expression]:
    if isinstance(node, All | Some):
        for item in node.items:
            yield from _leaves(item)
    elif isinstance(node, No):
        yield from _leaves(node.item)
    else:
        yield node


def _regexes(node: Expression) -> list[str]:
    return [leaf.pattern for leaf in _leaves(node) if isinstance(leaf, Regex)]
