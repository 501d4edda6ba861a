"""What the truth says of the event half, by the records that are left."""

from __future__ import annotations

import pytest

from exopsy.lab import event_kinds as kinds
from exopsy.lab import event_truth
from exopsy.lab.event_kind import Event
from exopsy.lab.truth import TruthEvent

SYSMON = kinds.SYSMON


def told(what, number, channel=SYSMON, name=None):
    return TruthEvent(channel=channel, event_id=number, record=1, time="", what=what, name=name)


def test_what_innocent_servers_log_too_need_not_be_noticed():
    events = [told("page-compiled", 1), told("shell-command", 1), told("shell-command", 4688)]
    assert event_truth.observables(events) == ["shell-command"]


def test_a_tree_needs_a_start_and_a_deed_of_one_process():
    start, deed = told("memory-read", 1), told("memory-read", 10)
    assert event_truth.trees([start, deed]) == ["memory-read"]
    assert event_truth.trees([deed]) == []
    assert event_truth.trees([start, told("tunnel", 3)]) == []
    assert event_truth.trees([told("memory-read", 4688, "Security"), deed]) == []
    assert event_truth.trees([told("task-created", 1), told("task-created", 11)]) == []


def test_a_chain_is_told_by_the_record_of_its_effect():
    assert event_truth.chains([told("viewstate-sent", 1), told("ecp-background", 47)]) == []
    assert event_truth.chains([told("viewstate-sent", 1316)]) == ["viewstate-machinekey"]


def test_names_of_one_deed_are_names_of_one_thing():
    events = [
        told("module-installed", 29, name="MailCheck"),
        told("module-installed", 7, name="C:\\x\\mailcheck.dll"),
        told("module-installed", 4688, name="no such field"),
        told("account-created", 4720, name="support_7"),
        told("account-created", 4720, name="support_7"),
    ]
    assert [(left.kind, left.names) for left in event_truth.left(events)] == [
        ("account", ["support_7"]),
        ("iis-module", ["C:\\x\\mailcheck.dll", "MailCheck"]),
    ]


@pytest.mark.parametrize(
    ("what", "kind", "values", "name"),
    [
        ("account-created", kinds.ACCOUNT_CREATED, {"TargetUserName": "support_7"}, "support_7"),
        (
            "threat-found",
            kinds.THREAT_FOUND,
            {"Path": "file:_C:\\inetpub\\wwwroot\\a\\x.aspx"},
            "/a/x.aspx",
        ),
        ("page-written", kinds.SYSMON_FILE, {"TargetFilename": "C:\\x\\y.aspx"}, "C:\\x\\y.aspx"),
        ("shell-command", kinds.ACCOUNT_CREATED, {"TargetUserName": "support_7"}, None),
    ],
)
def test_the_name_that_a_record_gives(what, kind, values, name):
    event = Event(0.0, kind, [values.get(field, "") for field, _ in kind.fields])
    assert event_truth.name_left(event, what) == name
