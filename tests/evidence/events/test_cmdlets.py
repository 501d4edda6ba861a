"""Cmdlets in the event log have names for what they say."""

from __future__ import annotations

import json

import pytest

from exopsy.evidence.events.cmdlets import parameters_of
from exopsy.evidence.events.flatten import flatten
from exopsy.schema.row import Row

ITEMS = [
    "Set-OabVirtualDirectory",
    '-ExternalUrl "http://f/<x language="y">a -b "c"</x>" -Identity "OAB (Default Web Site)"',
    "example.com/Users/Administrator",
    "S-1-5-21-1-2-3-500",
    "S-1-5-21-1-2-3-500",
    "Remote-ManagementShell-Unknown",
    "5668 w3wp#MSExchangePowerShellAppPool",
    "",
    "5",
    "00:00:26.0389557",
    *[""] * 13,
    "ActivityId: a3591746-a27b-447a-b8be-ff54ae3a46f1",
    "ServicePlan:;IsAdmin:True;",
    "",
    "fr-FR",
]


def row(
    items, *, provider="MSExchange CmdletLogs", channel="MSExchange Management", number=1
) -> Row:
    system = {"Provider": {"#attributes": {"Name": provider}}, "EventID": number}
    document = {
        "Event": {
            "System": system | {"Channel": channel},
            "EventData": {"Data": {"#text": items}},
        }
    }
    found = flatten(json.dumps(document), artifact="a", host="h", offset=0, number=1)
    assert isinstance(found, Row)
    return found


def test_the_items_get_their_names():
    assert len(ITEMS) == 27
    fields = row(ITEMS).fields
    assert {k: v for k, v in fields.items() if k not in ("Data", "Channel", "Provider_Name")} == {
        "EventID": "1",
        "Cmdlet": ITEMS[0],
        "Parameters": ITEMS[1],
        "Parameters.ExternalUrl": 'http://f/<x language="y">a -b "c"</x>',
        "Parameters.Identity": "OAB (Default Web Site)",
        "Caller": ITEMS[2],
        "CallerSid": ITEMS[3],
        "HostApplication": ITEMS[5],
        "Process": ITEMS[6],
        "Elapsed": ITEMS[9],
        "ActivityId": "a3591746-a27b-447a-b8be-ff54ae3a46f1",
        "Succeeded": "true",
    }
    assert row(ITEMS, number=6).fields["Succeeded"] == "false"
    assert "Succeeded" not in row(ITEMS, number=99).fields


def test_forwarded_events_keep_their_provider_and_others_keep_their_data():
    assert "Cmdlet" in row(ITEMS, channel="ForwardedEvents").fields
    assert "Cmdlet" not in row(ITEMS, channel="Application", provider="x").fields
    assert row(["Get-Mailbox"]).fields["Cmdlet"] == "Get-Mailbox"


def test_winlogbeat_leaves_empty_items_out_and_the_others_keep_their_places():
    data = {f"param{n}": text for n, text in enumerate(ITEMS, start=1) if text}
    document = {"winlog": {"channel": "MSExchange Management", "event_id": "1", "event_data": data}}
    found = flatten(json.dumps(document), artifact="a", host="h", offset=0, number=1)
    assert isinstance(found, Row)
    assert found.fields["ActivityId"] == "a3591746-a27b-447a-b8be-ff54ae3a46f1"
    assert found.fields["Parameters.Identity"] == "OAB (Default Web Site)"


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", []),
        ("x", []),
        ('-A "b"', [("A", "b")]),
        ('-A "b" -C "d', [("A", "b"), ("C", "d")]),
        ('-A "" -B ""', [("A", ""), ("B", "")]),
        ('-A "x -B y" -C "z"', [("A", "x -B y"), ("C", "z")]),
        ("{A=b, C=d}", [("A", "b"), ("C", "d")]),
        (
            "{Identity=a, b, ExternalUrl=http://x/?a=b}",
            [("Identity", "a, b"), ("ExternalUrl", "http://x/?a=b")],
        ),
        ("{}", []),
    ],
)
def test_parameters(text, pairs):
    assert parameters_of(text) == pairs
