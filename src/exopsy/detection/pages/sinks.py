"""What a page can do to its server, by name: the calls, what each weighs, and what it means.

Facts of .NET, COM and classic ASP. A sink weighs by what reaches it: ``tainted`` where data of the
request (or fetched from elsewhere) does, ``plain`` where nothing of it was seen to.
"""

from __future__ import annotations

import msgspec


class Kind(msgspec.Struct, frozen=True):
    """A kind of doing."""

    tainted: int
    plain: int
    technique: str
    text: str
    """What it means where data of the request reaches it."""
    plain_text: str = ""


KINDS: dict[str, Kind] = {
    "evaluate": Kind(
        96, 30, "T1505.003", "Text of the request is run as script", "Text is run as script"
    ),
    "process": Kind(
        90, 22, "T1059", "A program is started with data of the request", "A program is started"
    ),
    "process-by-com": Kind(
        90, 30, "T1059", "A program is started through COM or WMI with data of the request",
        "An object that starts programs is made",
    ),
    "powershell": Kind(
        92, 45, "T1059.001", "PowerShell is run inside the worker with data of the request",
        "PowerShell is run inside the worker",
    ),
    "assembly-load": Kind(
        95, 12, "T1620", "Bytes of the request are loaded as a program", "An assembly is loaded"
    ),
    "assembly-name": Kind(
        34, 0, "T1620", "The request says which assembly is loaded", ""
    ),
    "assembly-load-remote": Kind(
        88, 12, "T1620", "Bytes fetched from elsewhere are loaded as a program",
        "An assembly is loaded",
    ),
    "compile": Kind(
        95, 38, "T1027.004", "Text of the request is compiled and run", "Code is compiled at run time"
    ),
    "create-object": Kind(
        72, 4, "T1559.001", "The request says which object is made", "An object is made by its name"
    ),
    "activate": Kind(
        32, 0, "T1620", "The request says which type is made", "A type is made by its name"
    ),
    "reflect": Kind(
        38, 4, "T1620", "A method is called by reflection with data of the request",
        "A method is called by reflection",
    ),
    "dispatch": Kind(
        10, 0, "", "The request says which of the page's own methods runs", ""
    ),
    "xslt": Kind(
        62, 4, "T1220", "A stylesheet of the request is run", "A stylesheet is loaded"
    ),
    "xslt-path": Kind(
        34, 0, "T1220", "The request says which stylesheet is loaded", ""
    ),
    "xslt-script": Kind(
        92, 26, "T1220", "A stylesheet of the request is run, with its scripts",
        "A stylesheet may run scripts",
    ),
    "deserialise": Kind(
        66, 2, "T1203", "Objects are made from bytes of the request", "Objects are deserialised"
    ),
    "deserialise-own-state": Kind(
        24, 2, "T1203", "A page's stored state is deserialised by its own means", ""
    ),
    "xaml": Kind(82, 10, "T1203", "XAML of the request is run", "XAML is loaded"),
    "write-any": Kind(
        70, 8, "T1105", "A file is written: the request says where and what", "A file is written"
    ),
    "write-in-site": Kind(
        45, 0, "T1105", "An uploaded file is stored wherever in the site the request says", ""
    ),
    "write-edited": Kind(
        56, 0, "T1105", "A file that the request names is written with what is typed into a form", ""
    ),
    "write-named": Kind(
        42, 8, "T1105", "A file is written under a name that the request chooses", "A file is written"
    ),
    "write-in-folder": Kind(
        24, 4, "T1105", "An upload is stored in a folder of the page, under a name of the request",
        "A file is written",
    ),
    "write-content": Kind(
        16, 4, "", "Data of the request is written to a file of the page's choice", "A file is written"
    ),
    "write-page": Kind(
        74, 45, "T1505.003", "Data of the request is written to a page or program",
        "A page or program is written",
    ),
    "download": Kind(
        60, 30, "T1105", "A file is fetched from an address of the request and stored",
        "A file is fetched and stored",
    ),
    "delete": Kind(24, 2, "T1070.004", "The request says which file is deleted or moved", ""),
    "read": Kind(18, 1, "T1005", "The request says which file is read", ""),
    "list": Kind(14, 1, "T1083", "The request says which folder is listed", ""),
    "include": Kind(
        26, 1, "T1505.003", "The request says which page is run or shown", ""
    ),
    "timestamps": Kind(
        52, 12, "T1070.006", "File times are set to what the request says", "File times are set"
    ),
    "drives": Kind(8, 8, "T1083", "", "Drives are listed"),
    "registry": Kind(45, 6, "T1012", "The request names registry keys", "The registry is read"),
    "registry-write": Kind(60, 12, "T1112", "The request writes to the registry", ""),
    "sql": Kind(6, 0, "", "Text of the request becomes part of an SQL command", ""),
    "sql-connection": Kind(
        46, 0, "T1213.006", "The request says which database server is asked", ""
    ),
    "sql-shell": Kind(
        60, 46, "T1505.001", "Commands of the system are run through the database",
        "Commands of the system can be run through the database",
    ),
    "connect": Kind(
        56, 8, "T1090", "A connection is opened to where the request says", "A connection is opened"
    ),
    "tunnel": Kind(
        90, 90, "T1572", "Connections are kept open for the client and fed with its data", ""
    ),
    "fetch": Kind(12, 2, "T1090", "An address of the request is fetched", ""),
    "ldap": Kind(6, 0, "", "Text of the request becomes part of a directory query", ""),
    "processes": Kind(10, 10, "T1057", "", "Processes are listed or ended"),
    "native-code": Kind(
        90, 86, "T1055", "Machine code of the request is run", "Machine code is put into memory and run"
    ),
    "native-process": Kind(
        92, 40, "T1106", "A program is started by the system's own call with data of the request",
        "A program can be started by the system's own call",
    ),
    "token": Kind(30, 22, "T1134", "", "Another account's token is used"),
    "hook": Kind(
        60, 50, "T1505.003", "", "The page puts itself between the server and its requests for good"
    ),
    "listener": Kind(58, 50, "T1505.003", "", "The page listens for requests by itself"),
    "capture": Kind(
        78, 0, "T1056.003", "What is typed as a password is written to a file or sent away", ""
    ),
    "session-assembly": Kind(
        84, 0, "T1620", "An object of the session, made from bytes of the request, is run", ""
    ),
}  # fmt: skip

