from __future__ import annotations

import pytest

from exopsy.sources import host_hint, plain_path, site_hint

LOG = "inetpub/logs/LogFiles/W3SVC1/u_ex210303.log"


@pytest.mark.parametrize(
    ("path", "host"),
    [
        # KAPE
        (f"EX01/C/{LOG}", "EX01"),
        (f"2021-03-10T101112_EX01/C/{LOG}", "EX01"),
        (f"2021-03-10T10_11_12_EX01/C/{LOG}", "EX01"),
        (f"2021-03-10T101112_EX01.zip!/C/{LOG}", "EX01"),
        (f"kape/EX01/tdest/C/{LOG}", "EX01"),
        (f"EX01.zip!/tdest.zip!/D/{LOG}", "EX01"),
        # Velociraptor: offline collector, server export
        (
            f"Collection-EX01_example_com-2021-03-10T10_11_12Z.zip!/uploads/auto/C%3A/{LOG}",
            "EX01",
        ),
        (
            "Collection-EX01.example.com-2021-03-10T10_11_12_Z.zip!/uploads/ntfs/"
            f"%5C%5C.%5CC%3A/{LOG}",
            "EX01",
        ),
        (f"Collection-SRV_EX01-2021-03-10T10_11_12Z/uploads/auto/C%3A/{LOG}", "SRV_EX01"),
        (f"EX01-C.0123456789abcdef-F.C1ABC.zip!/uploads/auto/C%3A/{LOG}", "EX01"),
        (f"clients/C.0123456789abcdef/collections/F.C1/uploads/auto/C%3A/{LOG}", None),
        # ExchangeLogCollector
        ("EX01/IIS_W3SVC1_Logs/u_ex210303.log", "EX01"),
        ("20210310101112/EX01/ECP_Logs/ECPServer20210303-1.LOG", "EX01"),
        ("MyExchangeLogs/20210310/EX01/Message_Tracking_Logs.zip!/MSGTRK2021-1.LOG", "EX01"),
        ("20210310/Hub_Receive_Protocol_Logs/RECV2021-1.LOG", None),
        # a folder per server
        ("EX01/W3SVC1/u_ex210303.log", "EX01"),
        ("case-7/mail2.example.com/Logging/HttpProxy/Owa/HttpProxy_1.LOG", "mail2"),
        # renamed, flattened: the path doesn't say
        (f"C/{LOG}", None),
        (f"evidence/C/{LOG}", None),
        ("u_ex210303.log", None),
        ("logs/W3SVC1/u_ex210303.log", None),
        ("from the customer/W3SVC1/u_ex210303.log", None),
        ("2021-03-10/W3SVC1/u_ex210303.log", None),
        ("something/u_ex210303.log", None),
        ("EX01_u_ex210303.log", None),
    ],
)
def test_the_host_is_named_where_the_layout_says_so(path: str, host: str | None) -> None:
    assert host_hint(path) == host


@pytest.mark.parametrize(
    ("path", "site"),
    [
        (f"EX01/C/{LOG}", "W3SVC1"),
        ("EX01/IIS_W3SVC2_Logs/u_ex210303.log", "W3SVC2"),
        ("EX01/IIS_W3SVC2_Logs.zip!/u_ex210303.log", "W3SVC2"),
        ("w3svc12/u_ex210303.log", "W3SVC12"),
        ("old/W3SVC1/copy/W3SVC2/u_ex210303.log", "W3SVC2"),
        ("u_ex210303.log", ""),
        ("W3SVC1_u_ex210303.log", ""),
        ("HTTPERR/httperr1.log", ""),
    ],
)
def test_the_site_is_that_of_the_nearest_folder(path: str, site: str) -> None:
    assert site_hint(path) == site


@pytest.mark.parametrize(
    ("path", "plain"),
    [
        ("a.zip!/uploads/auto/C%3A/x%25y.log", "a.zip!/uploads/auto/C/x%y.log"),
        ("uploads/ntfs/%5C%5C.%5CC%3A/x.log", "uploads/ntfs/C/x.log"),
        ("uploads/auto/C%3A/..%2F..%2Fetc", "uploads/auto/C/.._.._etc"),
        ("EX01/50%25.log", "EX01/50%25.log"),
    ],
)
def test_velociraptors_percent_encoding_is_undone_where_it_is_one(path: str, plain: str) -> None:
    assert plain_path(path) == plain
