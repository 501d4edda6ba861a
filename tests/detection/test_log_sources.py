from __future__ import annotations

from typing import Any

import pytest
import yaml

from exopsy.core.errors import ContentError
from exopsy.detection.log_sources import UnmappedError, read_log_sources
from exopsy.detection.matcher import compile_expression
from exopsy.detection.repository import known_log_sources
from exopsy.detection.row_view import RowView
from exopsy.detection.sigma_reader import read_condition, read_detections
from exopsy.evidence.registry import FORMATS
from exopsy.schema.columns import COLUMNS
from exopsy.schema.row import Origin, Row

SOURCES = known_log_sources(FORMATS)
SYSMON = "Microsoft-Windows-Sysmon/Operational"


def apply(source: str, detection: str) -> Any:
    block = {"detection": yaml.safe_load(f"{{s: {detection}, condition: s}}")}
    condition = read_condition(read_detections(block, "a.yml"), "a.yml")
    return SOURCES.apply(yaml.safe_load(f"{{{source}}}"), condition)


def holds(source: str, detection: str, **fields: str) -> bool:
    mapped = apply(source, detection)
    row = Row(
        log=mapped.log,
        host="h",
        timestamp=None,
        fields={name.replace("_", "-") if "cs_" in name or name == "c_ip" else name: value
                for name, value in fields.items()},
        origin=Origin(artifact="a", offset=0, line=1),
        raw=b"",
    )  # fmt: skip
    return compile_expression(mapped.condition, {})(RowView(row))


PROCESS = "product: windows, category: process_creation"
KEY = "product: windows, category: registry_set"


@pytest.mark.parametrize(
    ("source", "detection", "fields", "expected"),
    [
        (PROCESS, r"{Image|endswith: \x.exe}",
         {"Channel": SYSMON, "EventID": "1", "Image": r"C:\X.exe"}, True),
        (PROCESS, r"{Image|endswith: \x.exe}",
         {"Channel": SYSMON, "EventID": "5", "Image": r"C:\X.exe"}, False),
        (PROCESS, r"{Image|endswith: \x.exe}",
         {"Channel": "Security", "EventID": "1", "Image": r"C:\X.exe"}, False),
        (PROCESS, r"{Image|endswith: \x.exe}",
         {"Channel": "Security", "EventID": "4688", "NewProcessName": r"C:\X.exe"}, True),
        (PROCESS, r"{Image|endswith: \x.exe}",
         {"Channel": "Security", "EventID": "4688", "Image": r"C:\X.exe"}, False),
        (PROCESS, r"{IntegrityLevel: High}",
         {"Channel": "Security", "EventID": "4688", "MandatoryLabel": "S-1-16-12288"}, True),
        (PROCESS, r"{IntegrityLevel: High}",
         {"Channel": "Security", "EventID": "4688", "MandatoryLabel": "S-1-16-4096"}, False),
        (PROCESS, "[{OriginalFileName: x.exe}, {CommandLine|contains: y}]",
         {"Channel": "Security", "EventID": "4688", "CommandLine": "a y"}, True),
        (PROCESS, "{sha1: AB12}",
         {"Channel": SYSMON, "EventID": "1", "Hashes": "MD5=1,SHA1=ab12,IMPHASH=2"}, True),
        (PROCESS, "{sha1: AB12}",
         {"Channel": SYSMON, "EventID": "1", "Hashes": "MD5=AB12"}, False),
        (KEY, r"{TargetObject|endswith: '\Run\x', Details: y}",
         {"Channel": SYSMON, "EventID": "13", "TargetObject": r"HKLM\Run\x", "Details": "Y"}, True),
        (KEY, r"{TargetObject|endswith: '\Run\x', Details: y}",
         {"Channel": "Security", "EventID": "4657", "OperationType": "%%1905",
          "ObjectName": r"\REGISTRY\MACHINE\Run", "ObjectValueName": "x", "NewValue": "y"}, True),
        (KEY, r"{TargetObject|endswith: '\Run\x', Details: y}",
         {"Channel": "Security", "EventID": "4657", "OperationType": "%%1906",
          "ObjectName": r"\REGISTRY\MACHINE\Run", "ObjectValueName": "x", "NewValue": "y"}, False),
        (KEY, r"{TargetObject|startswith: 'HKLM\System\CurrentControlSet\S', Details: 'DWORD (0x0000000a)'}",
         {"Channel": "Security", "EventID": "4657", "OperationType": "%%1904", "NewValue": "10",
          "ObjectName": r"\REGISTRY\MACHINE\SYSTEM\ControlSet001\Services"}, True),
        ("product: windows, category: network_connection",
         r"{Initiated: 'true', Image|startswith: 'C:\Windows\', DestinationPort: 443}",
         {"Channel": "Security", "EventID": "5156", "Direction": "%%14593", "DestPort": "443",
          "Application": r"\device\harddiskvolume3\windows\x.exe"}, True),
        ("product: windows, category: ps_classic_start", "{EngineVersion|startswith: '2.'}",
         {"Channel": "Windows PowerShell", "EventID": "400", "Data": "A\nEngineVersion=2.0\n"}, True),
        ("product: windows, category: ps_classic_start", "{EngineVersion|startswith: '2.'}",
         {"Channel": "Windows PowerShell", "EventID": "400", "Data": "HostVersion=2.0"}, False),
        ("product: windows, service: windefend", "{ThreatName: x}",
         {"Channel": "Microsoft-Windows-Windows Defender/Operational", "Threat Name": "x"}, True),
        ("product: windows, service: windefend", "{ThreatName: x}",
         {"Channel": "Microsoft-Windows-Windows Defender/Operational", "ThreatName": "x"}, True),
        ("category: antivirus", "{Signature|contains: Shell}",
         {"Channel": "Microsoft-Windows-Windows Defender/Operational", "EventID": "1116",
          "Threat Name": "Backdoor:Shell"}, True),
        ("product: windows, service: sysmon, category: process_creation", "{Image: x}",
         {"Channel": SYSMON, "EventID": "1", "Image": "x"}, True),
        ("product: windows, service: sysmon, category: process_creation", "{Image: x}",
         {"Channel": "Security", "EventID": "4688", "NewProcessName": "x"}, False),
        ("product: windows", "{EventID: 7}", {"Channel": "Any", "EventID": "7"}, True),
        ("category: webserver", "{cs-uri-query|contains: '/x.aspx?cmd='}",
         {"cs_uri_stem": "/x.aspx", "cs_uri_query": "cmd=1"}, True),
        ("category: webserver", "{cs-uri-query|contains: cmd=}",
         {"cs_uri_stem": "/x.aspx", "cs_uri_query": "cmd=1"}, True),
        ("category: webserver", "{c-uri|endswith: /x.aspx}", {"cs_uri_stem": "/x.aspx"}, True),
        ("category: webserver", "{c-uri|endswith: /x.aspx}",
         {"cs_uri_stem": "/x.aspx", "cs_uri_query": "a"}, False),
        ("category: webserver", "['/x.aspx?cmd=']",
         {"cs_uri_stem": "/x.aspx", "cs_uri_query": "cmd=1"}, True),
        ("category: proxy", "{c-useragent: tool}", {"cs_user_agent": "TOOL"}, True),
        ("product: exchange, service: httpproxy", "{UrlStem: /x}", {"UrlStem": "/X"}, True),
    ],
)  # fmt: skip
def test_what_a_log_source_means(
    source: str, detection: str, fields: dict[str, str], expected: bool
) -> None:
    assert holds(source, detection, **fields) is expected


