from __future__ import annotations

import pytest

from exopsy.evidence.files import virtual_directory_export as export

LIST = "Name        : OAB (Default Web Site)\nServer      : EX01\nExternalUrl : https://mail.example.com/OAB\nInternalUrl :\n\nName : Nothing\n"
LDIF = "dn: CN=OAB (Default Web Site),DC=example,DC=com\nobjectClass: top\nobjectClass: msExchOABVirtualDirectory\nmsExchInternalHostName: https://ex01.example.com/OAB\n"


def test_objects_with_an_address_are_rows(rows_of) -> None:
    rows, skipped = rows_of(export, LIST.encode("utf-16"), "oab.txt")
    assert not skipped
    [row] = rows
    assert row.fields["Name"] == "OAB (Default Web Site)"
    assert row.fields["Server"] == "EX01"
    assert row.fields["ExternalUrl"] == "https://mail.example.com/OAB"
    assert "InternalUrl" not in row.fields
    assert row.raw.decode("utf-16-le").startswith("Name  ")


def test_names_of_the_directory_become_those_of_the_cmdlets(rows_of) -> None:
    [row] = rows_of(export, LDIF.encode())[0]
    assert row.fields["Identity"].startswith("CN=OAB")
    assert row.fields["InternalUrl"] == "https://ex01.example.com/OAB"
    assert row.fields["Class"] == "top\nmsExchOABVirtualDirectory"


@pytest.mark.parametrize(
    ("text", "path", "is_ours"),
    [
        (LIST, "x.txt", True),
        (LDIF, "x.ldf", True),
        (LIST, "x.aspx", False),
        (
            "DateTime,Cmdlet,Parameters\n2021,Set-OabVirtualDirectory,-ExternalUrl x\n",
            "x.log",
            False,
        ),
        ('{"Event":{"EventData":{"Data":"-ExternalUrl x"}}}', "x.json", False),
        ("Name : a\nText : b\n", "x.txt", False),
    ],
)
def test_it_is_known_by_its_fields(text: str, path: str, is_ours: bool) -> None:
    assert export.recognise(text.encode(), path) is is_ours
