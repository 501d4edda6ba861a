"""Configuration of the web server and of .NET programs -> one row for each element that matters.

``applicationHost.config``, ``web.config``, ``*.exe.config``, whatever they were renamed to: the
outermost element is ``configuration``. ``Element`` of a row says what it is; what a rule compares is
beside it. Keys and passwords are in no row: a key is told by the first digits of the SHA-256 of its
upper-case spelling, and is blacked out in the bytes kept of the element.

``Removed`` is ``true`` where a later ``remove`` or ``clear`` of the same collection takes an element
away. What a file inherits from others is not reckoned here: each file says what it says.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping

from exopsy.core.clock import format_utc
from exopsy.evidence.files import web_page
from exopsy.evidence.files.encoded_text import head_text, holds
from exopsy.evidence.files.iis_rewrite import let_through_before, rewrite_fields
from exopsy.evidence.files.markup import DAMAGED, Element, Markup, first_name
from exopsy.evidence.files.place import place_fields
from exopsy.evidence.files.windows_path import canonical_path
from exopsy.schema.file import FileFacts
from exopsy.schema.row import Origin, Row, Skipped

NAME = "iis-config"
_RAW = 4_096
_OWN_NAME = re.compile(
    r"(?:^|[/\\])(?:web|applicationhost|administration|redirection)\.config$", re.I
)
_SECTIONS = ("system.webServer", "system.web", "system.applicationHost")
_TOLD = (
    r"""((?:validationKey|decryptionKey|password|connectionString|sessionKey)\s*=\s*)"""
    r"""("[^"<]*"?|'[^'<]*'?|[^\s"'<>]+)"""
)
_BLACKED = re.compile(_TOLD.encode("ascii"), re.IGNORECASE)
_BLACKED_WIDE = re.compile(_TOLD, re.IGNORECASE)
_CLR_TYPE = re.compile(
    r"^[A-Za-z_][\w+`]*(?:\.[\w+`]+)+\s*(?:,.*)?$|^[A-Za-z_][\w+.`]*\s*,\s*\w.*$", re.S
)
_TOKEN = re.compile(r"PublicKeyToken\s*=\s*([0-9a-f]{16}|null)", re.IGNORECASE)
_SERVER_SCRIPT = re.compile(r"<%(?!--)|<script[^<>]{0,200}runat\s*=\s*[\"']?server", re.IGNORECASE)
_KEY = re.compile(r"^[0-9A-Fa-f]{16,}$")

Fields = dict[str, str]


def recognise(head: bytes, path: str) -> bool:
    """Recognise the outermost element, and one of the sections or a file's ending or name."""
    if _OWN_NAME.search(path) is not None:
        return True
    if not holds(head, "<configuration") or web_page.recognise(b"", path):
        return False  # a page stays a page, whatever it begins with
    text = head_text(head)
    if first_name(text) != "configuration":
        return False
    return ".config" in path.rpartition("/")[2].lower() or any(
        f"<{section}" in text for section in _SECTIONS
    )


def read_file(data: bytes, file: FileFacts) -> Iterator[Row | Skipped]:
    """Yield a row for the file, and one for each of its elements that rules ask about."""
    markup = Markup(data)
    common = place_fields(file.path)
    names = {element.name for element in markup.walk()}
    common["Scope"] = "server" if "system.applicationHost" in names else "directory"
    yield _file_row(markup, file, common, names)
    removed: dict[int, bool] = {}
    for element in markup.walk():
        if element.name in _KEYS:
            removed |= _taken_away(element, _KEYS[element.name])
        if element.name == "rules" and element.parent and element.parent.name == "rewrite":
            removed |= _taken_away(element, ("name",))
    damaged = "the file is damaged" if DAMAGED in markup.lost else ""
    through: dict[int, str] = {}
    for element in markup.walk():
        if element.name == "rules" and element.parent and element.parent.name == "rewrite":
            through |= let_through_before(element)
        for fields in _fields_of(element, removed.get(id(element), False), through):
            if fields["Element"] == "rewrite-rule":
                fields["Ineffective"] = fields["Ineffective"] or damaged
            yield _row(markup, element, file, {**common, **fields})
    yield from markup.skipped(file.path)


