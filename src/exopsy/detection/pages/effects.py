"""Calls and assignments of the walk in ``flow`` -> what the page does, and with whose data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from exopsy.detection.pages import sinks as k
from exopsy.detection.pages import sources as s

if TYPE_CHECKING:
    from exopsy.detection.pages.flow import Flow, Piece

_OUTSIDE = s.FROM_OUTSIDE
_NOT_HERE = -1


class Hit(NamedTuple):
    """Something that the page does."""

    kind: str
    at: int
    """In the text of the page."""
    bits: int
    """What reaches it."""


class Effects:
    """Collects hits while the walk goes on; the same place may be visited several times."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._hits: dict[tuple[str, int], int] = {}
        words = {t.value for t in flow.tokens if t.kind == "n"}
        self.words = words
        texts = [t.value.lower() for t in flow.tokens if t.kind == "s" and len(t.value) < 400]
        self.texts = texts
        self._has_process = bool(words & {"process", "processstartinfo"}) or any(
            "diagnostics.process" in text for text in texts
        )
        self._has_assembly = "assembly" in words or any("reflection.assembly" in t for t in texts)
        self._has_shell = any(
            text in k_text for text in s.SHELL_OBJECTS for k_text in texts
        ) or bool(words & {"wshshell"})
        self._has_script_engine = any(t in s.SCRIPT_OBJECTS for t in texts)
        self._scripts_xslt = (
            bool(words & {"trustedxslt", "enablescript"}) or "xsltransform" in words
        )
        self._has_xslt = bool(words & {"xslcompiledtransform", "xsltransform"})
        self._own_state = bool(
            words
            & {
                "loadpagestatefrompersistencemedium",
                "savepagestatetopersistencemedium",
                "pagestatepersister",
            }
        )
        self._com_file = any(any(name in text for name in s.FILE_OBJECTS) for text in texts)
        self.checks_names = bool(
            words & {"getextension", "extension", "isallowed", "getextensionname"}
        ) and any(
            text in (".jpg", "jpg", ".gif", "gif", ".png", "png", ".jpeg")
            or ".jpg" in text
            or "jpg|" in text
            or ",jpg" in text
            for text in texts
        )

    def hits(self) -> list[Hit]:
        """Return what was found, as it stands in the page."""
        found = [Hit(kind, at, bits) for (kind, at), bits in self._hits.items()]
        return sorted(found, key=lambda h: (h.at, h.kind))

    def add(self, kind: str, at: int, bits: int) -> None:
        """Note a hit at a token."""
        tokens = self._flow.tokens
        place = tokens[at].at if at < len(tokens) else 0
        self._hits[kind, place] = self._hits.get((kind, place), 0) | bits

    # -- calls -------------------------------------------------------------------------------

    def called(
        self, names: tuple[str, ...], current: int, pieces: Sequence[Piece], at: int, *, made: bool
    ) -> int:
        """Look at a call; return what its result holds, or -1 for "as any other call"."""
        name = names[-1]
        given = 0
        for piece in pieces:
            given |= piece.bits
        owner = names[-2] if len(names) > 1 else ""
        if made:
            return self._made(name, given, pieces, at)
        for look in (self._run, self._load, self._files, self._other):
            result = look(name, owner, names, current, given, pieces, at)
            if result != _NOT_HERE:
                return result
        return _NOT_HERE

    def _made(self, name: str, given: int, pieces: Sequence[Piece], at: int) -> int:
        flow = self._flow
        value = given & s.VALUE_BITS
        if name == "processstartinfo":
            self.add("process", at, value)
        elif name in ("activexobject", "objectfactory"):
            return self._object(pieces, given, at)
        elif name in k.WRITE_OBJECTS and pieces:
            self._write(pieces[0], _mode(name, pieces, self._flow), at)
            return s.STREAM | (value & s.ROOTED)
        elif name in ("fileinfo", "directoryinfo"):
            return s.FILE_OBJECT | value
        elif (
            name in ("tcpclient", "ipendpoint", "tcpclient_", "clientwebsocket")
            and value & _OUTSIDE
        ):
            self.add("connect", at, value)
            return s.SOCKET | value
        elif name == "dnsendpoint":
            return value
        elif name in ("sqlconnection", "oledbconnection", "odbcconnection"):
            if pieces and value & s.TAINT and not flow.starts_fixed(pieces[0]):
                self.add("sql-connection", at, value)
            return s.SQL_CONNECTION | value
        elif s.MADE.get(name, 0) & s.SQL_COMMAND:
            if pieces and pieces[0].bits & s.TAINT:
                self.add("sql", at, pieces[0].bits)
            return s.SQL_COMMAND
        elif name == "httplistener":
            self.add("listener", at, value)
        elif name in ("directorysearcher", "directoryentry") and value & s.TAINT:
            self.add("ldap", at, value)
        elif name == "xsltsettings" and sum(flow.last_name(p) == "true" for p in pieces) >= 1:
            self._scripts_xslt = True
        elif name == "function" and self._flow.language in ("jscript",):
            self.add("evaluate", at, value)
        elif name in ("managementclass", "managementobjectsearcher", "managementobject"):
            return s.WMI | value
        elif name in ("rijndaelmanaged", "aesmanaged", "aescryptoserviceprovider"):
            return 0
        return _NOT_HERE

    def _run(
        self, name: str, owner: str, names: tuple[str, ...], current: int, given: int,
        pieces: Sequence[Piece], at: int,
    ) -> int:  # fmt: skip
        """Script and programs."""
        flow = self._flow
        value = given & s.VALUE_BITS
        tainted = (given | current) & s.VALUE_BITS
        if name in ("eval", "execute", "executeglobal", "jscriptevaluate") and any(
            "request" in flow.text_of(piece) for piece in pieces
        ):
            value |= s.VALUE  # eval(eval("Request..."))
        if current & s.EVALUATOR and len(names) == 1:
            self.add("evaluate", at, value)
            return value
        if name in ("eval", "execscript", "settimeout_") and len(names) <= 2:
            binding = flow.language in ("csharp", "vb") and "unsafe" not in self.texts
            if binding or (owner in ("databinder", "xpath")):
                return value
            if flow.language != "client":
                self.add("evaluate", at, value)
            return value
        if name in ("execute", "executeglobal") and len(names) == 1:
            self.add("evaluate", at, value)
            return value
        if name in k.EVALUATE and (
            name in ("jscriptevaluate", "executeglobal")
            or any("csharpscript" in n for n in names)
            or self._has_script_engine
        ):
            self.add("evaluate", at, value)
            return value
        if name == "start" and (
            owner == "process"
            or current & s.PROCESS
            or (owner and self._has_process and tainted & _OUTSIDE)
        ):
            is_given = pieces or not current & s.PROCESS or current & _OUTSIDE
            self.add("process", at, tainted if is_given else 0)
            return value | s.PROCESS
        if name == "shell" and (len(names) == 1 or owner == "interaction") and flow.vb:
            self.add("process", at, value)
            return 0
        if name in ("run", "exec", "shellexecute", "execute", "open", "namespace") and (
            current & s.SHELL or (self._has_shell and name in ("run", "exec", "shellexecute"))
        ):
            self.add("process-by-com", at, value)
            return value
        if name in ("createobject", "gettypefromprogid", "gettypefromclsid", "getobject"):
            return self._object(pieces, given, at)
        if (name in ("create", "invokemethod") and current & s.WMI) or (
            name == "create" and any("win32_process" in t for t in self.texts)
        ):
            self.add("process-by-com", at, tainted & ~s.STORED)
            return 0
        if name in ("addscript", "addcommand", "createpipeline", "invokescript") and (
            self.words & {"powershell", "runspacefactory", "runspace", "pipeline"}
        ):
            self.add("powershell", at, value)
            return value | s.POWERSHELL
        if name in k.NATIVE_PROCESS and name in self.words and self._declares_native(name):
            self.add("native-process", at, value)
            return 0
        if name in k.TOKENS and self._declares_native(name):
            self.add("token", at, 0)
            return 0
        if name in ("getprocesses", "getprocessesbyname", "getprocessbyid") or (
            name == "kill" and self._has_process
        ):
            self.add("processes", at, value)
            return s.PROCESS if name != "getprocessesbyname" else 0
        return _NOT_HERE

    def _load(
        self, name: str, owner: str, names: tuple[str, ...], current: int, given: int,
        pieces: Sequence[Piece], at: int,
    ) -> int:  # fmt: skip
        """Programs loaded, made or called by reflection."""
        flow = self._flow
        value = given & s.VALUE_BITS
        tainted = (given | current) & s.VALUE_BITS
        if name in k.ASSEMBLY_LOADS and (
            owner in ("assembly", "currentdomain", "appdomain", "getdomain", "domain")
            or current & s.ASSEMBLY
            or (name != "load" and self._has_assembly)
        ):
            self._assembly(name, value, at, pieces)
            return s.ASSEMBLY | value
        if name in k.COMPILES:
            self.add("compile", at, tainted)
            return s.ASSEMBLY | tainted
        if name in ("gettype", "typeof", "getclass", "gettypefromhandle") and pieces:
            found = self._type_named(pieces[0])
            if found:
                return found | s.REFLECTED | value
            return value | (current & (s.ASSEMBLY | s.SELF)) | s.REFLECTED * (name == "gettype")
        if name == "getmethod" and pieces:
            method = flow.text_of(pieces[0])
            bits = current
            if method in ("load", "loadfile", "loadfrom") and self._has_assembly:
                bits |= s.ASSEMBLY
            if method == "start" and self._has_process:
                bits |= s.PROCESS
            if "eval" in method:
                bits |= s.EVALUATOR
            return bits | s.REFLECTED | value
        if name in k.REFLECTS:
            return self._reflected(name, current, given, pieces, at)
        if current & s.REFLECTED and len(names) == 1 and value:
            return self._reflected(name, current, given, pieces, at)
        if name in (
            "createinstance",
            "createinstancefrom",
            "createinstanceandunwrap",
            "createinstancefromandunwrap",
        ):
            if (
                current & s.ASSEMBLY
                and current & _OUTSIDE
                and current & (s.DECODED | s.BODY | s.REMOTE)
            ):
                self.add("session-assembly", at, current & s.VALUE_BITS)
            elif value & s.TAINT and owner == "activator":
                self.add("activate", at, value)
            kept = given & (s.SHELL | s.PROCESS | s.ASSEMBLY | s.FILE_OBJECT)
            return tainted | kept | (current & s.ASSEMBLY)
        if name in ("getdelegateforfunctionpointer", "virtualalloc"):
            return value
        if name in k.DESERIALISES and (current & s.FORMATTER or self.words & k.FORMATTERS):
            self.add("deserialise-own-state" if self._own_state else "deserialise", at, value)
            return value
        if name in ("parse", "load") and owner == "xamlreader":
            self.add("xaml", at, value)
            return 0
        return _NOT_HERE

    def _assembly(self, name: str, value: int, at: int, pieces: Sequence[Piece]) -> None:
        if value & s.REMOTE and not value & s.TAINT:
            self.add("assembly-load-remote", at, value)
        elif value & s.TAINT and not self._flow.starts_fixed(pieces[0]):
            is_code = value & (s.DECODED | s.BODY | s.CALLER) or name != "load"
            self.add("assembly-load" if is_code else "assembly-name", at, value)
        else:
            self.add("assembly-load", at, 0)

    def _type_named(self, piece: Piece) -> int:
        name = self._flow.text_of(piece) or self._flow.last_name(piece)
        last = name.partition(",")[0].rpartition(".")[2].strip()
        if last == "assembly" or last == "appdomain":
            return s.ASSEMBLY
        return s.MADE.get(last, 0)

    def _reflected(
        self, name: str, current: int, given: int, pieces: Sequence[Piece], at: int
    ) -> int:
        value = given & s.VALUE_BITS
        method = next((t for p in pieces if (t := self._flow.text_of(p))), "")
        if current & s.EVALUATOR or method in ("eval", "jscriptevaluate"):
            self.add("evaluate", at, value)
        elif current & s.ASSEMBLY and current & s.REFLECTED and value:
            self._assembly(name, value, at, pieces)
            return s.ASSEMBLY | value
        elif current & s.PROCESS or (self._has_process and method == "start"):
            self.add("process", at, value | (current & s.TAINT))
        elif current & s.SHELL or (self._has_shell and method in ("run", "exec", "shellexecute")):
            self.add("process-by-com", at, value)
        elif current & s.ASSEMBLY and current & _OUTSIDE:
            self.add("session-assembly", at, current & s.VALUE_BITS)
        elif value & s.TAINT:
            self.add("reflect", at, value)
        elif current & s.TAINT:
            self.add("dispatch", at, current & s.VALUE_BITS)
        else:
            self.add("reflect", at, 0)
        return value | (current & s.ASSEMBLY)

    def _object(self, pieces: Sequence[Piece], given: int, at: int) -> int:
        text = self._flow.text_of(pieces[0]) if pieces else ""
        value = given & s.VALUE_BITS
        if any(text.startswith(name) for name in s.SHELL_OBJECTS):
            self.add("process-by-com", at, 0)
            return s.SHELL | (s.WMI if text.startswith("winmgmts") else 0)
        if any(text.startswith(name) for name in s.FILE_OBJECTS):
            return s.FILE_OBJECT
        if text.startswith(s.REQUEST_OBJECTS) or "xmlhttp" in text:
            return s.WEB_CLIENT
        if text.startswith("adodb.connection"):
            return s.SQL_CONNECTION
        if value & s.TAINT:
            self.add("create-object", at, value)
            return value | s.SHELL
        return 0

    def _files(
        self, name: str, owner: str, names: tuple[str, ...], current: int, given: int,
        pieces: Sequence[Piece], at: int,
    ) -> int:  # fmt: skip
        flow = self._flow
        value = given & s.VALUE_BITS
        if name == "mappath":
            chosen = bool(pieces) and pieces[0].bits & (_OUTSIDE & ~s.CONTROL)
            rooted = bool(pieces) and (not chosen or flow.starts_fixed(pieces[0]))
            return value | s.MAPPED | (s.ROOTED if rooted else 0)
        if name == "combine":
            first = pieces[0].bits if pieces else 0
            return value | (s.ROOTED if not first & _OUTSIDE or first & s.ROOTED else 0)
        if name in s.BASE_NAME:
            return value & ~(s.ROOTED | s.MAPPED)
        if name in k.WRITES and pieces:
            content = 0
            for piece in pieces[1:]:
                content |= piece.bits
            self._write(pieces[0], content if len(pieces) > 1 else s.UNKNOWN, at)
            return s.STREAM
        if name in ("create", "openwrite", "open") and owner in ("file", "fileinfo") and pieces:
            self._write(pieces[0], _mode(name, pieces, flow), at)
            return s.STREAM
        if name in k.SAVES and pieces:
            if name == "saveas" or current & s.BODY:
                self._write(pieces[0], s.BODY, at)
                return 0
            if name == "savetofile" or (
                name in ("createtextfile", "opentextfile") and self._com_file
            ):
                self._write(
                    pieces[0], current & s.VALUE_BITS if name == "savetofile" else s.UNKNOWN, at
                )
                return s.STREAM
        if name in k.STAMPS and owner in ("file", "directory"):
            self.add("timestamps", at, value & s.TAINT)
            return 0
        files = (
            owner in k.FILE_OWNERS or current & s.FILE_OBJECT or (self._com_file and len(names) > 1)
        )
        if name in k.DELETES and files:
            if owner == "file" and name in ("copy", "move") and len(pieces) > 1:
                self._write(pieces[1], pieces[0].bits & ~s.ROOTED, at)
            if (value | current) & s.TAINT:
                self.add("delete", at, (value | current) & s.VALUE_BITS)
            return 0
        if name in ("downloadfile", "downloadfiletaskasync", "downloadfileasync") and pieces:
            bits = value & s.VALUE_BITS
            if value & s.TAINT and pieces[0].bits & s.TAINT:
                self.add("download", at, bits)
            else:
                self.add("download", at, 0)
            return 0
        if name in k.READS and (
            files or owner in ("response", "streamreader") or name in ("transmitfile",)
        ):
            if value & s.TAINT:
                self.add("read", at, value)
            return s.STORED
        if name in k.LISTS:
            if name == "getlogicaldrives":
                self.add("drives", at, 0)
            elif (value | current) & s.TAINT and (files or current & s.FILE_OBJECT):
                self.add("list", at, (value | current) & s.VALUE_BITS)
            return s.FILE_OBJECT
        if name == "getdrives":
            self.add("drives", at, 0)
            return s.FILE_OBJECT
        return _NOT_HERE

    def _write(self, path: Piece, content: int, at: int) -> None:
        """Note a file that is written."""
        flow = self._flow
        text = flow.text_of(path) or self._tail(path)
        bits = (path.bits | content) & s.VALUE_BITS
        ends_in_page = text.endswith(k.PAGE_SUFFIXES)
        chosen = path.bits & (s.VALUE | s.CONTROL | s.CALLER | s.REMOTE)
        named = path.bits & s.FILE_NAME
        rooted = bool(path.bits & s.ROOTED) or flow.starts_fixed(path)
        text_content = content & (s.VALUE | s.CALLER | s.CONTROL | s.DECODED)
        if ends_in_page and (content & _OUTSIDE or not text.endswith((".config", ".exe", ".dll"))):
            self.add("write-page", at, content & s.VALUE_BITS)
        elif content & s.SECRET and content & _OUTSIDE and not chosen:
            self.add("capture", at, bits)
        elif chosen and not rooted and content & _OUTSIDE == s.CONTROL and path.bits & s.VALUE:
            self.add("write-edited", at, bits)
        elif chosen and content == s.BODY and path.bits & s.MAPPED and not rooted:
            self.add("write-in-site", at, bits)
        elif chosen and content & (_OUTSIDE | s.DECODED | s.UNKNOWN) and not rooted:
            self.add("write-any", at, bits)
        elif (chosen and content & _OUTSIDE and text_content) or (named and not rooted):
            self.add("write-named", at, bits)
        elif (named or chosen) and content & _OUTSIDE:
            self.add("write-in-folder", at, bits)
        elif content & _OUTSIDE:
            self.add("write-content", at, bits)

    def _tail(self, piece: Piece) -> str:
        """Return the last text in an argument, lower case."""
        for token in reversed(self._flow.tokens[piece.start : piece.end][-12:]):
            if token.kind == "s":
                return token.value.lower()
        return ""

    def _other(
        self, name: str, owner: str, names: tuple[str, ...], current: int, given: int,
        pieces: Sequence[Piece], at: int,
    ) -> int:  # fmt: skip
        flow = self._flow
        value = given & s.VALUE_BITS
        if name in ("load", "transform") and (
            current & s.STYLESHEET or (self._has_xslt and (given & s.STYLESHEET))
        ):
            first = pieces[0].bits if pieces and name == "load" else 0
            loaded = first & s.VALUE_BITS
            if loaded & _OUTSIDE and not (flow.starts_fixed(pieces[0]) and not loaded & s.DECODED):
                is_text = first & (s.XML | s.DECODED | s.BODY | s.REMOTE)
                kind = "xslt-script" if self._scripts_xslt else "xslt"
                self.add(kind if is_text else "xslt-path", at, loaded)
            elif name == "load" and self._scripts_xslt and "trustedxslt" in self.words:
                self.add("xslt-script", at, 0)
            return s.STYLESHEET
        if name in k.CONNECTS and (
            current & s.SOCKET or (value & _OUTSIDE and self.words & {"socket", "tcpclient"})
        ):
            self.add("connect", at, (value | current) & s.VALUE_BITS)
            return s.SOCKET | value
        if name in ("send", "receive", "beginreceive", "getstream") and current & s.SOCKET:
            if value & _OUTSIDE or self._request_bytes():
                self.add("feeds-socket", at, value)
            if name == "getstream":
                return s.SOCKET | current & s.VALUE_BITS
        if name in ("write", "writeline", "writestring") and current & s.STREAM:
            if value & s.SECRET:
                self.add("capture", at, value)
            elif value & _OUTSIDE:
                self.add("write-content", at, value)
            return 0
        if name in s.FETCHING or (
            name in k.FETCHES
            and (owner in ("webrequest", "httpwebrequest") or current & s.WEB_CLIENT)
        ):
            if value & s.TAINT:
                self.add("capture" if value & s.SECRET else "fetch", at, value)
            client = (
                current & s.WEB_CLIENT
                or owner in ("webrequest", "httpwebrequest")
                or "webclient" in names
            )
            if client or name in (
                "responsetext",
                "responsebody",
                "getresponsestream",
                "downloadstring",
                "downloaddata",
            ):
                return s.REMOTE | s.WEB_CLIENT
        if name == "execute" and len(names) > 1 and owner != "server":
            if value & s.TAINT:
                self.add("sql", at, value)
            return 0
        if name in ("execute", "transfer", "executewebpage") and owner == "server":
            if value & s.TAINT and pieces and not flow.starts_fixed(pieces[0]):
                self.add("include", at, value)
            return 0
        if name in ("parsecontrol", "parsetemplate") and value & s.TAINT:
            self.add("include", at, value)
            return 0
        if name in k.HOOKS:
            self.add("hook", at, value)
            return 0
        if name in ("opensubkey", "getvalue") and self.words & {"registry", "registrykey"}:
            if value & s.TAINT:
                self.add("registry", at, value)
            return 0 if name == "opensubkey" else _NOT_HERE
        if name in ("setvalue", "createsubkey", "regwrite") and (
            self.words & {"registry", "registrykey"} or name == "regwrite"
        ):
            if value & s.TAINT:
                self.add("registry-write", at, value)
            return 0
        return _NOT_HERE

    def _request_bytes(self) -> bool:
        return bool(self.words & {"inputstream", "binaryread", "getbufferlessinputstream"})

    def _declares_native(self, name: str) -> bool:
        return bool(self.words & {"dllimport", "declare", "dllimportattribute"})

    # -- properties --------------------------------------------------------------------------

    def assigned(self, names: tuple[str, ...], current: int, bits: int, at: int) -> None:
        """Look at a value put into a property."""
        name = names[-1]
        value = bits & s.VALUE_BITS
        if name in ("arguments", "filename"):
            if self._has_process and (current & s.PROCESS or "startinfo" in names):
                self.add("process", at, value)
        elif name == "commandtext":
            if value & s.TAINT:
                self.add("sql", at, value)
        elif name == "connectionstring":
            if value & s.TAINT:
                self.add("sql-connection", at, value)
        elif name in k.STAMPS and name.endswith(("time", "timeutc")):
            if current & s.FILE_OBJECT or self.words & {"fileinfo", "directoryinfo"}:
                self.add("timestamps", at, value & s.TAINT)
        elif name == "virtualpathprovider" or (name == "filter" and value & s.STORED):
            self.add("hook", at, value)


def _mode(name: str, pieces: Sequence[Piece], flow: Flow) -> int:
    """Return what opening a file says of what will be written: nothing, where it is for reading."""
    if name == "openwrite" or name == "create" or name == "streamwriter":
        return s.UNKNOWN
    words = {flow.last_name(piece) for piece in pieces[1:]}
    return (
        s.UNKNOWN
        if words & {"create", "createnew", "append", "openorcreate", "write", "truncate"}
        else 0
    )
