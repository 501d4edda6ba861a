from __future__ import annotations

import pytest

from exopsy.sources.names import climbs, safe_path


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (r"C:\inetpub\u_ex.log", "C/inetpub/u_ex.log"),
        ("../../a/./b//c", "a/b/c"),
        ("/", "unnamed"),
        ("a\nb\x1b[31m", r"a\x0ab\x1b[31m"),
        ("gol\u202etxt", r"gol\u202etxt"),
        ("a\u200eb\u200fc\u061cd\u200be\ufeff", r"a\u200eb\u200fc\u061cd\u200be\ufeff"),
        ("a\udcffb", r"a\xffb"),
        ("Äpfel/日誌.log", "Äpfel/日誌.log"),
    ],
)
def test_a_path_that_can_be_printed_and_joined(name: str, path: str) -> None:
    assert safe_path(name) == path


def test_climbing_out() -> None:
    assert climbs(r"a\..\..\b")
    assert not climbs("a/..b/c")