def _file_row(markup: Markup, file: FileFacts, common: Fields, names: set[str]) -> Row:
    fields = common | {
        "Element": "file",
        "Size": str(file.size),
        "Sha256": file.sha256,
        "Damage": ",".join(sorted(markup.lost)),
        "ServerScript": "true" if _SERVER_SCRIPT.search(markup.source.text) else "",
        "Sections": ",".join(section for section in _SECTIONS if section in names),
    }
    if file.modified is not None:
        fields["Modified"] = format_utc(file.modified)
    if file.created is not None:
        fields["Created"] = format_utc(file.created)
    return Row(
        log=NAME,
        host="",
        timestamp=None,
        fields={name: value for name, value in fields.items() if value},
        origin=Origin(artifact=file.path, offset=0, line=1),
        raw=b"",
    )


def _row(markup: Markup, element: Element, file: FileFacts, fields: Fields) -> Row:
    fields["Section"] = _section(element)
    fields["Location"] = _location(element)
    return Row(
        log=NAME,
        host="",
        timestamp=None,
        fields={name: value for name, value in fields.items() if value},
        origin=markup.origin(element, file.path),
        raw=_without_secrets(markup.raw(element, _RAW), markup.source.encoding),
    )


def _without_secrets(raw: bytes, encoding: str) -> bytes:
    """Black out keys and passwords, also one that the end of ``raw`` cuts; the length stays."""
    if encoding.startswith(("utf-16", "utf-32")):
        text = raw.decode(encoding, "replace")
        return _BLACKED_WIDE.sub(lambda m: m[1] + "*" * len(m[2]), text).encode(encoding, "replace")
    return _BLACKED.sub(lambda m: m[1] + b"*" * len(m[2]), raw)


def _section(element: Element) -> str:
    names = [a.name for a in element.ancestors() if a.name not in {"configuration", "location"}]
    return "/".join(reversed(names))


def _location(element: Element) -> str:
    found = (a.get("path") for a in element.ancestors() if a.name == "location")
    return next((path for path in found if path), "")


# Collection -> the attributes that name one of its elements.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "globalModules": ("name",),
    "modules": ("name",),
    "httpModules": ("name",),
    "handlers": ("name",),
    "httpHandlers": ("verb", "path"),
    "isapiFilters": ("name",),
    "isapiCgiRestriction": ("path",),
    "buildProviders": ("extension",),
    "expressionBuilders": ("expressionPrefix",),
    "assemblies": ("assembly",),
    "fileExtensions": ("fileExtension",),
    "hiddenSegments": ("segment",),
    "httpCompression": ("name",),
    "serviceAutoStartProviders": ("name",),
    "providers": ("name",),
    "appSettings": ("key",),
}


def _taken_away(collection: Element, key: tuple[str, ...]) -> dict[int, bool]:
    """Return which elements of a collection a later one takes away, by ``id``."""
    found: dict[int, bool] = {}
    gone: set[tuple[str, ...]] = set()
    is_cleared = False
    for child in reversed(collection.children):
        name = tuple(child.get(part).lower() for part in key)
        if child.name == "clear":
            is_cleared = True
        elif child.name == "remove":
            gone.add(name)
        elif is_cleared or name in gone:
            found[id(child)] = True
    return found


def _fields_of(element: Element, removed: bool, through: Mapping[int, str]) -> Iterator[Fields]:
    parent = "" if element.parent is None else element.parent.name
    make = _BY_PARENT.get((parent, element.name)) or _BY_NAME.get(element.name)
    if make is not None:
        fields = make(element)
        if fields is not None:
            if element.name in {"remove", "clear"}:
                fields["Action"] = element.name
            if removed:
                fields["Removed"] = "true"
            yield fields
    elif parent == "rules" and element.name == "rule":
        if any(a.name == "rewrite" for a in element.ancestors()):
            fields = rewrite_fields(element, removed)
            why = fields["Ineffective"] or through.get(id(element), "")
            yield {"Element": "rewrite-rule", **fields, "Ineffective": why}
    else:
        yield from _code(element, parent)
    source = element.get("configSource") or (element.get("file") if parent == "" else "")
    if source:
        yield {"Element": "external-section", "Name": element.name, "Source": source}


def _code(element: Element, parent: str) -> Iterator[Fields]:
    """Yield what else names code: a type in an attribute, a manager of the program's domain."""
    if element.name in {"section", "sectionGroup"}:
        return
    for name, value in element.attributes.items():
        if (name == "type" or name.endswith("Type")) and _CLR_TYPE.match(value):
            yield {"Element": "code", "Attribute": name, "Name": element.name, **_type(value)}
    if element.name in {"appDomainManagerAssembly", "appDomainManagerType"}:
        value = element.get("value")
        yield {"Element": "code", "Attribute": "value", "Name": element.name, **_type(value)}