EVALUATE = frozenset(
    "jscriptevaluate evaluateasync runasync executestatement addcode executeglobal evaluatescript".split()
)
WRITES = frozenset(
    "writeallbytes writealltext writealllines appendalltext appendalllines appendtext createtext "
    "writeallbytesasync writealltextasync".split()
)
WRITE_OBJECTS = frozenset("filestream streamwriter".split())
SAVES = frozenset("saveas savetofile save createtextfile opentextfile".split())
DELETES = frozenset("delete move replace copy deletefile deletefolder movefile copyfile".split())
READS = frozenset(
    "readallbytes readalltext readalllines openread opentext transmitfile writefile loadfromfile".split()
)
LISTS = frozenset(
    "getfiles getdirectories getfilesystementries enumeratefiles getfolder getlogicaldrives "
    "enumeratedirectories getfilesysteminfos".split()
)
STAMPS = frozenset(
    "setlastwritetime setcreationtime setlastaccesstime setlastwritetimeutc setcreationtimeutc "
    "setlastaccesstimeutc lastwritetime creationtime lastaccesstime".split()
)
FILE_OWNERS = frozenset(
    "file directory fileinfo directoryinfo fso filesystem my computer io filestream fileobject".split()
)
ASSEMBLY_LOADS = frozenset(
    "load loadfrom loadfile unsafeloadfrom reflectiononlyload loadwithpartialname loadmodule".split()
)
FORMATTERS = frozenset(
    "losformatter objectstateformatter binaryformatter soapformatter netdatacontractserializer "
    "simpletyperesolver".split()
)
DESERIALISES = frozenset(
    "deserialize unsafedeserialize readobject deserializemethodresponse".split()
)
COMPILES = frozenset(
    "compileassemblyfromsource compileassemblyfromfile compileassemblyfromdom "
    "compileassemblyfromdombatch compileassemblyfromsourcebatch createcompiler parsetext "
    "compileassemblyfromsource_".split()
)
REFLECTS = frozenset("invoke invokemember dynamicinvoke callbyname latecall lateget".split())
CONNECTS = frozenset("connect connectasync beginconnect connecttcp sendto".split())
FETCHES = frozenset(
    "create createhttp downloadstring downloaddata openread uploaddata uploadstring getasync "
    "getstringasync postasync sendasync".split()
)
NATIVE_MEMORY = (
    "virtualalloc", "virtualallocex", "virtualprotect", "virtualallocexnuma", "ntallocatevirtualmemory",
    "heapcreate",
)  # fmt: skip
NATIVE_RUN = (
    "createthread", "createremotethread", "getdelegateforfunctionpointer", "queueuserapc",
    "enumsystemlocales", "enumchildwindows", "callwindowproc", "ntcreatethreadex",
    "createthreadpoolwait", "waitforsingleobject", "createfiber", "calli", "setthreadcontext",
)  # fmt: skip
NATIVE_PROCESS = frozenset(
    "createprocess createprocessa createprocessw winexec shellexecute shellexecutea shellexecutew "
    "shellexecuteex createprocessasuser createprocesswithtokenw createprocesswithlogonw system "
    "wsystem popen".split()
)
TOKENS = frozenset("duplicatetokenex impersonateloggedonuser openprocesstoken".split())
HOOKS = frozenset("registervirtualpathprovider registermodule".split())
PAGE_SUFFIXES = (
    ".aspx", ".ashx", ".asmx", ".ascx", ".asp", ".asa", ".cer", ".cdx", ".svc", ".cshtml", ".asax",
    ".soap", ".exe", ".dll", ".bat", ".cmd", ".ps1", ".vbs", ".config", ".php", ".jsp", ".shtml",
)  # fmt: skip
"""Ends of names that the server runs."""

HIDEABLE = (
    "eval", "unsafe", "execute", "executeglobal", "wscript.shell", "shell.application",
    "system.diagnostics.process", "processstartinfo", "cmd.exe", "powershell", "createobject",
    "scripting.filesystemobject", "adodb.stream", "system.reflection.assembly", "jscriptevaluate",
    "microsoft.jscript", "frombase64string", "createinstance", "xp_cmdshell", "win32_process",
    "cmd /c", "c:\\windows\\system32\\cmd", "binaryread", "fromcharcode", "activexobject",
    "vsaengine", "codedomprovider", "csharpcodeprovider", "virtualalloc", "request.item", "request[",
    "request(", "request.form", "process.start", "assembly.load",
)  # fmt: skip
"""Names that no honest page puts together from pieces."""
HIDEABLE_WHOLE = frozenset(
    "request process start load invoke invokemember shell run exec getmethod assembly item".split()
)
"""The same, where the text is just this."""
