"""The kinds of events that the lab writes: sources, numbers, levels, field names and types.

Taken from Windows' own manifests and from published samples; the text of a message is localised
and not part of an event. ``fields`` are ``Name`` or ``Name:type``, separated by commas.
"""

from __future__ import annotations

from exopsy.lab.event_kind import Kind

AUDIT = "Microsoft-Windows-Security-Auditing"
AUDIT_GUID = "54849625-5478-4994-A5BA-3E3B0328C30D"
SYSTEM_SID = "S-1-5-18"
CLASSIC = 0x80000000000000
_CLEARED = "http://manifests.microsoft.com/win/2004/08/windows/eventlog"


def fields(text: str) -> tuple[tuple[str, str], ...]:
    """Read a list of fields; without a type it is a string."""
    pairs = (item.strip().partition(":") for item in text.split(","))
    return tuple((name, type_ or "string") for name, _, type_ in pairs)


_SUBJECT = "SubjectUserSid:sid, SubjectUserName, SubjectDomainName, SubjectLogonId:hex64"
_TARGET = "TargetUserSid:sid, TargetUserName, TargetDomainName"


def _audit(
    event_id: int, task: int, text: str, version: int = 0, keywords: int = 0x8020000000000000
) -> Kind:
    return Kind(
        "Security",
        AUDIT,
        event_id,
        fields(text),
        guid=AUDIT_GUID,
        version=version,
        level=0,
        task=task,
        keywords=keywords,
    )


LOGON = _audit(
    4624, 12544,
    f"{_SUBJECT}, {_TARGET}, TargetLogonId:hex64, LogonType:u32, LogonProcessName, "
    "AuthenticationPackageName, WorkstationName, LogonGuid:guid, TransmittedServices, "
    "LmPackageName, KeyLength:u32, ProcessId:hex64, ProcessName, IpAddress, IpPort, "
    "ImpersonationLevel, RestrictedAdminMode, TargetOutboundUserName, TargetOutboundDomainName, "
    "VirtualAccount, TargetLinkedLogonId:hex64, ElevatedToken",
    version=2,
)  # fmt: skip
LOGON_FAILED = _audit(
    4625, 12544,
    f"{_SUBJECT}, {_TARGET}, Status:hex32, FailureReason, SubStatus:hex32, LogonType:u32, "
    "LogonProcessName, AuthenticationPackageName, WorkstationName, TransmittedServices, "
    "LmPackageName, KeyLength:u32, ProcessId:hex64, ProcessName, IpAddress, IpPort",
    keywords=0x8010000000000000,
)  # fmt: skip
LOGOFF = _audit(4634, 12545, f"{_TARGET}, TargetLogonId:hex64, LogonType:u32")
PRIVILEGES = _audit(4672, 12548, f"{_SUBJECT}, PrivilegeList")
PROCESS = _audit(
    4688, 13312,
    f"{_SUBJECT}, NewProcessId:hex64, NewProcessName, TokenElevationType, ProcessId:hex64, "
    f"CommandLine, {_TARGET}, TargetLogonId:hex64, ParentProcessName, MandatoryLabel:sid",
    version=2,
)  # fmt: skip
TASK_CREATED = _audit(4698, 12804, f"{_SUBJECT}, TaskName, TaskContent")
ACCOUNT_CREATED = _audit(
    4720, 13824,
    f"TargetUserName, TargetDomainName, TargetSid:sid, {_SUBJECT}, PrivilegeList, SamAccountName, "
    "DisplayName, UserPrincipalName, HomeDirectory, HomePath, ScriptPath, ProfilePath, "
    "UserWorkstations, PasswordLastSet, AccountExpires, PrimaryGroupId, AllowedToDelegateTo, "
    "OldUacValue, NewUacValue, UserAccountControl, UserParameters, SidHistory, LogonHours",
)  # fmt: skip
_MEMBER = (
    "MemberName, MemberSid:sid, TargetUserName, TargetDomainName, TargetSid:sid, "
    f"{_SUBJECT}, PrivilegeList"
)
GLOBAL_MEMBER = _audit(4728, 13826, _MEMBER)
LOCAL_MEMBER = _audit(4732, 13826, _MEMBER)
UNIVERSAL_MEMBER = _audit(4756, 13826, _MEMBER)


def _eventlog(channel: str, event_id: int, text: str, keywords: int) -> Kind:
    return Kind(
        channel,
        "Microsoft-Windows-Eventlog",
        event_id,
        fields(text),
        guid="FC65DDD8-D6EF-4962-83D5-6E5CFE9CE148",
        task=104,
        keywords=keywords,
        shape="user",
        element="LogFileCleared",
        namespace=_CLEARED,
    )


SECURITY_CLEARED = _eventlog(
    "Security",
    1102,
    "SubjectUserSid:sid, SubjectUserName, SubjectDomainName, SubjectLogonId:hex64",
    0x4020000000000000,
)
LOG_CLEARED = _eventlog(
    "System",
    104,
    "SubjectUserName, SubjectDomainName, Channel, BackupPath",
    0x8000000000000000,
)