def _type(text: str) -> Fields:
    """Return a .NET type's name, its assembly and the token of that assembly's key."""
    name, _, rest = " ".join(text.split()).partition(",")
    token = _TOKEN.search(rest)
    return {
        "Type": " ".join(text.split()),
        "TypeName": name.strip(),
        "Assembly": rest.partition(",")[0].strip(),
        "PublicKeyToken": "" if token is None else token[1].lower(),
    }


def _image(text: str) -> Fields:
    """Return a file that is loaded or run: as written, in its one spelling, and its name."""
    path = canonical_path(text)
    return {"Image": text, "ImagePath": path, "ImageName": path.rpartition("\\")[2]}


def _native_module(element: Element) -> Fields:
    return {"Element": "native-module", "Name": element.get("name"), **_image(element.get("image"))}


def _module(element: Element) -> Fields | None:
    if not element.get("type"):
        return None  # a native module that globalModules names
    return {"Element": "module", "Name": element.get("name"), **_type(element.get("type"))}


def _handler(element: Element) -> Fields:
    program, _, arguments = element.get("scriptProcessor").partition("|")
    pattern = element.get("path")
    extensions = [p.rpartition(".")[2].strip() for p in pattern.split(",") if "." in p]
    return {
        "Element": "handler",
        "Name": element.get("name"),
        "Pattern": pattern,
        "PatternExtension": ",".join(extensions).lower(),
        "Verb": element.get("verb"),
        "Modules": element.get("modules"),
        "Arguments": arguments,
        **(_type(element.get("type")) if element.get("type") else {}),
        **(_image(program) if program else {}),
    }


def _filter(element: Element) -> Fields:
    return {
        "Element": "isapi-filter",
        "Name": element.get("name"),
        "Enabled": element.get("enabled"),
        **_image(element.get("path")),
    }


def _restriction(element: Element) -> Fields:
    program, _, arguments = element.get("path").partition("|")
    return {
        "Element": "isapi-restriction",
        "Name": element.get("description") or element.get("groupId"),
        "Enabled": element.get("allowed"),
        "Arguments": arguments,
        **_image(program),
    }


def _restrictions(element: Element) -> Fields:
    return {
        "Element": "isapi-restrictions",
        "Value": element.get("notListedIsapisAllowed"),
        "CgiValue": element.get("notListedCgisAllowed"),
    }


def _build_provider(element: Element) -> Fields:
    return {
        "Element": "build-provider",
        "Name": element.get("extension") or element.get("name"),
        "PatternExtension": element.get("extension").lstrip(".").lower(),
        **_type(element.get("type")),
    }


def _expression_builder(element: Element) -> Fields:
    return {
        "Element": "expression-builder",
        "Name": element.get("expressionPrefix"),
        **_type(element.get("type")),
    }


def _assembly(element: Element) -> Fields:
    return {
        "Element": "assembly",
        **_type(f"-,{element.get('assembly')}"),
        "Type": "",
        "TypeName": "",
    }


def _scheme(element: Element) -> Fields | None:
    if not element.get("dll"):
        return None
    return {"Element": "compression", "Name": element.get("name"), **_image(element.get("dll"))}


def _fast_cgi(element: Element) -> Fields | None:
    if not element.get("fullPath"):
        return None
    return {
        "Element": "fastcgi",
        "Arguments": element.get("arguments"),
        **_image(element.get("fullPath")),
    }


def _code_base(element: Element) -> Fields:
    above = element.parent
    identity = None if above is None else above.child("assemblyIdentity")
    return {
        "Element": "code-base",
        "Name": "" if identity is None else identity.get("name"),
        **_image(element.get("href")),
    }


def _linked(element: Element) -> Fields:
    return {"Element": "linked-configuration", **_image(element.get("href"))}


def _directory(element: Element) -> Fields:
    application = next((a.get("path") for a in element.ancestors() if a.name == "application"), "")
    site = next((a for a in element.ancestors() if a.name == "site"), None)
    joined = f"{application.rstrip('/')}/{element.get('path').lstrip('/')}".rstrip("/")
    name = "" if site is None else site.get("name")
    return {
        "Element": "virtual-directory",
        "Site": name,
        "UrlPath": joined or "/",
        "Name": f"{name}{joined or '/'}",
        "PhysicalPath": element.get("physicalPath"),
        "ImagePath": canonical_path(element.get("physicalPath")),
        "UserName": element.get("userName"),
    }


