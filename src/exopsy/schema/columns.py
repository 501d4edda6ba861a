"""The column lists of every log format, and how each column's bytes become a value.

The lists are what servers of 2016 and later write; older ones lack some. Parsers go by the header
of the file, never by these: they are for the lab, for rule tests and for checking that a rule's
field exists. Sources: headers of public sample logs and the vendor's log documentation.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from exopsy.schema.event import EVENT_LOG

Codec = Literal["text", "percent", "plus", "bag", "json"]
"""How a value stands in the record's bytes, beyond the format's own quoting.

``text``: as it is. ``percent``: percent-encoding (``%70``, ``%2570``, ``%u0070``), undone until the
value no longer changes. ``plus``: the same, but first every ``+`` is a space (IIS writes spaces so,
and forms do). ``bag``: inside an ``S:k=v;`` bag, quotes ``'`` doubled when the pair is wrapped.
``json``: inside a JSON text. A bag or JSON value of a URL column is percent-decoded too.
"""

Decoding = Literal["percent", "plus"]
"""How the value that rules see is made from the logged one, once CSV, bag and JSON are undone."""


class Joined(msgspec.Struct, frozen=True):
    """A field that no log writes: the values of two columns, joined."""

    fields: tuple[str, str]
    """Without the second the first stands alone; without the first there is none."""
    separator: str


class LogColumns(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of one format."""

    columns: tuple[str, ...]
    """In the order a current server writes them."""
    codecs: dict[str, Codec] = msgspec.field(default_factory=dict)
    """Columns (and derived fields) whose codec is not ``text``."""
    derived: tuple[str, ...] = ()
    """Fields that the parser takes out of a column; each value is a piece of the record's bytes."""
    derived_prefixes: tuple[str, ...] = ()
    """Prefixes of derived fields whose names come from the evidence (``Parameters.``)."""
    csv: bool = True
    """Quotes inside a cell are doubled."""
    solid: tuple[str, ...] = ()
    """Columns whose value never holds the separator as it is."""
    separated: bool = True
    """A separator stands before and behind each value; not so in a log of free text."""
    joined: dict[str, Joined] = {}
    """Further fields that a rule may name; made when a rule asks for them."""
    is_open: bool = False
    """Fields have whatever names the evidence gives them."""

    def knows(self, field: str) -> bool:
        """Say whether a field of that name can occur in a row of this format."""
        return (
            self.is_open
            or field in self.columns
            or field in self.derived
            or field in self.joined
            or field.startswith(self.derived_prefixes)
        )

    def codec(self, field: str) -> Codec:
        """Return the codec of a field."""
        found = self.codecs.get(field)
        if found is None and self.derived_prefixes and field.startswith(self.derived_prefixes):
            return "json"
        return found or "text"

    def decoding(self, field: str) -> Decoding | None:
        """Return how a field's logged value becomes the value that rules see; None if it does not.

        A bag or JSON value is percent-decoded when its name says that it is an address of the web.
        """
        codec = self.codec(field)
        if codec == "percent" or codec == "plus":
            return codec
        named = field.lower()
        return "percent" if codec != "text" and ("url" in named or named == "referrer") else None


_EXCHANGE_HTTPPROXY = """
    DateTime RequestId MajorVersion MinorVersion BuildVersion RevisionVersion ClientRequestId
    Protocol UrlHost UrlStem ProtocolAction AuthenticationType IsAuthenticated AuthenticatedUser
    Organization AnchorMailbox UserAgent ClientIpAddress ServerHostName HttpStatus BackEndStatus
    ErrorCode Method ProxyAction TargetServer TargetServerVersion RoutingType RoutingHint
    BackEndCookie ServerLocatorHost ServerLocatorLatency RequestBytes ResponseBytes
    TargetOutstandingRequests AuthModulePerfContext HttpPipelineLatency
    CalculateTargetBackEndLatency GlsLatencyBreakup TotalGlsLatency AccountForestLatencyBreakup
    TotalAccountForestLatency ResourceForestLatencyBreakup TotalResourceForestLatency ADLatency
    SharedCacheLatencyBreakup TotalSharedCacheLatency ActivityContextLifeTime
    ModuleToHandlerSwitchingLatency ClientReqStreamLatency BackendReqInitLatency
    BackendReqStreamLatency BackendProcessingLatency BackendRespInitLatency
    BackendRespStreamLatency ClientRespStreamLatency KerberosAuthHeaderLatency
    HandlerCompletionLatency RequestHandlerLatency HandlerToModuleSwitchingLatency ProxyTime
    CoreLatency RoutingLatency HttpProxyOverhead TotalRequestTime RouteRefresherLatency UrlQuery
    BackEndGenericInfo GenericInfo GenericErrors EdgeTraceId DatabaseGuid UserADObjectGuid
    PartitionEndpointLookupLatency RoutingStatus
""".split()