def _services(event_id: int, text: str) -> Kind:
    return Kind(
        "System",
        "Service Control Manager",
        event_id,
        fields(text),
        guid="555908D1-A6D7-4695-8E1E-26931D2012F4",
        keywords=0x8080000000000000,
        qualifiers=16384,
        source="Service Control Manager",
    )


SERVICE_STATE = _services(7036, "param1, param2, Binary:binary")
SERVICE_INSTALLED = _services(7045, "ServiceName, ImagePath, ServiceType, StartType, AccountName")


def _classic(
    channel: str, provider: str, event_id: int, level: int, task: int = 1, qualifiers: int = 0
) -> Kind:
    return Kind(
        channel,
        provider,
        event_id,
        level=level,
        task=task,
        keywords=CLASSIC,
        qualifiers=qualifiers,
        shape="list",
    )


_DONE, _WARNED, _FAILED = 16384, 32768, 49152
MANAGEMENT = "MSExchange Management"
CMDLET = _classic(MANAGEMENT, "MSExchange CmdletLogs", 1, 4, 1, _DONE)
CMDLET_FAILED = _classic(MANAGEMENT, "MSExchange CmdletLogs", 6, 2, 1, _FAILED)
CMDLET_CRASHED = _classic(MANAGEMENT, "MSExchange CmdletLogs", 8, 2, 1, _FAILED)

ASP_NET = "ASP.NET 4.0.30319.0"
WEB_ERROR = _classic("Application", ASP_NET, 1309, 3, 3, _WARNED)
VIEWSTATE = _classic("Application", ASP_NET, 1316, 4, 3, 16384)
_ECP = "MSExchange Control Panel"
ECP_ERROR = _classic("Application", _ECP, 4, 2, 1, _FAILED)
ECP_ASYNC_BEGIN = _classic("Application", _ECP, 47, 4, 1, _DONE)
ECP_ASYNC_END = _classic("Application", _ECP, 48, 4, 1, _DONE)
_FRONT = "MSExchange Front End HTTP Proxy"
FRONT_START = _classic("Application", _FRONT, 1001, 4, 1, _DONE)
FRONT_STOP = _classic("Application", _FRONT, 1002, 4, 1, _DONE)
COMMON_ERROR = _classic("Application", "MSExchange Common", 4999, 2, 1, _FAILED)
UM_ERROR = _classic("Application", "MSExchange Unified Messaging", 1423, 2, 1, _FAILED)
MITIGATION_ERROR = _classic("Application", "MSExchange Mitigation Service", 1008, 2, 1, _FAILED)


def _worker(event_id: int, text: str, level: int) -> Kind:
    return Kind(
        "Application",
        "Microsoft-Windows-IIS-W3SVC-WP",
        event_id,
        fields(text),
        guid="670080D9-742A-4187-8D16-41143D1290BD",
        level=level,
        keywords=CLASSIC,
        qualifiers=_FAILED if level == 2 else _WARNED,
        source="W3SVC-WP",
    )


MODULE_NOT_LOADED = _worker(2282, "ModuleDll, CurrentPlatform, LoadPlatform, Binary:binary", 2)
POOL_CONFIG_GONE = _worker(2303, "AppPoolId, Binary:binary", 3)


def _config(event_id: int, text: str) -> Kind:
    return Kind(
        "Microsoft-IIS-Configuration/Operational",
        "Microsoft-Windows-IIS-Configuration",
        event_id,
        fields(text),
        guid="DC0B8E51-4863-407A-BC3C-1B479B2978AC",
    )


CONFIG_CHANGED = _config(29, "EditOperationType:u32, ConfigPath, Configuration, OldValue, NewValue")
CONFIG_COMMITTED = _config(50, "EditOperationType:u32, ConfigPath, PhysicalPath")

POWERSHELL_OPERATIONAL = "Microsoft-Windows-PowerShell/Operational"
SCRIPT_BLOCK = Kind(
    POWERSHELL_OPERATIONAL,
    "Microsoft-Windows-PowerShell",
    4104,
    fields("MessageNumber:i32, MessageTotal:i32, ScriptBlockText, ScriptBlockId, Path"),
    guid="A0C1853B-5C40-4B15-8766-3CF1C58F985A",
    version=1,
    level=5,
    task=2,
    opcode=15,
    keywords=0,
    user=SYSTEM_SID,
)
ENGINE_STATE = _classic("Windows PowerShell", "PowerShell", 400, 4, 4)
PROVIDER_STATE = _classic("Windows PowerShell", "PowerShell", 600, 4, 6)

