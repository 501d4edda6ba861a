"""Whatever exporter wrote an event, its fields are the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.core.limits import Limits
from exopsy.evidence.events.field_bag import RESERVED
from exopsy.evidence.events.flatten import flatten
from exopsy.schema.row import Row, Skipped

AT = datetime(2021, 3, 3, 4, 0, 1, 500000, tzinfo=UTC)
SYSMON = "Microsoft-Windows-Sysmon/Operational"
SYSTEM = {
    "Channel": SYSMON,
    "EventID": "1",
    "Provider_Name": "Microsoft-Windows-Sysmon",
    "Computer": "ex01.example.com",
    "EventRecordID": "42",
}
DATA = {
    "UtcTime": "2021-03-03 04:00:01.498",
    "ProcessId": "4460",
    "Image": "C:\\Windows\\System32\\whoami.exe",
    "User": "EXAMPLE\\svc",
    "Signed": "true",
}
TYPED = DATA | {"ProcessId": 4460, "Signed": True, "RuleName": "-", "Hashes": "", "Company": None}


def row(document) -> Row:
    text = document if isinstance(document, str) else json.dumps(document, ensure_ascii=False)
    found = flatten(text, artifact="a/b.evtx", host="EX01", offset=4096, number=42)
    assert isinstance(found, Row), found
    assert found.log == "windows-event"
    assert found.host == "EX01"
    assert (found.origin.artifact, found.origin.offset, found.origin.line) == (
        "a/b.evtx",
        4096,
        42,
    )
    assert found.raw == text.encode()
    return found


def library(data=None, *, system=None, **rest):
    body = {
        "Provider": {"#attributes": {"Name": "Microsoft-Windows-Sysmon", "Guid": "{57}"}},
        "EventID": 1,
        "Level": 4,
        "Task": 1,
        "Keywords": "0x8000000000000000",
        "TimeCreated": {"#attributes": {"SystemTime": "2021-03-03T04:00:01.500000Z"}},
        "EventRecordID": 42,
        "Correlation": None,
        "Execution": {"#attributes": {"ProcessID": 3208, "ThreadID": 1724}},
        "Channel": SYSMON,
        "Computer": "ex01.example.com",
        "Security": {"#attributes": {"UserID": "S-1-5-18"}},
    } | (system or {})
    parts = rest or {"EventData": TYPED if data is None else data}
    return {"Event": {"#attributes": {"xmlns": "http://x"}, "System": body, **parts}}


def separate():
    """``evtx_dump --separate-json-attributes``."""
    return {
        "Event_attributes": {"xmlns": "http://x"},
        "Event": {
            "System": {
                "Provider_attributes": {"Name": "Microsoft-Windows-Sysmon", "Guid": "{57}"},
                "EventID_attributes": {"Qualifiers": 0},
                "EventID": 1,
                "TimeCreated_attributes": {"SystemTime": "2021-03-03T04:00:01.500000Z"},
                "EventRecordID": 42,
                "Execution_attributes": {"ProcessID": 3208, "ThreadID": 1724},
                "Channel": SYSMON,
                "Computer": "ex01.example.com",
                "Security_attributes": {"UserID": "S-1-5-18"},
            },
            "EventData": TYPED,
        },
    }


def velociraptor():
    return {
        "System": {
            "Provider": {"Name": "Microsoft-Windows-Sysmon", "Guid": "57"},
            "EventID": {"Value": 1},
            "TimeCreated": {"SystemTime": 1614744001.5},
            "EventRecordID": 42,
            "Execution": {"ProcessID": 3208, "ThreadID": 1724},
            "Channel": SYSMON,
            "Computer": "ex01.example.com",
            "Security": {"UserID": "S-1-5-18"},
        },
        "EventData": TYPED,
        "Message": "not relied on",
    }


def winlogbeat():
    return {
        "@timestamp": "2021-03-03T04:00:01.500Z",
        "agent": {"name": "collector"},
        "event": {"code": 1, "created": "2021-03-03T04:10:00Z"},
        "host": {"name": "ex01.example.com"},
        "log": {"level": "information"},
        "winlog": {
            "channel": SYSMON,
            "event_id": "1",
            "provider_name": "Microsoft-Windows-Sysmon",
            "record_id": 42,
            "process": {"pid": 3208, "thread": {"id": 1724}},
            "user": {"identifier": "S-1-5-18"},
            "event_data": TYPED,
        },
    }


def dotted(document, prefix=""):
    made = {}
    for name, value in document.items():
        made |= (
            dotted(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
        )
    return made


def nxlog():
    return {
        "EventTime": "2021-03-03T05:00:01.500000+01:00",
        "Hostname": "ex01.example.com",
        "Keywords": -9223372036854775808,
        "EventType": "INFO",
        "SeverityValue": 2,
        "EventID": 1,
        "SourceName": "Microsoft-Windows-Sysmon",
        "ProviderGuid": "{57}",
        "RecordNumber": 42,
        "ExecutionProcessID": 3208,
        "ThreadID": 1724,
        "UserID": "S-1-5-18",
        "Channel": SYSMON,
        "Message": "not relied on",
        "SourceModuleName": "in",
        **TYPED,
    }


def evtxecmd():
    payload = {"EventData": {"Data": [{"@Name": k, "#text": v} for k, v in TYPED.items()]}}
    return {
        "PayloadData1": "ProcessID: 4460",
        "MapDescription": "Process creation",
        "Computer": "ex01.example.com",
        "Payload": json.dumps(payload),
        "UserId": "S-1-5-18",
        "Channel": SYSMON,
        "Provider": "Microsoft-Windows-Sysmon",
        "EventId": 1,
        "EventRecordId": "42",
        "ProcessId": 3208,
        "ThreadId": 1724,
        "Level": "Info",
        "TimeCreated": "2021-03-03T04:00:01.5000000+00:00",
    }


EXPORTERS = {
    "library": library(),
    "separate": separate(),
    "velociraptor": velociraptor(),
    "winlogbeat": winlogbeat(),
    "winlogbeat, dotted": dotted(winlogbeat()),
    "winlogbeat, exported": {"_index": "x", "_source": winlogbeat()},
    "nxlog": nxlog(),
    "evtxecmd": evtxecmd(),
}


@pytest.mark.parametrize("name", EXPORTERS)
@pytest.mark.parametrize("indent", [None, 2])
def test_every_exporter_gives_the_same_fields(name, indent):
    found = row(json.dumps(EXPORTERS[name], indent=indent))
    assert found.timestamp == AT
    assert found.notes == ()
    wanted = SYSTEM | DATA | {"ProcessID": "3208", "ThreadID": "1724", "UserID": "S-1-5-18"}
    assert {k: found.fields.get(k) for k in wanted} == wanted
    # "-", nothing, null: absent
    assert not {"RuleName", "Hashes", "Company", "Message"} & set(found.fields)
    assert found.many == {}


def test_get_winevent_keeps_values_without_names():
    document = {
        "Id": 1,
        "Level": 4,
        "Keywords": -9214364837600034816,
        "RecordId": 42,
        "ProviderName": "Microsoft-Windows-Sysmon",
        "LogName": SYSMON,
        "MachineName": "ex01.example.com",
        "UserId": {"BinaryLength": 12, "AccountDomainSid": None, "Value": "S-1-5-18"},
        "TimeCreated": "/Date(1614744001500)/",
        "Properties": [{"Value": "a"}, {"Value": 7}, {"Value": None}, {"Value": {"Value": "S-1"}}],
        "Message": "not relied on",
    }
    found = row(document)
    assert found.timestamp == AT
    assert found.fields["Keywords"] == "0x8020000000000000"
    assert found.fields["UserID"] == "S-1-5-18"
    assert found.many["Data"] == ("a", "7", "S-1")
    assert found.fields["Data"] == "a\n7\nS-1"
    assert found.notes == ("names-lost",)
    assert {k: found.fields.get(k) for k in SYSTEM} == SYSTEM
    for stated in (
        "2021-03-03T05:00:01.5+01:00",
        {"value": "/Date(1614744001500)/", "DateTime": "Wednesday"},
        "2021-03-03T04:00:01.5Z",
    ):
        assert row(document | {"TimeCreated": stated}).timestamp == AT
    assert (
        "Data"
        not in row(
            document | {"Properties": ["System.Diagnostics.Eventing.Reader.EventProperty"]}
        ).fields
    )


@pytest.mark.parametrize("name", RESERVED)
@pytest.mark.parametrize("change", [str, str.lower, str.upper])
def test_data_never_overwrites_the_system_part(name, change):
    said = change(name)
    found = row(library({said: "forged"}))
    assert found.fields[f"EventData.{said}"] == "forged"
    assert "forged" not in {v for k, v in found.fields.items() if not k.startswith("EventData.")}
    # and can't fill what the system part lacks
    found = row(library({said: "forged"}, system={"Level": None, "Task": None}))
    assert found.fields[f"EventData.{said}"] == "forged"
    assert said not in found.fields or found.fields[said] != "forged"


def test_names_of_the_writing_process_yield_to_the_data():
    assert row(library({"ProcessID": "77"})).fields["ProcessID"] == "77"
    assert row(library({"x": "y"})).fields["ProcessID"] == "3208"


@pytest.mark.parametrize(
    "body",
    [
        {"EventData": {"Data": {"#text": ["a", "", "-", "b"]}, "Binary": None}},
        {"EventData": {"Data": ["a", "", None, "b"]}},
        {"EventData": {"Data": [{"#text": "a"}, {"#text": None}, {"#text": "b"}]}},
    ],
)
def test_data_without_names_is_data_with_all_its_values(body):
    found = row(library(**body))
    assert found.many == {"Data": ("a", "b")}
    assert found.fields["Data"] == "a\nb"
    one = row(library(EventData={"Data": {"#text": "only"}, "Binary": "00FF"}))
    assert (one.fields["Data"], one.fields["Binary"], one.many) == ("only", "00FF", {})


def test_user_data_gives_its_innermost_names():
    body = {
        "UserData": {
            "LogFileCleared": {
                "#attributes": {"xmlns": "http://x", "version": "2"},
                "SubjectUserName": "admin",
                "Chain": {"Certificate": [{"#attributes": {"ref": "1"}}, {"#text": "two"}]},
                "Flags": {"#attributes": {"value": "3"}, "#text": "F"},
            }
        }
    }
    found = row(library(**body)).fields
    assert found["SubjectUserName"] == "admin"
    assert (found["version"], found["ref"], found["Certificate"]) == ("2", "1", "two")
    assert (found["Flags"], found["value"]) == ("F", "3")
    assert not [name for name in found if "xmlns" in name]


def test_a_name_said_twice_keeps_all_values():
    text = json.dumps(library({"A": "1", "B": "x"})).replace('"B"', '"A"')
    found = row(text)
    assert found.many == {"A": ("1", "x")}
    assert found.notes == ("repeated-keys",)
    # of the system part the first counts: what comes later can't forge it
    text = json.dumps(library()).replace('"Channel":', '"Channel": "Security", "Channel":')
    assert row(text).fields["Channel"] == "Security"


def test_numbers_keep_their_spelling():
    text = (
        json.dumps(library({"F": "@", "I": "#"})).replace('"@"', "1.50").replace('"#"', "9" * 5000)
    )
    found = row(text).fields
    assert (found["F"], found["I"]) == ("1.50", "9" * 5000)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "json"),
        ("{", "json"),
        ("[]", "json"),
        ('{"Event":', "json"),
        ("{}", "no-event"),
        ('{"Event": {"System": null}}', "no-event"),
        ('{"Event": {"System": []}}', "no-event"),
        ('{"EventID": {"x": {}}}', "no-event"),
        ('{"a":' * 100_000, "depth"),
        ("x" * (Limits().record_bytes + 1), "too-long"),
    ],
)
def test_what_is_no_event_says_why(text, reason):
    found = flatten(text, artifact="a", host="h", offset=0, number=1)
    assert isinstance(found, Skipped)
    assert found.reason == reason


def test_halves_of_surrogates_and_control_characters_are_read():
    found = row(json.dumps(library({"A": "@"})).replace("@", "\\ud800 \x01"))
    assert found.fields["A"] == "\ud800 \x01"


def test_work_is_bounded():
    limits = Limits()
    many = row(library({f"n{i}": "v" for i in range(limits.event_fields + 5)}))
    assert len(many.fields) < limits.event_fields + 20
    assert many.notes == ("cut",)
    deep: dict = {"leaf": "v"}
    for _ in range(limits.event_depth + 2):
        deep = {"x": deep}
    assert row(library(UserData=deep)).notes == ("cut",)
    long = row(library({"A": "v" * (limits.event_value + 1)}))
    assert (len(long.fields["A"]), long.notes) == (limits.event_value, ("cut",))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["-", ""]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                """
                #text #attributes Data @Name Name Value x x_attributes EventData UserData System
                Event Channel EventID winlog event_data Provider Payload EventId Properties Id
                LogName @timestamp TimeCreated SystemTime EventTime UtcTime param1
                """.split()
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=30,
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(sorted(EXPORTERS)), st.lists(st.tuples(st.integers(0, 40), JSON), max_size=3)
)
def test_no_shape_of_json_makes_it_raise(name, changes):
    document = json.loads(json.dumps(EXPORTERS[name]))
    for which, value in changes:
        places = [(document, key) for key in document]
        for holder, key in places:
            inner = holder[key]
            if isinstance(inner, dict):
                places += [(inner, k) for k in inner]
        holder, key = places[which % len(places)]
        holder[key] = value
    found = flatten(json.dumps(document), artifact="a", host="h", offset=0, number=1)
    assert isinstance(found, Row | Skipped)
    if isinstance(found, Row):
        assert all(isinstance(v, str) and v not in ("", "-") for v in found.fields.values())
        for key, values in found.many.items():
            assert len(values) > 1
            assert found.fields[key] == "\n".join(values)