_EXCHANGE_ECP_SERVER = """
    TimeStamp ServerName EventId EventData
""".split()

_EXCHANGE_ECP_ACTIVITY = """
    TimeStamp ServerName EventId EventData
""".split()

_EXCHANGE_EWS = """
    DateTime RequestId MajorVersion MinorVersion BuildVersion RevisionVersion Ring
    ClientRequestId AuthenticationType IsAuthenticated AuthenticatedUser Organization UserAgent
    VersionInfo ClientIpAddress ServerHostName FrontEndServer SoapAction HttpStatus RequestSize
    ResponseSize ErrorCode ImpersonatedUser ProxyAsUser ActAsUser Cookie CorrelationGuid
    PrimaryOrProxyServer TaskType RemoteBackendCount LocalMailboxCount RemoteMailboxCount
    LocalIdCount RemoteIdCount BeginBudgetConnections EndBudgetConnections
    BeginBudgetHangingConnections EndBudgetHangingConnections BeginBudgetAD EndBudgetAD
    BeginBudgetCAS EndBudgetCAS BeginBudgetRPC EndBudgetRPC BeginBudgetFindCount
    EndBudgetFindCount BeginBudgetSubscriptions EndBudgetSubscriptions MDBResource MDBHealth
    MDBHistoricalLoad ThrottlingPolicy ThrottlingDelay ThrottlingRequestType TotalDCRequestCount
    TotalDCRequestLatency TotalMBXRequestCount TotalMBXRequestLatency RecipientLookupLatency
    ExchangePrincipalLatency HttpPipelineLatency CheckAccessCoreLatency AuthModuleLatency
    CallContextInitLatency PreExecutionLatency CoreExecutionLatency TotalRequestTime
    DetailedExchangePrincipalLatency ClientStatistics GenericInfo AuthenticationErrors
    GenericErrors Puid StartTime ProcessId TimeInGC StartTotalMemory EndTotalMemory
    StartGCCounts EndGCCounts TokenBasedThrottlingPolicy BudgetKey CoinsCharged
    CoinsChargedMethod SidBudgetInfo AppBudgetInfo TenantBudgetInfo ResourceAccessed
    ResourceHealthBasedThreshold ThrottledBy BackoffHint WorkClassification
""".split()

_EXCHANGE_RPS_CMDLET = """
    DateTime StartTime RequestId ClientRequestId MajorVersion MinorVersion BuildVersion
    RevisionVersion ServerHostName ProcessId ProcessName ThreadId CultureInfo Organization
    AuthenticatedUser ExecutingUserSid EffectiveOrganization UserServicePlan IsAdmin
    ClientApplication Cmdlet Parameters CmdletUniqueId UserBudgetOnStart ContributeToFailFast
    RunspaceSettingsCreationHint ADViewEntireForest ADRecipientViewRoot
    ADConfigurationDomainControllers ADPreferredGlobalCatalogs ADPreferredDomainControllers
    ADUserConfigurationDomainController ADUserPreferredGlobalCatalog
    ADuserPreferredDomainControllers ThrottlingInfo DelayInfo ThrottlingDelay
    IsOutputObjectRedacted CmdletProxyStage CmdletProxyRemoteServer
    CmdletProxyRemoteServerVersion CmdletProxyMethod ProxiedObjectCount CmdletProxyLatency
    OutputObjectCount ParameterBinding BeginProcessing ProcessRecord EndProcessing
    StopProcessing BizLogic PowerShellLatency UserInteractionLatency ProvisioningLayerLatency
    ActivityContextLifeTime TotalTime ErrorType ExecutionResult CacheHitCount CacheMissCount
    GenericLatency GenericInfo GenericErrors ObjectGuid ExternalDirectoryOrganizationId
    ExternalDirectoryObjectId NonPiiParameters
""".split()