_THREAT = fields(
    "Product Name, Product Version, Detection ID, Detection Time, Unused, Unused2, Threat ID, "
    "Threat Name, Severity ID, Severity Name, Category ID, Category Name, FWLink, Status Code, "
    "Status Description, State, Source ID, Source Name, Process Name, Detection User, Unused3, "
    "Path, Origin ID, Origin Name, Execution ID, Execution Name, Type ID, Type Name, "
    "Pre Execution Status, Action ID, Action Name, Unused4, Error Code, Error Description, "
    "Unused5, Post Clean Status, Additional Actions ID, Additional Actions String, "
    "Remediation User, Unused6, Security intelligence Version, Engine Version"
)
_SCAN = (
    "Product Name, Product Version, Scan ID, Scan Type Index, Scan Type, "
    "Scan Parameters Index, Scan Parameters, Domain, User, SID"
)


def _defender(event_id: int, names: tuple[tuple[str, str], ...], level: int) -> Kind:
    return Kind(
        "Microsoft-Windows-Windows Defender/Operational",
        "Microsoft-Windows-Windows Defender",
        event_id,
        names,
        guid="11CD958A-C507-4EF3-B3F2-5FD9DFBD2C78",
        level=level,
        user=SYSTEM_SID,
    )


THREAT_FOUND = _defender(1116, _THREAT, 3)
THREAT_ACTED = _defender(1117, _THREAT, 4)
SCAN_STARTED = _defender(1000, fields(f"{_SCAN}, Scan Resources"), 4)
SCAN_FINISHED = _defender(
    1001, fields(f"{_SCAN}, Scan Time Hours, Scan Time Minutes, Scan Time Seconds"), 4
)


def _scheduler(event_id: int, name: str, text: str, task: int, opcode: int) -> Kind:
    return Kind(
        "Microsoft-Windows-TaskScheduler/Operational",
        "Microsoft-Windows-TaskScheduler",
        event_id,
        fields(text),
        guid="DE7B24EA-73C8-4A09-985D-5BDADCFA9017",
        task=task,
        opcode=opcode,
        element=name,
        user=SYSTEM_SID,
    )


TASK_REGISTERED = _scheduler(106, "TaskRegisteredEvent", "TaskName, UserContext", 106, 0)
TASK_STARTED = _scheduler(
    200,
    "ActionStart",
    "TaskName, ActionName, TaskInstanceId:guid, EnginePID:u32",
    200,
    1,
)

SYSMON = "Microsoft-Windows-Sysmon/Operational"
_IDS = "RuleName, UtcTime, ProcessGuid:guid, ProcessId:u32, Image"
_FILE = "FileVersion, Description, Product, Company, OriginalFileName"


def _sysmon(event_id: int, version: int, text: str) -> Kind:
    return Kind(
        SYSMON,
        "Microsoft-Windows-Sysmon",
        event_id,
        fields(text),
        guid="5770385F-C22A-43E0-BF4C-06F5698FFBD9",
        version=version,
        task=event_id,
        user=SYSTEM_SID,
    )


SYSMON_PROCESS = _sysmon(
    1, 5,
    f"{_IDS}, {_FILE}, CommandLine, CurrentDirectory, User, LogonGuid:guid, LogonId:hex64, "
    "TerminalSessionId:u32, IntegrityLevel, Hashes, ParentProcessGuid:guid, ParentProcessId:u32, "
    "ParentImage, ParentCommandLine",
)  # fmt: skip
SYSMON_NETWORK = _sysmon(
    3, 5,
    f"{_IDS}, User, Protocol, Initiated:boolean, SourceIsIpv6:boolean, SourceIp, SourceHostname, "
    "SourcePort:u16, SourcePortName, DestinationIsIpv6:boolean, DestinationIp, "
    "DestinationHostname, DestinationPort:u16, DestinationPortName",
)  # fmt: skip
SYSMON_IMAGE = _sysmon(
    7, 3, f"{_IDS}, ImageLoaded, {_FILE}, Hashes, Signed, Signature, SignatureStatus"
)
SYSMON_THREAD = _sysmon(
    8, 2,
    "RuleName, UtcTime, SourceProcessGuid:guid, SourceProcessId:u32, SourceImage, "
    "TargetProcessGuid:guid, TargetProcessId:u32, TargetImage, NewThreadId:u32, StartAddress, "
    "StartModule, StartFunction",
)  # fmt: skip
SYSMON_ACCESS = _sysmon(
    10, 3,
    "RuleName, UtcTime, SourceProcessGUID:guid, SourceProcessId:u32, SourceThreadId:u32, "
    "SourceImage, TargetProcessGUID:guid, TargetProcessId:u32, TargetImage, GrantedAccess:hex32, "
    "CallTrace",
)  # fmt: skip
SYSMON_FILE = _sysmon(11, 2, f"{_IDS}, TargetFilename, CreationUtcTime")
SYSMON_DELETED = _sysmon(
    23, 5,
    "RuleName, UtcTime, ProcessGuid:guid, ProcessId:u32, User, Image, TargetFilename, Hashes, "
    "IsExecutable:boolean, Archived",
)  # fmt: skip
