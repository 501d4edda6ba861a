"""A case document -> the summary that ``exopsy examine`` prints.

For somebody who has never done this: what was concluded, what it rests on, what was not read, what
to do. It says in words what it says in colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from exopsy.reports.days import moment, runs_text, span
from exopsy.reports.page import Page, Style
from exopsy.reports.words import (
    ANSWERS,
    BASES,
    BLIND_SPOTS,
    CONFIDENCE,
    COVERAGE,
    GRADES,
    HEADLINES,
    IMPACT,
    KINDS,
    MEANINGS,
    STATES,
    exit_code,
    log_name,
)
from exopsy.schema.case import (
    CONCLUSIONS,
    ActionItem,
    Backdoor,
    CaseDocument,
    Chain,
    Conclusion,
    Coverage,
    Effect,
    Host,
    Operator,
    Reason,
    Verdict,
    Window,
)

_MOST = 8
"""Of each list; the report has more."""
_STYLES: dict[Conclusion, Style] = {
    "compromised": "bad",
    "exploited": "bad",
    "suspicious": "warn",
    "attempted": "warn",
    "inconclusive": "warn",
    "no-evidence-found": "head",
}


def render_summary(
    case: CaseDocument, *, colour: bool, width: int, report: str = "report.html"
) -> str:
    """Write the summary.

    Args:
        case: the case.
        colour: with ANSI colours; nothing depends on them.
        width: of the terminal in characters.
        report: path of the full report, to point at.
    """
    page = Page(colour=colour, width=width)
    _verdict(page, case.verdict)
    hosts = sorted(case.hosts, key=lambda host: -CONCLUSIONS.index(host.verdict.conclusion))
    page.each(hosts, _MOST, lambda host: _host(page, host, alone=len(hosts) == 1), 0)
    _problems(page, case)
    _actions(page, hosts)
    _ending(page, case, report)
    return page.text()


def _verdict(page: Page, verdict: Verdict) -> None:
    page.say(f"VERDICT: {HEADLINES[verdict.conclusion]}", style=_STYLES[verdict.conclusion])
    page.say(verdict.summary, 2)
    page.say(f"What the word means: {MEANINGS[verdict.conclusion]}", 2)
    page.say(f"How sure: {CONFIDENCE[verdict.confidence]}.", 2)
    page.say(f"Evidence: {COVERAGE[verdict.coverage]}.", 2)
    if verdict.attempts_seen and verdict.conclusion in ("inconclusive", "no-evidence-found"):
        page.say("Attack attempts were seen.", 2)


def _host(page: Page, host: Host, *, alone: bool) -> None:
    build = f", Exchange build {host.exchange_build}" if host.exchange_build else ""
    page.head(f"SERVER {host.name}{build}")
    if not alone:
        conclusion = host.verdict.conclusion
        page.say(HEADLINES[conclusion], 2, style=_STYLES[conclusion])
        page.say(host.verdict.summary, 2)
    if host.verdict.conclusion == "suspicious":
        page.head("Signs that a person must judge", 2)
        page.each(host.verdict.reasons, _MOST, lambda reason: _reason(page, reason), 4)
    if host.backdoors:
        page.head(f"Ways back in that were left (backdoors): {len(host.backdoors)}", 2)
        page.each(host.backdoors, _MOST, lambda backdoor: _backdoor(page, backdoor), 4)
    if host.chains:
        page.head("Ways in: attacks that were seen", 2)
        page.each(host.chains, _MOST, lambda chain: _chain(page, chain), 4)
    if host.operators:
        page.head("Who: activity that belongs together (not a name, not proof of one person)", 2)
        page.each(host.operators, _MOST, lambda operator: _operator(page, operator), 4)
    _impact(page, host)
    _coverage(page, host)


def _reason(page: Page, reason: Reason) -> None:
    ids = ", ".join(reason.finding_ids[:5])
    page.say(f"- {reason.text}{f' ({ids})' if ids else ''}", 4)


def _backdoor(page: Page, backdoor: Backdoor) -> None:
    page.say(backdoor.path, 4, mark=f"{backdoor.id}  ", style="bad")
    basis = f" ({BASES[backdoor.state_basis]})" if backdoor.state_basis else ""
    page.say(f"{KINDS[backdoor.kind]}; {STATES[backdoor.state]}{basis}", 8)
    if backdoor.times_basis:
        page.say(
            f"file created {moment(backdoor.created)}, changed {moment(backdoor.modified)} "
            f"({BASES[backdoor.times_basis]})",
            8,
        )
    planted = f" by {backdoor.planted_by}" if backdoor.planted_by else ", by whom was not seen"
    if backdoor.planted_at:
        page.say(f"planted {moment(backdoor.planted_at)}{planted}", 8)
    if backdoor.removed_at:
        page.say(f"removed {moment(backdoor.removed_at)}", 8)
    if backdoor.requests or backdoor.used_by:
        page.say(
            f"used {backdoor.requests} times by {_names(backdoor.used_by)}: first "
            f"{moment(backdoor.first_use)}, last {moment(backdoor.last_use)}",
            8,
        )
    else:
        page.say("no use of it was seen", 8)
    if backdoor.probed_by:
        page.say(f"asked for without success by {_names(backdoor.probed_by)}", 8)


def _chain(page: Page, chain: Chain) -> None:
    cves = f" ({', '.join(chain.cves)})" if chain.cves else ""
    style: Style = "plain" if chain.grade == "attempt" else "bad"
    page.say(f"{chain.name or chain.chain}{cves}", 4, mark="- ", style=style)
    by = f", by {_names(chain.operator_ids)}" if chain.operator_ids else ""
    page.say(f"{GRADES[chain.grade]}; {span(chain.first_seen, chain.last_seen)}{by}", 6)
    if chain.grade != "attempt":
        for step in chain.steps:
            at = f" ({moment(step.at)})" if step.at else ""
            page.say(f"{step.title or step.step}: {STATES[step.state]}{at}", 6, mark="- ")


def _operator(page: Page, operator: Operator) -> None:
    addresses = _names(operator.addresses) if operator.addresses else "no address was recorded"
    page.say(addresses, 4, mark=f"{operator.id}  ")
    page.say(span(operator.first_seen, operator.last_seen), 8)
    did = [
        f"{word} {_names(ids)}"
        for word, ids in (
            ("planted", operator.planted),
            ("used", operator.used),
            ("asked without success for", operator.probed),
        )
        if ids
    ]
    if operator.accounts:
        did.append(f"acted as {_names(operator.accounts)}")
    if did:
        page.say("; ".join(did), 8)
    page.each(
        operator.actions,
        _MOST,
        lambda action: page.say(f"{action.what} ({action.finding_id})", 8, mark=_at(action.at)),
        8,
    )


def _at(text: str) -> str:
    return f"{moment(text)[:16]}  "


def _impact(page: Page, host: Host) -> None:
    effects: list[tuple[str, Effect]] = [
        (title, effect) for name, title in IMPACT.items() for effect in getattr(host.impact, name)
    ]
    if not effects:
        return
    page.head("What was taken or prepared", 2)
    page.each(
        effects,
        _MOST,
        lambda item: page.say(
            f"{item[0]}: {item[1].text} ({STATES[item[1].state]}: {item[1].why})", 4, mark="- "
        ),
        4,
    )


def _coverage(page: Page, host: Host) -> None:
    page.head("What was read, and what was not", 2)
    by_conclusion = sorted(host.verdict.windows, key=lambda w: CONCLUSIONS.index(w.conclusion))
    for conclusion, group in groupby(reversed(by_conclusion), key=lambda w: w.conclusion):
        windows = [_window(window) for window in group]
        page.say(f"{ANSWERS[conclusion]}: {_names(windows)}", 4, mark="- ")
    for entry in host.coverage:
        if entry.state != "absent":
            page.say(_read(entry), 4, mark="- ")
    absent = [log_name(entry.log) for entry in host.coverage if entry.state == "absent"]
    if absent:
        page.say(f"NOT READ, because not in the collection: {', '.join(absent)}", 4, mark="- ")
    if host.verdict.gaps:
        page.say("Missing, and it matters:", 4, style="warn")
        page.each(host.verdict.gaps, _MOST, lambda gap: page.say(gap.text, 6, mark="- "), 6)


def _window(window: Window) -> str:
    return f"{window.chain} ({span(window.from_, window.to)})"


def _read(entry: Coverage) -> str:
    days = [day for day, state in entry.days.items() if state == "none"]
    parts = [day for day, state in entry.days.items() if state == "part"]
    first, last = (entry.from_ or "")[:10], (entry.to or "")[:10]
    when = f", {span(first, last)}" if first or last else ""  # a state has no time
    text = f"{log_name(entry.log)}: {STATES[entry.state]}{when}"
    if days:
        text += f"; NOTHING of {runs_text(days)}"
    if parts:
        text += f"; only a part of {runs_text(parts)}"
    return text


def _problems(page: Page, case: CaseDocument) -> None:
    unusable = len(case.rules.failed) + len(case.rules.unmapped)
    if not case.problems and not unusable:
        return
    page.head("TROUBLE ON THE WAY")
    page.each(case.problems, _MOST, lambda problem: page.say(problem, 2, mark="- "), 2)
    if unusable:
        page.say(f"Rules that could not be used: {unusable}; the report names them.", 2, mark="- ")


def _actions(page: Page, hosts: Sequence[Host]) -> None:
    if not any(host.actions for host in hosts):
        return
    page.head("WHAT TO DO NOW, in this order (the report says why)")
    for host in hosts[:_MOST]:
        if host.actions and len(hosts) > 1:
            page.say(f"on {host.name}:", 2, style="head")
        actions = sorted(host.actions, key=lambda action: action.order)
        page.each(actions, 2 * _MOST, lambda action: _action(page, action), 2)


def _action(page: Page, action: ActionItem) -> None:
    mark = f"{action.order}. "
    page.say(action.do, 2, mark=mark)
    if action.verify:
        page.say(f"It worked if: {action.verify}", 2 + len(mark), style="faint")


def _ending(page: Page, case: CaseDocument, report: str) -> None:
    page.head("WHAT NO LOG CAN SHOW")
    page.say(f"{'; '.join(BLIND_SPOTS)}.", 2)
    if not case.reproducible:
        why = "; ".join(case.not_reproducible_because)
        page.say(f"A second run may differ: {why}", 2, style="warn")
    page.head("WHERE TO READ ON")
    page.say("The report, with the evidence of every sentence:", 2)
    page.path(report, 4)
    conclusion = case.verdict.conclusion
    page.say(f"Exit code of this verdict: {int(exit_code(conclusion))} ({conclusion}).", 2)


def _names(items: Sequence[str]) -> str:
    shown = ", ".join(item if len(item) <= 120 else f"{item[:119]}…" for item in items[:_MOST])
    more = f" and {len(items) - _MOST} more" if len(items) > _MOST else ""
    return (shown + more) or "nobody that was seen"
