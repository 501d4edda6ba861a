"""What of a request a page reads, by name; all names lower case.

Facts of ``System.Web`` and classic ASP, not of any page.
"""

from __future__ import annotations

VALUE = 1
"""Text that the client wrote: a field, a query, a header, a cookie."""
CONTROL = 2
"""The same, through a server control."""
FILE_NAME = 4
"""The name that the client gave an uploaded file."""
BODY = 8
"""Bytes of the request, or of an uploaded file."""
CALLER = 16
"""A parameter of a method that is published to callers."""
REMOTE = 32
"""Fetched by the page from elsewhere."""
STORED = 64
"""Read from a file by the page."""
TAINT = VALUE | CONTROL | FILE_NAME | BODY | CALLER
FROM_OUTSIDE = TAINT | REMOTE
# What else is known of a value; goes along with the bits above.
REQUEST = 1 << 8
"""It is the request itself."""
ROOTED = 1 << 9
"""Part of it is a folder that the page chose."""
DECODED = 1 << 10
"""It went through base64, a cipher or the like."""
SECRET = 1 << 11
"""It was a field for a password."""
PROCESS = 1 << 12
SHELL = 1 << 13
ASSEMBLY = 1 << 14
SOCKET = 1 << 15
STYLESHEET = 1 << 16
FORMATTER = 1 << 17
WEB_CLIENT = 1 << 18
STREAM = 1 << 19
SQL_CONNECTION = 1 << 20
COMPILER = 1 << 21
POWERSHELL = 1 << 22
REFLECTED = 1 << 23
SQL_COMMAND = 1 << 24
FILE_OBJECT = 1 << 25
WMI = 1 << 26
SELF = 1 << 27
XML = 1 << 28
EVALUATOR = 1 << 29
UNKNOWN = 1 << 30
"""Nothing is known of it: what will be written to a file that was opened."""
MAPPED = 1 << 31
"""A path that the server made of a name inside the site; it raises for what is outside."""
VALUE_BITS = TAINT | REMOTE | STORED | ROOTED | MAPPED | DECODED | SECRET
"""What a value hands on to whatever is made of it."""

NAMES = {
    VALUE: "request",
    CONTROL: "control",
    FILE_NAME: "file-name",
    BODY: "body",
    CALLER: "caller",
    REMOTE: "remote",
    STORED: "file",
}

REQUEST_MEMBERS: dict[str, int] = {
    "form": VALUE,
    "querystring": VALUE,
    "query": VALUE,
    "params": VALUE,
    "item": VALUE,
    "get": VALUE,
    "get_item": VALUE,
    "getvalues": VALUE,
    "headers": VALUE,
    "cookies": VALUE,
    "servervariables": VALUE,
    "unvalidated": VALUE,
    "rawurl": VALUE,
    "url": VALUE,
    "path": VALUE,
    "pathinfo": VALUE,
    "useragent": VALUE,
    "urlreferrer": VALUE,
    "userlanguages": VALUE,
    "accepttypes": VALUE,
    "contenttype": VALUE,
    "clientcertificate": VALUE,
    "files": BODY,
    "inputstream": BODY,
    "binaryread": BODY,
    "getbufferedinputstream": BODY,
    "getbufferlessinputstream": BODY,
    "content": BODY,
    "body": BODY,
    "bodyreader": BODY,
    "readformasync": VALUE,
}
"""Member of the request -> what it gives. A member that is not here gives nothing of the client's."""

NOT_CHOSEN = frozenset(
    "remote_addr http_host server_name url script_name path_translated appl_physical_path "
    "request_method server_port https local_addr auth_user logon_user remote_user "
    "asp.net_sessionid".split()
)
"""Server variables that the client does not simply write."""

CONTROL_MEMBERS: dict[str, int] = {
    "text": CONTROL,
    "value": CONTROL,
    "selectedvalue": CONTROL,
    "selecteditem": CONTROL,
    "innertext": CONTROL,
    "postedfile": BODY,
    "postedfiles": BODY,
    "filebytes": BODY,
    "filecontent": BODY,
    "filename": FILE_NAME,
}
INPUT_CONTROLS = frozenset(
    "textbox hiddenfield input textarea select dropdownlist listbox fileupload htmlinputtext "
    "radiobuttonlist checkboxlist htmleditor object".split()
)
CHOICES = frozenset("dropdownlist listbox radiobuttonlist checkboxlist select".split())
"""Controls that take one of the page's own values (the server checks it)."""

CLEANING = frozenset(
    """
    toint16 toint32 toint64 touint16 touint32 touint64 toboolean todatetime todouble todecimal tosingle
    parseexact cint clng cbool cdate cdbl csng isnumeric isdate parseint parsefloat
    length count contentlength isnullorempty isnullorwhitespace equals startswith endswith contains
    indexof lastindexof compare compareto ismatch exists gethashcode
    computehash hashpasswordforstoringinconfigfile haskeys tryparse
    isdefined gettypecode instr len strcomp ubound lbound typename vartype isempty isnull isobject asc ascw
    validatecredentials validateuser isinrole authenticate any all
    totalbytes md5 sha1 checksum
    """.split()
)
"""Calls whose result is no longer the client's text: numbers, dates, truth, digests."""
CLEANING_OWNERS = frozenset(
    "int int16 int32 int64 uint32 long short byte bool boolean double decimal float single guid "
    "datetime timespan integer date enum".split()
)
"""``int.Parse``, ``Guid.Parse`` ..."""

