"""The folder of a case: which folder may become one, and how a case is read back."""

from __future__ import annotations

from pathlib import Path

import msgspec

from exopsy.schema.case import CaseDocument, decode_case

CASE_FILE = "case.json"
REPORT_FILE = "report.html"
MARKER = ".exopsy-case"
"""Says that a folder is ours, also when a run was stopped before its case was written."""


def default_case(collection: Path) -> Path:
    """Return ``<collection name>-case``, in the working directory."""
    return Path(f"{collection.resolve().name or 'collection'}-case")


def claim(collection: Path, case: Path) -> None:
    """Make a folder the case folder of a collection.

    Raises:
        ValueError: it lies inside the evidence, or holds something that is not a case; the
            message is a sentence.
    """
    place = case.resolve()
    if collection.is_dir() and place.is_relative_to(collection.resolve()):
        raise ValueError(
            f"The case folder {case} would lie inside the evidence. Go to another folder, or name "
            "one with --case."
        )
    if place.exists() and not place.is_dir():
        raise ValueError(f"{case} is a file. Name a folder with --case.")
    if place.is_dir() and any(place.iterdir()) and not _is_ours(place):
        raise ValueError(
            f"{case} holds something that is not a case, and nothing is overwritten. Name an empty "
            "or a new folder with --case."
        )
    place.mkdir(parents=True, exist_ok=True)
    (place / MARKER).write_text("The folder of a case: written by exopsy.\n", encoding="utf-8")


def _is_ours(folder: Path) -> bool:
    return (folder / MARKER).is_file() or (folder / CASE_FILE).is_file()


def read_case(case: Path) -> CaseDocument:
    """Read a case from its folder or from its ``case.json``.

    Raises:
        ValueError: there is none, or it is damaged; the message is a sentence.
    """
    path = case / CASE_FILE if case.is_dir() else case
    try:
        return decode_case(path.read_bytes())
    except FileNotFoundError as error:
        raise ValueError(f"{case} holds no case: there is no {CASE_FILE} in it.") from error
    except OSError as error:
        raise ValueError(f"{path} can't be read: {error.strerror}.") from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} is not a case that this version reads: {error}. Examine the collection again."
        ) from error
