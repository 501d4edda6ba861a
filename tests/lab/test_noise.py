from collections import Counter
from datetime import date

from exopsy.lab.noise import USER_SHARES

RATE = 2000  # as in conftest
MONDAY = date(2021, 3, 1)


def test_volumes_and_shares_are_near_the_model(lab_of):
    lab = lab_of("quiet", 1, start=MONDAY)
    front = list(lab.rows("W3SVC1"))
    heartbeats = 2 * 24 * 10
    assert abs(len(front) / 2 - heartbeats - RATE) < 0.1 * RATE
    proxy = list(lab.rows("/HttpProxy/"))
    probes = sum(
        "HealthMailbox" in r["AuthenticatedUser"] or "AMProbe" in r["UserAgent"] for r in proxy
    )
    refused = sum(r["HttpStatus"] == "401" for r in proxy)
    balancer = sum(r["ClientIpAddress"].startswith("10.20.0.25") for r in proxy)
    total = len(proxy) - 2 * heartbeats
    assert 0.45 < (probes - 2 * heartbeats) / total < 0.62
    assert 0.18 < refused / total < 0.28
    assert 0.07 < balancer / total < 0.14
    users = Counter(
        r["Protocol"]
        for r in proxy
        if r["AuthenticatedUser"] and "HealthMailbox" not in r["AuthenticatedUser"]
    )
    share = users["Mapi"] / users.total()
    assert abs(share - USER_SHARES["Mapi"]) < 0.12


def test_innocent_things_that_look_odd_are_there(lab_of):
    lab = lab_of("quiet", 1, start=MONDAY)
    front = list(lab.rows("W3SVC1"))
    assert any(
        "autodiscover.json/v1.0/" in r["cs-uri-stem"] and "@" in r["cs-uri-stem"] for r in front
    )
    assert any(r["cs-uri-stem"].startswith("/owa/auth/15.1.2106/") for r in front)
    assert any("büro" in r["cs-username"] for r in front)
    assert any(r["AuthenticatedUser"].endswith("EX02$") for r in lab.rows("/HttpProxy/"))
    assert any(
        r["ImpersonatedUser"] and "svc-archive" in r["AuthenticatedUser"]
        for r in lab.rows("Ews/Ews_")
    )
    assert any("Error:Sync folder" in r["cs-uri-query"] for r in lab.rows("W3SVC2"))