DECODING = frozenset(
    "frombase64string transformfinalblock transformblock createdecryptor decrypt decryptor "
    "fromhexstring decompress unprotect base64decode decode getbytes tobyte binaryread".split()
)
ROOTING = frozenset("mappath combine mapphysicalpath".split())
BASE_NAME = frozenset("getfilename getfilenamewithoutextension getextension".split())

FETCHING = frozenset(
    "downloadstring downloaddata downloadstringasync downloaddatataskasync downloadstringtaskasync "
    "openread uploaddata uploadstring uploadvalues getstringasync getbytearrayasync getstreamasync "
    "getresponsestream responsetext responsebody".split()
)
STORED_READS = frozenset(
    "readallbytes readalltext readalllines loadfromfile openread opentext".split()
)

MADE: dict[str, int] = {
    "process": PROCESS,
    "processstartinfo": PROCESS,
    "socket": SOCKET,
    "tcpclient": SOCKET,
    "tcplistener": SOCKET,
    "udpclient": SOCKET,
    "networkstream": SOCKET,
    "ipendpoint": SOCKET,
    "xslcompiledtransform": STYLESHEET,
    "xsltransform": STYLESHEET,
    "losformatter": FORMATTER,
    "objectstateformatter": FORMATTER,
    "binaryformatter": FORMATTER,
    "soapformatter": FORMATTER,
    "netdatacontractserializer": FORMATTER,
    "webclient": WEB_CLIENT,
    "httpclient": WEB_CLIENT,
    "filestream": STREAM,
    "streamwriter": STREAM,
    "binarywriter": STREAM,
    "fileinfo": FILE_OBJECT,
    "directoryinfo": FILE_OBJECT,
    "sqlconnection": SQL_CONNECTION,
    "oledbconnection": SQL_CONNECTION,
    "odbcconnection": SQL_CONNECTION,
    "oracleconnection": SQL_CONNECTION,
    "mysqlconnection": SQL_CONNECTION,
    "sqlcommand": SQL_COMMAND,
    "oledbcommand": SQL_COMMAND,
    "odbccommand": SQL_COMMAND,
    "sqldataadapter": SQL_COMMAND,
    "oledbdataadapter": SQL_COMMAND,
    "csharpcodeprovider": COMPILER,
    "vbcodeprovider": COMPILER,
    "jscriptcodeprovider": COMPILER,
    "managementclass": WMI,
    "managementobject": WMI,
    "managementbaseobject": WMI,
    "xmldocument": XML,
    "xmltextreader": XML,
    "xpathdocument": XML,
}
"""``new X``, or a variable of that type -> what it is."""

SHELL_OBJECTS = (
    "wscript.shell",
    "wscript.shell.1",
    "shell.application",
    "shell.application.1",
    "{72c24dd5-d70a-438b-8a42-98424b88afb8}",
    "{f935dc22-1cf0-11d0-adb9-00c04fd58a0b}",
    "{13709620-c279-11ce-a49e-444553540000}",
    "{093ff999-1ea0-4079-9525-9614c3504b74}",
    "winmgmts:",
)
"""ProgIDs, class ids and monikers of objects that run programs."""
FILE_OBJECTS = (
    "scripting.filesystemobject",
    "adodb.stream",
    "{0d43fe01-f093-11cf-8940-00a0c9054228}",
)
SCRIPT_OBJECTS = ("scriptcontrol", "msscriptcontrol.scriptcontrol", "scriptcontrol.1")
REQUEST_OBJECTS = ("msxml2.", "microsoft.xmlhttp", "winhttp.", "msxml3.")
SECRET_FIELDS = ("password", "passwd", "pwd", "passwort", "kennwort")
STORES = frozenset(("session", "application", "cache", "items", "viewstate"))
"""Where a page keeps values from one request to the next."""
MUTATORS = frozenset(
    "add append appendline appendformat appendchild write writeline writebyte insert push enqueue load loadxml set "
    "setvalue addrange unshift addscript addcommand addargument addparameter parse fill "
    "addwithvalue writestring writebytes writetext open send setrequestheader "
    "writeasync".split()
)
"""Methods that put their arguments into what they are called on."""
FILLERS = frozenset(
    "read readasync readblock readbytes copyto copytoasync receive blockcopy copy writeto".split()
)
"""Methods that put what they are called on, or their first argument, into an argument."""
PUBLISHED = frozenset(
    "webmethod webmethodattribute operationcontract scriptmethod httppost httpget acceptverbs webget webinvoke".split()
)
"""Attributes that let callers outside reach a method."""
