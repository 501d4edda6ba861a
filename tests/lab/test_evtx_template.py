"""Definitions are, byte for byte, those that Windows writes for the same events."""

import hashlib
import struct
from pathlib import Path

import pytest

from exopsy.lab import event_kinds as kinds
from exopsy.lab.event_kind import KindEncoder

SAMPLE = (
    Path(__file__).parents[2].parent
    / "shared/samples/evtx-attack/TA0003-Persistence/T1505-Server Software Component"
    / "ID11-Exchange transport config modified.evtx"
)
COMPUTER = "exchange1.example.com"
"""As long as the name in the sample; its text is blanked."""
SYSTEM_AT, DATA_AT = 0x226, 0x7F5
"""Where the two definitions of the sample lie in its first chunk."""
SYSTEM = "78f7fa9d253b8d7a"
DATA = "4da28d4c99616d7c"


def definitions():
    """Yield both layouts in the order in which a chunk has them, and where the sample has them."""
    encoder = KindEncoder(kinds.SYSMON_FILE, COMPUTER)
    yield SYSTEM_AT, encoder.outer.layout(())
    yield DATA_AT, encoder.inner.layout(encoder.outer.names)


def masked(data, layout):
    """Blank what depends on the place in the chunk, and the identity."""
    data = bytearray(data)
    data[:20] = bytes(20)
    for position, _ in (*layout.references, *layout.names):
        data[position : position + 4] = bytes(4)
    name = COMPUTER.encode("utf-16-le")
    if (at := layout.data.find(name)) >= 0:
        data[at : at + len(name)] = bytes(len(name))
    return bytes(data)


def test_definitions_have_the_bytes_of_a_published_sample():
    digests = [hashlib.sha256(masked(x.data, x)).hexdigest()[:16] for _, x in definitions()]
    assert digests == [SYSTEM, DATA]
    assert [len(x.data) for _, x in definitions()] == [1210, 436]


@pytest.mark.skipif(
    not SAMPLE.is_file(), reason="the folder of real samples, ../shared/samples, is not here"
)
def test_the_digests_are_those_of_the_sample():
    chunk = SAMPLE.read_bytes()[4096 : 4096 + 65536]
    for (at, layout), digest in zip(definitions(), (SYSTEM, DATA), strict=True):
        size = struct.unpack_from("<I", chunk, at + 20)[0] + 24
        real = masked(chunk[at : at + size], layout)
        assert hashlib.sha256(real).hexdigest()[:16] == digest
        # offsets of names lead to the same names
        for position, name in layout.references:
            (target,) = struct.unpack_from("<I", chunk, at + position)
            length = struct.unpack_from("<H", chunk, target + 6)[0]
            assert chunk[target + 8 : target + 8 + 2 * length].decode("utf-16-le") == name


def test_a_layout_spells_out_only_what_its_chunk_does_not_know():
    encoder = KindEncoder(kinds.SYSMON_FILE, COMPUTER)
    alone = encoder.inner.layout(())
    behind = encoder.inner.layout(encoder.outer.names)
    assert {n for _, n in alone.names} - {n for _, n in behind.names} == {"Name"}
    assert len(alone.data) - len(behind.data) == 8 + 2 * len("Name") + 2
    assert encoder.inner.layout(()) is alone
