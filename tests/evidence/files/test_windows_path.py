from __future__ import annotations

import pytest

from exopsy.evidence.files.windows_path import canonical_path


@pytest.mark.parametrize(
    ("written", "spelled"),
    [
        (r"%SystemRoot%\system32\x.dll", r"%windir%\system32\x.dll"),
        (r"c:\WINDOWS\system32\x.dll", r"%windir%\system32\x.dll"),
        (r"%SystemDrive%\Windows\Temp\x", r"%windir%\Temp\x"),
        (r"\SystemRoot\system32\x.sys", r"%windir%\system32\x.sys"),
        (r"file:///C:/Program Files/a//b.dll", r"C:\Program Files\a\b.dll"),
        (r"D:\PROGRA~3\x", r"D:\ProgramData\x"),
        (r"C:\Users\All Users\x", r"C:\ProgramData\x"),
        (r"%ALLUSERSPROFILE%\x", r"C:\ProgramData\x"),
        (r"\\?\C:\inetpub\..\ProgramData\com1", r"C:\ProgramData\com1"),
        (r"\\.\C:\x\lpt1", r"\\.\C:\x\lpt1"),
        (r"\\srv\share\\x", r"\\srv\share\x"),
        ('"C:\\a\\.\\b"', r"C:\a\b"),
        (r"%unknown%\x", r"%unknown%\x"),
        (r"C:\WindowsOld\x", r"C:\WindowsOld\x"),
        ("", ""),
    ],
)
def test_a_path_has_one_spelling(written: str, spelled: str) -> None:
    assert canonical_path(written) == spelled


def test_many_steps_up_are_bounded() -> None:
    assert canonical_path("C:\\" + "a\\..\\" * 10_000 + "x").endswith("x")
