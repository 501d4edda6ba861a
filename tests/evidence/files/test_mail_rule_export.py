from __future__ import annotations

import pytest

from exopsy.evidence.files import mail_rule_export

RULES = (
    "Name                  : a\nForwardTo             : {box@example.net}\n"
    "ForwardAsAttachmentTo :\nDeleteMessage         : False\n\n"
    "Name                  : b\nForwardTo             :\nForwardAsAttachmentTo :\n"
    "DeleteMessage         : True\n\n"
    "Name                  : c\nForwardTo             : {}\nForwardAsAttachmentTo :\n"
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_objects_that_do_something_are_rows(rows_of, encoding: str) -> None:
    data = RULES.encode(encoding)
    assert mail_rule_export.recognise(data, "0007.bin")
    rows, skipped = rows_of(mail_rule_export, data)
    assert not skipped
    assert [(r.fields["Name"], r.fields.get("Target")) for r in rows] == [
        ("a", "{box@example.net}"),
        ("b", None),
    ]


def test_mailboxes_without_forwarding_are_no_rows(rows_of) -> None:
    data = b'[{"Name":"a","ForwardingSmtpAddress":null},{"Name":"b","ForwardingSmtpAddress":"smtp:x@example.net"}]'
    assert mail_rule_export.recognise(data, "x.json")
    [row] = rows_of(mail_rule_export, data)[0]
    assert row.fields["Target"] == "smtp:x@example.net"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("DateTime,Cmdlet,Parameters\n2021,Set-Mailbox,-ForwardingSmtpAddress x\n", "x.log"),
        (RULES, "x.aspx"),
        ("Name : a\nText : b\n", "x.txt"),
    ],
)
def test_logs_of_commands_are_not_ours(text: str, path: str) -> None:
    assert not mail_rule_export.recognise(text.encode(), path)