_EXCHANGE_MESSAGE_TRACKING = """
    date-time client-ip client-hostname server-ip server-hostname source-context connector-id
    source event-id internal-message-id message-id network-message-id recipient-address
    recipient-status total-bytes recipient-count related-recipient-address reference
    message-subject sender-address return-path message-info directionality tenant-id
    original-client-ip original-server-ip custom-data transport-traffic-type log-id
    schema-version
""".split()

_EXCHANGE_AUDIT = """
    Timestamp Server TenantId RecordType Data UserKey RecordId Operation Workload ResultStatus
    Version Scope
""".split()

_EXCHANGE_SMTP = """
    date-time connector-id session-id sequence-number local-endpoint remote-endpoint event data
    context
""".split()

_EXCHANGE_AGENT_LOG = """
    Timestamp SessionId LocalEndpoint RemoteEndpoint EnteredOrgFromIP MessageId P1FromAddress
    P2FromAddresses Recipient NumRecipients Agent Event Action SmtpResponse Reason ReasonData
    Diagnostics NetworkMsgID TenantID Directionality
""".split()

_EXCHANGE_RPS_HTTP = """
    DateTime StartTime RequestId MajorVersion MinorVersion BuildVersion RevisionVersion
    ClientRequestId UrlHost UrlStem AuthenticationType IsAuthenticated AuthenticatedUser
    Organization ManagedOrganization ClientIpAddress ServerHostName FrontEndServer HttpStatus
    SubStatus ErrorCode Action CommandId CommandName SessionId ShellId FailFast
    ContributeToFailFast RequestBytes ClientInfo CPU Memory ActivityContextLifeTime TotalTime
    UrlQuery GenericLatency GenericInfo GenericErrors
""".split()

_EXCHANGE_AMSI = """
    DateTime MajorVersion MinorVersion BuildVersion RevisionVersion ServerHostName
    SharedCacheLatency TotalLatency HttpMethod UrlHost UrlStem UrlQuery ServerIP Protocol
    HeaderNames CookieNames ScanResult GenericInfo GenericErrors
""".split()

_EXCHANGE_IMAP4 = """
    dateTime sessionId seqNumber sIp cIp user duration rqsize rpsize command parameters context
    puid
""".split()

_IIS = """
    date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs-user-agent
    cs-referer sc-status sc-substatus sc-win32-status time-taken
""".split()

# Further columns that an administrator can switch on; names as rules use them.
_IIS_OPTIONAL = """
    s-sitename s-computername cs-version cs-host cs-cookie sc-bytes cs-bytes x-forwarded-for
""".split()

_HTTPERR = """
    date time c-ip c-port s-ip s-port cs-version cs-method cs-uri streamid sc-status s-siteid
    s-reason s-queuename
""".split()

_MAPIHTTP = """
    DateTime RequestId MajorVersion MinorVersion BuildVersion RevisionVersion ClientRequestId
    UrlHost UrlStem AuthenticationType IsAuthenticated AuthenticatedUser Organization UserAgent
    ClientIpAddress ServerHostName HttpStatus ErrorCode Method RequestType ClientInfo MailboxId
    UrlQuery GenericInfo GenericErrors
""".split()

_MITIGATION = """
    DateTime Sequence ServerName LogType MitigationId MitigationType Result Description Error
""".split()

_BAG_FIELDS = tuple(
    "TIME SID CMD REQID URL REFERRER EX ACTID RS BLD TNAME TID USID EDOID ACID PSA Bld ActID".split()
)
_ECP_CODECS: dict[str, Codec] = dict.fromkeys(_BAG_FIELDS, "bag")

