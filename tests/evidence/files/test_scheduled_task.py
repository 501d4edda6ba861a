from __future__ import annotations

import pytest

from exopsy.evidence.files import scheduled_task

TASK = """<?xml version="1.0" encoding="UTF-16"?>
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo><Date>2021-03-03T04:05:06</Date><Author>EXAMPLE\\admin</Author></RegistrationInfo>
  <Triggers><LogonTrigger /><CalendarTrigger /></Triggers>
  <Principals><Principal id="A"><UserId>S-1-5-18</UserId></Principal></Principals>
  <Settings><Hidden>true</Hidden></Settings>
  <Actions Context="A">
    <Exec><Command>"%SystemRoot%\\System32\\cmd.exe"</Command><Arguments>/c echo a &amp; b</Arguments></Exec>
    <ComHandler><ClassId>{00000000-0000-0000-0000-000000000000}</ClassId></ComHandler>
  </Actions>
</Task>"""


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8", "utf-16-be"])
def test_each_action_is_a_row(rows_of, encoding: str) -> None:
    data = TASK.encode(encoding)
    path = "C/Windows/System32/Tasks/Folder/Name"
    assert scheduled_task.recognise(data, path)
    rows, skipped = rows_of(scheduled_task, data, path)
    assert not skipped
    run, com = rows
    assert run.fields["TaskName"] == "\\Folder\\Name"
    assert run.fields["CommandLine"] == '"%SystemRoot%\\System32\\cmd.exe" /c echo a & b'
    assert run.fields["ImagePath"] == "%windir%\\System32\\cmd.exe"
    assert run.fields["Triggers"] == "LogonTrigger,CalendarTrigger"
    assert run.fields["UserId"] == "S-1-5-18"
    assert run.fields["Hidden"] == "true"
    assert run.origin.line == 8
    assert com.fields["ClassId"].startswith("{0000")


def test_the_name_inside_goes_before_the_files(rows_of) -> None:
    data = TASK.replace("<Date>", "<URI>\\Real</URI><Date>").encode()
    assert rows_of(scheduled_task, data, "x/copy.xml")[0][0].fields["TaskName"] == "\\Real"


def test_several_tasks_in_one_file(rows_of) -> None:
    body = TASK.partition("?>")[2]
    data = f"<Tasks>{body}{body}</Tasks>".encode()
    assert scheduled_task.recognise(data, "all.xml")
    assert len(rows_of(scheduled_task, data)[0]) == 4


def test_a_task_without_actions_is_a_row(rows_of) -> None:
    data = b'<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"/>'
    [row] = rows_of(scheduled_task, data, "x/T")[0]
    assert row.fields["TaskName"] == "T"


def test_other_tasks_are_not_ours() -> None:
    assert not scheduled_task.recognise(b'<Task xmlns="urn:x"/>', "x.xml")
    assert not scheduled_task.recognise(TASK.encode(), "x.aspx")
