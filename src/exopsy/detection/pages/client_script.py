"""Script that runs in the browser: is a password, when typed, sent elsewhere or put into an address?

A logon page may send a password to its own server; that is what it is for. What weighs is a password in
the address of a request or picture, and one sent to another host.
"""

from __future__ import annotations

import re

from exopsy.detection.pages.encodings import Decoded
from exopsy.detection.pages.page_report import Reason

_FIELD = r"[\w-]{0,40}(?:passw|pwd|passwd)[\w-]{0,40}"
_READ = re.compile(
    rf"""getelementbyid\(\s{{0,9}}["']({_FIELD})["']\s{{0,9}}\)\s{{0,9}}\.\s{{0,9}}value
      | \$\(\s{{0,9}}["'][\#.\[][^"']{{0,60}}(?:passw|pwd)[^"']{{0,60}}["']\s{{0,9}}\)\s{{0,9}}\.\s{{0,9}}val\(\)
      | getelementsbyname\(\s{{0,9}}["']({_FIELD})["']\s{{0,9}}\)\s{{0,9}}\[\d\]\s{{0,9}}\.\s{{0,9}}value
      | queryselector\(\s{{0,9}}["'][^"']{{0,60}}(?:passw|pwd)[^"']{{0,60}}["']\s{{0,9}}\)\s{{0,9}}\.\s{{0,9}}value
      | \b(?:document|form|this|[a-z]\w{{0,20}}form\w{{0,20}})(?:\.\w{{1,40}}){{0,3}}\.({_FIELD})\.value\b
      | \b(?:gbid|\$)\(\s{{0,9}}["']({_FIELD})["']\s{{0,9}}\)\s{{0,9}}\.\s{{0,9}}value""",
    re.VERBOSE | re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"(?:var\s+|let\s+|const\s+|[\s;,{(])([a-z_$][\w$]{0,60})\s{0,9}\+?=\s{0,9}[^=]{0,300}\Z",
    re.IGNORECASE,
)
_SEND = re.compile(
    r"""\.open\(\s{0,9}["'](?:get|post|put|head)["']\s{0,9},(?P<open>[^;]{1,400})
      | \bfetch\((?P<fetch>[^;]{1,400})
      | \bsendbeacon\((?P<beacon>[^;]{1,400})
      | \.src\s{0,9}=(?!=)(?P<src>[^;]{1,400})
      | \$\.(?:ajax|get|post|getjson)\((?P<ajax>[^;]{1,400})
      | \.send\((?P<send>[^;]{1,400})
      | \.location(?:\.href)?\s{0,9}=(?!=)(?P<location>[^;]{1,400})""",
    re.VERBOSE | re.IGNORECASE,
)
_HOST = re.compile(r"""["'](?:https?:)?//([\w.-]{3,100})""", re.IGNORECASE)
_NEAR = 6_000
_READS = 12
_NEEDED = (
    ("passw", "pwd"),
    (".open(", "fetch(", "beacon(", ".src", "$.", ".send(", ".location"),
    (".value", ".val("),
)


def reasons_of(page: Decoded) -> list[Reason]:
    """Weigh the scripts of a file; each look is bounded to what stands around a password's value."""
    text = page.text
    lowered = text.lower()
    if not all(any(word in lowered for word in words) for words in _NEEDED):
        return []
    worst: Reason | None = None
    for number, read in enumerate(_READ.finditer(text)):
        if number >= _READS:
            break
        found = _from(page, read)
        if found is not None and (worst is None or found.weight > worst.weight):
            worst = found
    return [worst] if worst else []


def _from(page: Decoded, read: re.Match[str]) -> Reason | None:
    text = page.text
    names = {re.escape(read[0])}
    before = text[max(read.start() - 400, 0) : read.start()]
    statement = before[max(before.rfind(";"), before.rfind("\n")) + 1 :]
    if assigned := _ASSIGNED.search(" " + statement):
        names.add(re.escape(assigned[1]))
    start = max(read.start() - _NEAR // 2, 0)
    near = text[start : read.end() + _NEAR]
    # what is made of it: var data = user + pass
    for _ in range(3):
        more = {
            re.escape(m[1])
            for m in re.finditer(
                rf"(?<![\w.$])([a-zA-Z_$][\w$]{{0,40}})\s{{0,4}}\+?=(?!=)[^;=\n]{{0,300}}?(?<![\w$])(?:{'|'.join(sorted(names))})(?![\w$])",
                near,
            )
        }
        if more <= names or len(names) > 12:
            break
        names |= more
    holds = re.compile(rf"(?<![\w$.])(?:{'|'.join(sorted(names))})(?![\w$])")
    best: Reason | None = None
    for send in _SEND.finditer(near):
        given = next(v for v in send.groupdict().values() if v is not None)
        how = send.lastgroup or ""
        if not holds.search(given):
            continue
        elsewhere = _HOST.search(near)
        if how in ("src", "beacon", "location") or (
            how in ("open", "fetch") and holds.search(given.partition("{")[0])
        ):
            weight, what = 68, "A typed password is put into an address that is fetched"
        elif elsewhere is not None and not elsewhere[1].lower().startswith("www.w3.org"):
            weight, what = 62, "A typed password is sent to another host"
        else:
            weight, what = 20, "A typed password is sent by script"
        if best is None or weight > best.weight:
            at = start + send.start()
            best = Reason(
                name="capture", text=what, line=text.count("\n", 0, at) + 1,
                offset=page.offset_of(at), weight=weight, technique="T1056.003", excerpt=" ".join(send[0].split())[:160], sources=("password",),
            )  # fmt: skip
    return best