# Of files: what their readers, and what is asked of them, say (``evidence.files``).
_PLACE = "Path FileName Extension".split()
_IIS_CONFIG = """
    Element Scope Section Location Action Removed Size Sha256 Modified Created Damage ServerScript
    Sections Name Type TypeName Assembly PublicKeyToken Attribute Image ImagePath ImageName
    Arguments Pattern PatternExtension Verb Modules Enabled Value CgiValue Kind Allowed Site UrlPath
    PhysicalPath UserName TokenChecking Configured ValidationKey ValidationKeySha256
    ValidationKeyDigits DecryptionKey DecryptionKeySha256 DecryptionKeyDigits Validation Decryption
    CompatibilityMode ViewStateMac EventValidation ViewStateEncryption Debug Mode LocalOnly Source
    StopProcessing MatchUrl MatchNegated Inputs Patterns ActionType ActionUrl StatusCode Ineffective
""".split()
_TRANSPORT_AGENTS = """
    Name BaseType Factory Image ImagePath ImageName Enabled Priority
""".split()
_VIRTUAL_DIRECTORY_EXPORT = """
    Name Identity Server MetabasePath ExternalUrl InternalUrl Class WhenChanged WhenChangedUtc
    WhenCreated
""".split()
_MAIL_RULE_EXPORT = """
    Name MailboxOwnerId Identity Enabled State Target ForwardTo ForwardAsAttachmentTo RedirectTo
    RedirectMessageTo BlindCopyTo CopyTo ForwardingSmtpAddress ForwardingAddress JournalEmailAddress
    DeleteMessage MoveToFolder MarkAsRead DeliverToMailboxAndForward SubjectContainsWords
    SubjectOrBodyContainsWords WhenChanged
""".split()
_SCHEDULED_TASK = """
    TaskName Author Date Description UserId GroupId RunLevel Hidden Enabled Triggers Action Command
    Arguments CommandLine ImagePath ImageName WorkingDirectory ClassId
""".split()
_SCANNER_LOG = "Scanner Threat Action Result Time Target TargetPath Process".split()
_WEB_PAGE = "Path FileName Extension Size Sha256 Modified Created".split()
_EXCHANGE_BINARY = """
    FixedVersion FileVersion ProductVersion ProductName OriginalFilename CompanyName Build
""".split()
_EXCHANGE_SETUP = "SetupVersion InstalledVersion Mode User Result Build".split()
_KNOWN_GOOD = "KnownGood KnownPlace KnownBuilds KnownAt KnownBy KnownRange".split()

_PAGE_WEIGHED = """
    Score Level Reasons ReasonNames Sinks Sources Tricks Language Encoding Includes Decoded FirstLine
    Cut Yara YaraLevel YaraTitles
""".split()


def _of_file(columns: list[str]) -> LogColumns:
    return LogColumns(columns=(*_PLACE, *columns), csv=False, separated=False)


_FILE = "Path FileName Extension Size Modified Created".split()
_COMPILED_PAGE = "Sha256 VirtualPath Assembly Type Depends SourceMissing".split()
_COMPILED_ASSEMBLY = "Sha256 VirtualPath PagePath Classes Built SourceMissing".split()
_DATA_FILE = "Sha256 Format Encrypted Process Root Holds".split()
# Of listings: what the late step adds is the page's address and whether the file was collected.
_LISTED = "State VirtualPath Collected".split()
_FILE_TABLE = """
    SiCreated SiModified SiChanged FnCreated FnModified SetBack WholeSeconds Record
""".split()
_CHANGE_JOURNAL = "Reason Parent Record".split()
_COPY_LIST = "Sha1 Reason".split()

