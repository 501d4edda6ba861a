r"""Scheduled tasks as the scheduler keeps or exports them (XML) -> one row for each action.

``Windows\System32\Tasks\...`` and ``schtasks /query /xml``, mostly UTF-16; one file may hold several
tasks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from exopsy.evidence.files import web_page
from exopsy.evidence.files.encoded_text import head_text, holds
from exopsy.evidence.files.markup import Element, Markup, first_name
from exopsy.evidence.files.place import place_fields
from exopsy.evidence.files.windows_path import canonical_path
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row, Skipped

NAME = "scheduled-task"
_RAW = 4_096
_NAMESPACE = "schemas.microsoft.com/windows/2004/02/mit/task"
_STORE = re.compile(
    r"[/\\]Windows[/\\](?:System32|SysWOW64)[/\\]Tasks(?=[/\\])(.+)$", re.IGNORECASE
)


def recognise(head: bytes, path: str) -> bool:
    """Recognise the outermost element and the namespace of tasks."""
    if not holds(head, _NAMESPACE) or web_page.recognise(b"", path):
        return False
    return first_name(head_text(head)) in {"Task", "Tasks"}


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for each action of each task, one without a command for a task that has none."""
    markup = Markup(data)
    for task in markup.walk():
        if task.name != "Task":
            continue
        common = place_fields(file.path) | _task(task, file.path)
        actions = [a for b in task.children if b.name == "Actions" for a in b.children]
        for action in actions or [task]:
            fields = common | (_action(action) if action is not task else {})
            yield Row(
                log=NAME,
                host="",
                timestamp=None,
                fields={name: value for name, value in fields.items() if value},
                origin=markup.origin(action, file.path),
                raw=markup.raw(action, _RAW),
            )
    yield from markup.skipped(file.path)


def _task(task: Element, path: str) -> dict[str, str]:
    stored = _STORE.search(path)
    named = _text(task, "RegistrationInfo", "URI")
    name = named or (stored[1].replace("/", "\\") if stored else path.rpartition("/")[2])
    triggers = task.child("Triggers")
    kinds = [] if triggers is None else [t.name for t in triggers.children]
    return {
        "TaskName": name,
        "Author": _text(task, "RegistrationInfo", "Author"),
        "Date": _text(task, "RegistrationInfo", "Date"),
        "Description": _text(task, "RegistrationInfo", "Description"),
        "UserId": _text(task, "Principals", "Principal", "UserId"),
        "GroupId": _text(task, "Principals", "Principal", "GroupId"),
        "RunLevel": _text(task, "Principals", "Principal", "RunLevel"),
        "Hidden": _text(task, "Settings", "Hidden"),
        "Enabled": _text(task, "Settings", "Enabled"),
        "Triggers": ",".join(kinds[:50]),
    }


def _action(action: Element) -> dict[str, str]:
    command = _text(action, "Command")
    arguments = _text(action, "Arguments")
    program = canonical_path(command)
    return {
        "Action": action.name,
        "Command": command,
        "Arguments": arguments,
        "CommandLine": f"{command} {arguments}".strip(),
        "ImagePath": program,
        "ImageName": program.rpartition("\\")[2],
        "WorkingDirectory": _text(action, "WorkingDirectory"),
        "ClassId": _text(action, "ClassId"),
    }


def _text(element: Element, *names: str) -> str:
    """Return the text of the element at the end of a path, "" where there is none."""
    below: Element | None = element
    for name in names:
        below = None if below is None else below.child(name)
    return "" if below is None else below.text
