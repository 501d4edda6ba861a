"""What every reader of whole files promises, on damaged and hostile bytes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.evidence import registry
from exopsy.schema.columns import COLUMNS
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Row

SAMPLES = {
    "transport-agents": b'<configuration><mexRuntime><agentList><agent name="A" classFactory="F" '
    b'assemblyPath="C:\\a.dll" enabled="true"/></agentList></mexRuntime></configuration>',
    "iis-config": b'<configuration><location path="a"><system.webServer><modules><add name="x" '
    b'type="A.B, C"/><remove name="x"/></modules><rewrite><rules><rule name="r"><match url=".*"/>'
    b'<action type="AbortRequest"/></rule></rules></rewrite></system.webServer></location>'
    b'<system.web><machineKey validationKey="00112233445566778899AABBCCDDEEFF"/></system.web>'
    b"</configuration>",
    "scheduled-task": b'<Task xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task"><Actions>'
    b"<Exec><Command>a.exe</Command><Arguments>b</Arguments></Exec></Actions></Task>",
    "virtual-directory-export": b"Name        : OAB\r\nExternalUrl : https://mail.example.com/\r\n",
    "mail-rule-export": b"Name        : a\r\nBlindCopyTo : {box@example.net}\r\n",
    "scanner-log": b"2021-03-11T10:22:34.123Z DETECTIONEVENT MPSOURCE_REALTIME "
    b"Backdoor:ASP/Example.A!dha file:C:\\x.aspx\r\n",
}
OURS = [spec for spec in registry.FILE_FORMATS if spec.name in SAMPLES]


def _read(spec, data: bytes):
    facts = FileFacts(path="EX01/C/x", size=len(data), sha256=hashlib.sha256(data).hexdigest())
    return list(registry.load_file(spec).read_file(data, facts))


@pytest.mark.parametrize("spec", OURS, ids=lambda s: s.name)
def test_it_reads_its_own_sample(spec) -> None:
    data = SAMPLES[spec.name]
    assert registry.recognise_file(data, "0007.bin") == spec
    rows = [item for item in _read(spec, data) if isinstance(item, Row)]
    assert rows
    for row in rows:
        assert row.log == spec.name
        assert row.fields.keys() <= set(COLUMNS[spec.name].columns)
        assert all(row.fields.values())


@pytest.mark.parametrize("spec", OURS, ids=lambda s: s.name)
@settings(max_examples=60)
@given(data=st.data())
def test_damage_never_raises_and_every_row_can_be_told(spec, data: st.DataObject) -> None:
    encoding = data.draw(st.sampled_from(["utf-8", "utf-16"]))
    raw = bytearray(SAMPLES[spec.name].decode().encode(encoding))
    for _ in range(data.draw(st.integers(0, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    damaged = bytes(raw[:cut]) + bytes(data.draw(st.integers(0, 40))) + bytes(raw[cut:])
    registry.load_file(spec).recognise(damaged, "EX01/C/x")
    for item in _read(spec, damaged):
        assert 0 <= item.origin.offset <= len(damaged)
        if isinstance(item, Row):
            "".join(item.fields.values()).encode()
            assert damaged.find(item.raw) >= 0 or spec.name == "iis-config"


@pytest.mark.parametrize("spec", OURS, ids=lambda s: s.name)
@given(st.binary(max_size=300))
def test_any_bytes_are_read(spec, data: bytes) -> None:
    registry.load_file(spec).recognise(data, "x")
    _read(spec, data)


@pytest.mark.parametrize(
    "line",
    [
        b"DETECTIONEVENT " + b"file:" * 200,
        b"2021-03-11T10:22:34Z DETECTIONEVENT Backdoor:ASP/X file:C:\\" + b"x" * 2_000,
        b"a : b",
        b'<add name="x" type="A.B"/>',
        b"Threat Detected: Backdoor:ASP/X",
        b"{" * 50,
    ],
)
@pytest.mark.parametrize("spec", OURS, ids=lambda s: s.name)
def test_a_long_file_costs_no_more_than_its_length(spec, line: bytes) -> None:
    """The suite would hang were a reader quadratic."""
    _read(spec, SAMPLES[spec.name] + b"\n" + (line + b"\n") * 20_000)