COLUMNS: dict[str, LogColumns] = {
    "iis-w3c": LogColumns(
        columns=(*_IIS, *_IIS_OPTIONAL),
        codecs={
            "cs-uri-stem": "percent",
            "cs-uri-query": "plus",
            "cs-user-agent": "plus",
            "cs-referer": "plus",
            "cs-cookie": "plus",
            "cs-username": "percent",
            "cs-uri": "plus",
        },
        derived=("cafeReqId",),
        joined={"cs-uri": Joined(("cs-uri-stem", "cs-uri-query"), "?")},
        csv=False,
        solid=("cs-method", "cs-uri-stem", "c-ip", "sc-status"),
    ),
    "httperr": LogColumns(columns=tuple(_HTTPERR), codecs={"cs-uri": "percent"}, csv=False),
    "exchange-httpproxy": LogColumns(
        columns=tuple(_EXCHANGE_HTTPPROXY),
        codecs={"UrlStem": "percent", "UrlQuery": "plus", "AnchorMailbox": "percent"},
    ),
    "exchange-ecp-server": LogColumns(
        columns=tuple(_EXCHANGE_ECP_SERVER), codecs=_ECP_CODECS, derived=_BAG_FIELDS
    ),
    "exchange-ecp-activity": LogColumns(
        columns=tuple(_EXCHANGE_ECP_ACTIVITY), codecs=_ECP_CODECS, derived=_BAG_FIELDS
    ),
    "exchange-ews": LogColumns(columns=tuple(_EXCHANGE_EWS)),
    "exchange-rps-http": LogColumns(
        columns=tuple(_EXCHANGE_RPS_HTTP),
        codecs={"UrlStem": "percent", "UrlQuery": "plus"},
    ),
    "exchange-rps-cmdlet": LogColumns(columns=tuple(_EXCHANGE_RPS_CMDLET)),
    "exchange-rps-authz": LogColumns(
        columns=tuple(_EXCHANGE_RPS_HTTP),
        codecs={"UrlStem": "percent", "UrlQuery": "plus"},
    ),
    "exchange-oab-generator": LogColumns(columns=("timestamp", "message"), separated=False),
    "exchange-message-tracking": LogColumns(columns=tuple(_EXCHANGE_MESSAGE_TRACKING)),
    "exchange-audit": LogColumns(
        columns=tuple(_EXCHANGE_AUDIT),
        codecs=dict.fromkeys(("ObjectId", "UserId", "ClientIP", "LogonType"), "json"),
        derived=("ObjectId", "UserId", "ClientIP", "LogonType"),
        derived_prefixes=("Parameters.",),
    ),
    "exchange-amsi": LogColumns(
        columns=tuple(_EXCHANGE_AMSI), codecs={"UrlStem": "percent", "UrlQuery": "plus"}
    ),
    "exchange-mitigation": LogColumns(columns=tuple(_MITIGATION)),
    "exchange-mapihttp": LogColumns(
        columns=tuple(_MAPIHTTP), codecs={"UrlStem": "percent", "UrlQuery": "plus"}
    ),
    "exchange-imap4": LogColumns(columns=tuple(_EXCHANGE_IMAP4)),
    "exchange-pop3": LogColumns(columns=tuple(_EXCHANGE_IMAP4)),
    "exchange-smtp": LogColumns(columns=tuple(_EXCHANGE_SMTP)),
    "exchange-agent-log": LogColumns(columns=tuple(_EXCHANGE_AGENT_LOG)),
    "compiled-page": LogColumns(columns=(*_FILE, *_COMPILED_PAGE), csv=False, separated=False),
    "compiled-assembly": LogColumns(
        columns=(*_FILE, *_COMPILED_ASSEMBLY), csv=False, separated=False
    ),
    "data-file": LogColumns(columns=(*_FILE, *_DATA_FILE), csv=False, separated=False),
    "file-table": LogColumns(columns=(*_FILE, *_LISTED, *_FILE_TABLE), csv=False, separated=False),
    "change-journal": LogColumns(
        columns=(*_FILE, *_LISTED, *_CHANGE_JOURNAL), csv=False, separated=False
    ),
    "copy-list": LogColumns(columns=(*_FILE, *_LISTED, *_COPY_LIST), csv=False, separated=False),
    "web-page": LogColumns(
        columns=(*_WEB_PAGE, *_KNOWN_GOOD, *_PAGE_WEIGHED), csv=False, separated=False
    ),
    "exchange-binary": LogColumns(
        columns=(*_WEB_PAGE, *_EXCHANGE_BINARY), csv=False, separated=False
    ),
    "exchange-setup": LogColumns(
        columns=("Path", "FileName", "Extension", *_EXCHANGE_SETUP), csv=False, separated=False
    ),
    "transport-agents": _of_file(_TRANSPORT_AGENTS),
    "iis-config": _of_file(_IIS_CONFIG),
    "scheduled-task": _of_file(_SCHEDULED_TASK),
    "virtual-directory-export": _of_file(_VIRTUAL_DIRECTORY_EXPORT),
    "mail-rule-export": _of_file(_MAIL_RULE_EXPORT),
    "scanner-log": _of_file(_SCANNER_LOG),
    EVENT_LOG: LogColumns(
        columns=(),
        csv=False,
        separated=False,
        joined={"ObjectPath": Joined(("ObjectName", "ObjectValueName"), "\\")},
        is_open=True,
    ),
}
"""By format name (``evidence.registry``)."""
