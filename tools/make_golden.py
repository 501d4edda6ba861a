"""Write the golden case again: the small collection of the end-to-end tests, examined.

    .venv/bin/python tools/make_golden.py

Read the difference before it is committed: every line of it is a change that users will see.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import exopsy
from exopsy.schema.case import CaseDocument, encode_case

GOLDEN = Path(__file__).parents[1] / "tests" / "end_to_end" / "data" / "golden"
MASKED = "masked: changes with every change of the content"


def golden_case(folder: Path) -> bytes:
    """Examine the golden collection; what changes with every release is masked."""
    return masked(exopsy.examine(GOLDEN / "collection", case=folder))


def masked(case: CaseDocument) -> bytes:
    """Encode a case without versions and without the number of rules."""
    case.tool.version = case.tool.content_version = case.tool.content_sha256 = MASKED
    case.rules.loaded = 0
    return encode_case(case)


def main() -> None:
    """Run."""
    with tempfile.TemporaryDirectory(prefix="exopsy-golden-") as name:
        data = golden_case(Path(name) / "case")
    path = GOLDEN / "case.json"
    same = path.is_file() and path.read_bytes() == data
    path.write_bytes(data)
    print(f"{path.name} {'has not changed' if same else 'was written; read its difference'}")


if __name__ == "__main__":
    main()
