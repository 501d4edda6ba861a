"""What a person calls a build -> the build: by number, or by product and update."""

from __future__ import annotations

import re
from collections.abc import Iterable

from exopsy.exposure.builds import Base, Build, Facts, KnownBuild, format_build, parse_partial

_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_LONG = (
    (re.compile(r"\b(?:microsoft|exchange|server|update:?(?=\s*rollup))\b"), " "),
    (re.compile(r"\bsubscription\s+edition\b"), " se "),
    (re.compile(r"\bcumulative\s+update\s*(\d+)\b"), r" cu\1 "),
    (re.compile(r"\bservice\s+pack\s*(\d+)\b"), r" sp\1 "),
    (re.compile(r"\b(?:update\s+)?rollup\s*(\d+)\b"), r" ru\1 "),
    (re.compile(r"\bsecurity\s+update\b"), " su "),
    (re.compile(r"\bhotfix\s+update\b"), " hu "),
    (re.compile(r"\b(cu|sp|ru)\s+(\d+)\b"), r" \1\2 "),
    (
        re.compile(r"\b(" + "|".join(_MONTHS) + r")[a-z]*[\s-]*(?:20)?(\d\d)\s*(su|hu)?\b"),
        r" \1\2\3 ",
    ),
    (re.compile(r"\b([a-z]{3}\d\d)\s+(su|hu)\b"), r" \1\2 "),
    (re.compile(r"\b(?:ex?)(20\d\d)\b"), r" \1 "),
)
_WORD = re.compile(r"[a-z0-9]+")
_MOST = 8
_LONGEST = 200


def find_build(text: str, facts: Facts) -> Build | Base:
    """Return the build that a text names.

    Args:
        text: ``15.1.2106.2``, ``15.01.2106.002``, ``15.1.2106`` (the update is not known), or a
            name such as ``Exchange 2016 CU19 Mar21SU``.
        facts: builds that are known.

    Raises:
        ValueError: it names none, or several; a sentence for the analyst.
    """
    number = parse_partial(text)
    if number is not None:
        if not any(known[:2] == number[:2] for known in facts.builds):
            raise ValueError(
                f"No build that begins with {number[0]}.{number[1]} is known. {_range(facts)}"
            )
        return number
    shown = text[:60]
    if re.fullmatch(r"[\d.\s]*", text):
        raise ValueError(f"'{shown}' is no build. It has four numbers, like 15.1.2106.2")
    wanted = _words(text[:_LONGEST])
    # "2010 SP3" is "2010 SP3 RTM"; a product alone is not its first build
    meant = {wanted, wanted | {"rtm"}} if len(wanted) > 1 else {wanted}
    named = [known for known in _in_order(facts) if _words_of(known) in meant]
    if len(named) == 1:
        return named[0].build
    if named:
        raise ValueError(f"'{shown}' is more than one build: {_titles(named)}. Give the number")
    near = [known for known in _in_order(facts) if wanted and wanted <= _words_of(known)]
    if not near:
        product, level = _words_kept(wanted, facts)
        near = [
            known for known in _in_order(facts) if product and product | level <= _words_of(known)
        ]
    if near:
        raise ValueError(f"'{shown}' names no single build. Like it are: {_titles(near)}")
    raise ValueError(
        f"'{shown}' is no build that is known. Write 15.1.2106.2, or Exchange 2016 CU19 Mar21SU"
    )


def _words_kept(wanted: frozenset[str], facts: Facts) -> tuple[frozenset[str], frozenset[str]]:
    """Return what of some words is a product's name, and what a cumulative update's."""
    products = {word for known in facts.builds.values() for word in _split(known.product)}
    levels = {word for known in facts.builds.values() for word in _split(known.cu)}
    return wanted & products, wanted & levels


def _words(text: str) -> frozenset[str]:
    return frozenset(_split(text))


def _words_of(known: KnownBuild) -> frozenset[str]:
    return _words(f"{known.product} {known.cu} {known.update}")


def _split(text: str) -> list[str]:
    text = text.lower()
    for pattern, put in _LONG:
        text = pattern.sub(put, text)
    return _WORD.findall(text)


def _in_order(facts: Facts) -> list[KnownBuild]:
    return [facts.builds[build] for build in sorted(facts.builds)]


def _titles(found: Iterable[KnownBuild]) -> str:
    titles = [known.title() for known in found]
    more = f" and {len(titles) - _MOST} more" if len(titles) > _MOST else ""
    return "; ".join(titles[-_MOST:]) + more


def _range(facts: Facts) -> str:
    ordered = _in_order(facts)
    if not ordered:
        return "The table of builds is empty."
    return (
        f"The table goes from {ordered[0].product} ({format_build(ordered[0].build)}) to "
        f"{ordered[-1].product} ({format_build(ordered[-1].build)})"
    )