def _segment(element: Element) -> Fields:
    name = element.get("segment") or element.get("fileExtension")
    above = "" if element.parent is None else element.parent.name
    return {
        "Element": "request-filter",
        "Kind": above,
        "Name": name,
        "Action": element.name,
        "Allowed": element.get("allowed"),
    }


def _windows_authentication(element: Element) -> Fields:
    protection = element.child("extendedProtection")
    return {
        "Element": "windows-authentication",
        "Enabled": element.get("enabled"),
        # The schema's default.
        "TokenChecking": "None"
        if protection is None
        else protection.get("tokenChecking") or "None",
        "Configured": "false" if protection is None else "true",
    }


def _machine_key(element: Element) -> Fields:
    return {
        "Element": "machine-key",
        **_key("ValidationKey", element.get("validationKey")),
        **_key("DecryptionKey", element.get("decryptionKey")),
        "Validation": element.get("validation"),
        "Decryption": element.get("decryption"),
        "CompatibilityMode": element.get("compatibilityMode"),
    }


def _key(name: str, value: str) -> Fields:
    """Tell a key without telling it."""
    key = "".join(value.split()).partition(",")[0]
    if not _KEY.match(key):
        return {name: "generated" if key.lower() == "autogenerate" else "other" if key else ""}
    digest = hashlib.sha256(key.upper().encode("ascii")).hexdigest()
    return {name: "explicit", f"{name}Sha256": digest[:16], f"{name}Digits": str(len(key))}


def _pages(element: Element) -> Fields:
    return {
        "Element": "pages",
        "ViewStateMac": element.get("enableViewStateMac"),
        "EventValidation": element.get("enableEventValidation"),
        "ViewStateEncryption": element.get("viewStateEncryptionMode"),
    }


def _compilation(element: Element) -> Fields:
    return {"Element": "compilation", "Debug": element.get("debug")}


def _custom_errors(element: Element) -> Fields:
    return {"Element": "custom-errors", "Mode": element.get("mode")}


def _trace(element: Element) -> Fields | None:
    if not element.get("enabled"):
        return None
    return {
        "Element": "trace",
        "Enabled": element.get("enabled"),
        "LocalOnly": element.get("localOnly"),
    }


def _identity(element: Element) -> Fields | None:
    if not element.get("impersonate"):
        return None
    return {
        "Element": "identity",
        "Enabled": element.get("impersonate"),
        "UserName": element.get("userName"),
    }


def _setting(element: Element) -> Fields | None:
    if not element.get("key").lower().startswith("aspnet:"):
        return None
    return {"Element": "setting", "Name": element.get("key"), "Value": element.get("value")}


def _browse(element: Element) -> Fields:
    return {"Element": "directory-browse", "Enabled": element.get("enabled")}


def _site(element: Element) -> Fields:
    return {"Element": "site", "Name": element.get("name")}


_BY_PARENT: Mapping[tuple[str, str], Callable[[Element], Fields | None]] = {
    ("globalModules", "add"): _native_module,
    ("modules", "add"): _module,
    ("httpModules", "add"): _module,
    ("handlers", "add"): _handler,
    ("httpHandlers", "add"): _handler,
    ("isapiFilters", "filter"): _filter,
    ("isapiCgiRestriction", "add"): _restriction,
    ("buildProviders", "add"): _build_provider,
    ("folderLevelBuildProviders", "add"): _build_provider,
    ("expressionBuilders", "add"): _expression_builder,
    ("assemblies", "add"): _assembly,
    ("httpCompression", "scheme"): _scheme,
    ("fastCgi", "application"): _fast_cgi,
    ("hiddenSegments", "add"): _segment,
    ("hiddenSegments", "remove"): _segment,
    ("hiddenSegments", "clear"): _segment,
    ("fileExtensions", "add"): _segment,
    ("fileExtensions", "remove"): _segment,
    ("fileExtensions", "clear"): _segment,
    ("appSettings", "add"): _setting,
    ("authentication", "windowsAuthentication"): _windows_authentication,
    ("sites", "site"): _site,
    ("system.web", "pages"): _pages,
    ("system.web", "compilation"): _compilation,
    ("system.web", "trace"): _trace,
    ("system.web", "identity"): _identity,
    ("dependentAssembly", "codeBase"): _code_base,
}
_BY_NAME: Mapping[str, Callable[[Element], Fields | None]] = {
    "virtualDirectory": _directory,
    "isapiCgiRestriction": _restrictions,
    "machineKey": _machine_key,
    "customErrors": _custom_errors,
    "directoryBrowse": _browse,
    "linkedConfiguration": _linked,
}