@pytest.mark.parametrize(
    ("source", "detection", "why"),
    [
        ("product: linux, category: process_creation", "{a: x}", "no log that is read here"),
        ("product: windows, category: nothing", "{a: x}", "no log that is read here"),
        ("", "{a: x}", "names no log source"),
        ("category: dns", "{query: x}", "name queries"),
        ("product: windows, category: file_access", "{Image: x}", "kernel's file provider"),
        ("product: windows, category: file_event", "{CommandLine: x}", "has no CommandLine"),
        ("category: proxy", "{r-dns: x}", "has no r-dns"),
        ("category: webserver", "{cs-nonsense: x}", "has no cs-nonsense"),
    ],
)
def test_what_can_not_be_mapped_has_a_reason(source: str, detection: str, why: str) -> None:
    with pytest.raises(UnmappedError, match=why):
        apply(source, detection)


def test_records_that_can_not_answer_a_filter_are_left_out() -> None:
    block = yaml.safe_load("{s: {Image: x}, f: {Company: y}, condition: s and not f}")
    condition = read_condition(read_detections({"detection": block}, "a"), "a")
    mapped = SOURCES.apply({"product": "windows", "category": "process_creation"}, condition)
    assert mapped.reads == ("Sysmon 1",)
    assert mapped.left_out == ("Security 4688: a filter asks for Company, which it has not",)


def test_absence_of_a_field_that_records_never_have_is_no_match() -> None:
    mapped = apply(PROCESS, "{Company: null, Image: x}")
    assert mapped.reads == ("Sysmon 1",)
    assert "Company" in mapped.left_out[0]


def test_presence_of_a_field_that_records_never_have_never_holds() -> None:
    block = yaml.safe_load("{s: {Image: x}, f: {Company: null}, condition: s and not f}")
    condition = read_condition(read_detections({"detection": block}, "a"), "a")
    mapped = SOURCES.apply({"product": "windows", "category": "process_creation"}, condition)
    assert mapped.left_out == ("Security 4688: has no Company",)


def test_our_content_names_logs_and_fields_that_there_are() -> None:
    sources = read_log_sources()
    assert len(sources) > 80
    for source in sources:
        if source.log:
            known = COLUMNS[source.log]
            for kind in source.kinds:
                assert all(known.knows(field) for field in (*kind.where, *(kind.has or ())))


@pytest.mark.parametrize(
    "text",
    [
        "- {logsource: {product: x}}",
        "- {logsource: {product: x}, why: a, from: [{name: b}]}",
        "- {logsource: {product: x}, why: a}\n- {logsource: {product: X}, why: b}",
        "- {logsource: {product: x}, wy: a}",
    ],
)
def test_damaged_mappings_are_refused(text: str, tmp_path: Any) -> None:
    (tmp_path / "a.yml").write_text(text, "utf-8")
    with pytest.raises(ContentError):
        read_log_sources(tmp_path)
