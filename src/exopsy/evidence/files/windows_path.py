r"""A path of Windows as somebody wrote it -> one spelling, so that a rule can compare.

The known variables, 8.3 names of the top folders and doubled separators are resolved: the folder of
Windows reads ``%windir%``, whatever its drive, the others ``C:\...`` with their English names.
Nothing is looked up on a disk, and letters keep their case.
"""

from __future__ import annotations

import re

_LEAD = re.compile(r"^(?:file:/{0,3}|\\\\\?\\(?!UNC\\)|\\\?\?\\)", re.IGNORECASE)
_VARIABLES = {
    "windir": "%windir%",
    "systemroot": "%windir%",
    "systemdrive": "C:",
    "homedrive": "C:",
    "programfiles": "C:\\Program Files",
    "programw6432": "C:\\Program Files",
    "programfiles(x86)": "C:\\Program Files (x86)",
    "commonprogramfiles": "C:\\Program Files\\Common Files",
    "programdata": "C:\\ProgramData",
    "allusersprofile": "C:\\ProgramData",
    "public": "C:\\Users\\Public",
    "temp": "%windir%\\Temp",
    "tmp": "%windir%\\Temp",
    "appdata": "C:\\Users\\%username%\\AppData\\Roaming",
    "localappdata": "C:\\Users\\%username%\\AppData\\Local",
    "userprofile": "C:\\Users\\%username%",
}
_VARIABLE = re.compile(r"%([^%\\/]{1,40})%")
_TOPS = (
    (re.compile(r"^[a-z]:\\windows(?=\\|$)", re.IGNORECASE), "%windir%"),
    (re.compile(r"^\\?systemroot(?=\\|$)", re.IGNORECASE), "%windir%"),
    (re.compile(r"^([a-z]):\\progra~1(?=\\|$)", re.IGNORECASE), r"\1:\\Program Files"),
    (re.compile(r"^([a-z]):\\progra~2(?=\\|$)", re.IGNORECASE), r"\1:\\Program Files (x86)"),
    (re.compile(r"^([a-z]):\\progra~3(?=\\|$)", re.IGNORECASE), r"\1:\\ProgramData"),
    (re.compile(r"^([a-z]):\\users\\all users(?=\\|$)", re.IGNORECASE), r"\1:\\ProgramData"),
)
_SEPARATORS = re.compile(r"(?<!^)[\\/]+|^/+")
_UP = re.compile(r"\\(?!\.\.?(?:\\|$))[^\\]+\\\.\.(?=\\|$)")


def canonical_path(text: str) -> str:
    """Return a path in its one spelling."""
    path = _LEAD.sub("", text.strip().strip('"').strip())
    path = _VARIABLE.sub(lambda m: _VARIABLES.get(m[1].lower(), m[0]), path)
    path = _SEPARATORS.sub(lambda _: "\\", path)
    path = re.sub(r"\\\.(?=\\|$)", "", path) if not path.startswith("\\\\.") else path
    for _ in range(32):
        shorter = _UP.sub("", path, count=1)
        if shorter == path:
            break
        path = shorter
    for pattern, instead in _TOPS:
        path = pattern.sub(instead, path, count=1)
    return path
