"""The content folder: where it lies, how YAML and CSV in it are read, and its hash.

Content is data that ships inside the package (rules, lists, chains, facts, actions). An analyst's
own content comes as a path on the command line, never from inside the evidence.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from exopsy.core.errors import ContentError

CONTENT = Path(__file__).resolve().parent.parent / "content"

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:  # noqa: ANN401 - YAML can hold anything; the caller validates
    """Read one YAML document.

    Raises:
        ContentError: not readable, or not YAML; says line and remedy.
    """
    return _read(path, lambda text: yaml.load(text, Loader=_Loader))  # noqa: S506 - a safe loader


def read_yaml_documents(path: Path) -> list[Any]:
    """Read all YAML documents of a file; empty ones are left out.

    Raises:
        ContentError: not readable, or not YAML; says line and remedy.
    """
    found: list[Any] = _read(path, lambda text: list(yaml.load_all(text, Loader=_Loader)))
    return [document for document in found if document is not None]


def _read(path: Path, load: Callable[[str], Any]) -> Any:  # noqa: ANN401
    try:
        return load(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ContentError(
            f"can't be read: {error}", at=str(path), remedy="Save it as UTF-8 text"
        ) from error
    except yaml.reader.ReaderError as error:
        raise ContentError(
            f"not YAML: {error.reason}", at=str(path), remedy="Take the control characters out"
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise ContentError(
            f"not YAML: {error.problem}",
            at=str(path) if mark is None else f"{path}:{mark.line + 1}",
            remedy="Quote strings that hold ':' or start with '@', '*' or '%'",
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # a date that is none (2021-02-30), or thousands of brackets
        raise ContentError(
            f"not YAML: {error}", at=str(path), remedy="Quote the value if it is text"
        ) from error


def read_csv(path: Path) -> list[dict[str, str]]:
    """Read a facts table; comment lines start with ``#``."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(line for line in stream if not line.startswith("#")))


def read_lines(path: Path) -> list[str]:
    """Read a list file: one value a line, blank lines and ``#`` lines left out."""
    lines = (line.strip() for line in path.read_text("utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def content_sha256(folder: Path = CONTENT) -> str:
    """Hash every content file with its relative path, in path order."""
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
