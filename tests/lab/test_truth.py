"""The truth is recounted from the written lines, without the lab's own code."""

import re
from collections import defaultdict
from urllib.parse import unquote

import pytest

from exopsy.lab.scenarios import SCENARIOS

INTRUSIONS = ["proxylogon", "proxyshell", "proxynotshell", "rotated"]
SEEDS = [1, 2, 5]


def shell_rows(lab, path):
    for row in lab.rows("W3SVC1"):
        if unquote(row["cs-uri-stem"]).lower() == path.lower():
            query = re.sub(r"&CorrelationID=.*", "", row["cs-uri-query"])
            used = row["sc-status"] == "200" and (row["cs-method"] == "POST" or "=" in query)
            yield f"{row['date']}T{row['time']}Z", row["c-ip"], used


@pytest.mark.parametrize("parameters", ["default", "measure"])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", INTRUSIONS)
def test_shell_requests_uses_and_users_are_what_the_lines_say(lab_of, name, seed, parameters):
    lab = lab_of(name, seed, parameters)
    shells = [b for b in lab.host.backdoors if b.kind == "web-shell"]
    assert len(shells) == 1
    for shell in shells:
        rows = list(shell_rows(lab, shell.path))
        uses = [r for r in rows if r[2]]
        assert (len(rows), len(uses)) == (shell.requests, shell.uses)
        assert (min(uses)[0], max(uses)[0]) == (shell.first_use, shell.last_use)
        who = {a: o.id for o in lab.host.operators for a in o.addresses}
        kinds = defaultdict(set)
        for _, address, used in rows:
            kinds[who[address]].add(used)
        assert sorted(o for o, k in kinds.items() if True in k) == shell.used_by
        assert sorted(o for o, k in kinds.items() if True not in k) == shell.probed_by


@pytest.mark.parametrize("seed", SEEDS)
def test_operators_never_share_an_address_with_anybody_else(lab_of, seed):
    lab = lab_of("proxylogon", seed)
    addresses = [a for o in lab.host.operators for a in o.addresses]
    assert len(addresses) == len(set(addresses))
    shells = {b.path.lower() for b in lab.host.backdoors}
    chain = {
        r["ClientIpAddress"]
        for r in lab.rows("/HttpProxy/")
        if r["RoutingHint"] == "X-BEResource-Cookie"
    }
    for row in lab.rows("W3SVC1"):
        if row["c-ip"] in addresses and row["c-ip"] not in chain:
            assert unquote(row["cs-uri-stem"]).lower() in shells


def test_one_user_of_the_shell_has_two_addresses_of_one_network_and_one_agent(lab_of):
    lab = lab_of("proxylogon")
    pair = next(o for o in lab.host.operators if len(o.addresses) == 2)
    assert len({a.rpartition(".")[0] for a in pair.addresses}) == 1
    assert (
        len({r["cs(User-Agent)"] for r in lab.rows("W3SVC1") if r["c-ip"] in pair.addresses}) == 1
    )


def test_proxylogon_legs_are_in_all_logs(lab_of):
    lab = lab_of("proxylogon")
    legs = [r for r in lab.rows("/HttpProxy/") if r["RoutingHint"] == "X-BEResource-Cookie"]
    assert {r["HttpStatus"] for r in legs} == {"200", "241"}
    assert all(
        r["AnchorMailbox"].startswith("ServerInfo~a]@") and not r["AuthenticatedUser"] for r in legs
    )
    commands = [r["EventData"] for r in lab.rows("ECP/Server")]
    assert any(
        "'S:CMD=Set-OabVirtualDirectory.ExternalUrl=''http" in c and "<script" in c
        for c in commands
    )
    assert any("schema=ResetOABVirtualDirectory" in c for c in commands)
    assert any(
        "Reset" in r["cs-uri-query"] and r["cs-username"].endswith("$") for r in lab.rows("W3SVC2")
    )
    assert lab.host.first_entry[:19] == min(r["DateTime"] for r in legs)[:19]


def test_rotated_holds_nothing_of_the_first_day_but_the_shell_is_used(lab_of):
    lab = lab_of("rotated")
    assert {r["date"] for r in lab.rows("W3SVC1")} == {lab.truth.since}
    assert not [r for r in lab.rows("/HttpProxy/") if r["RoutingHint"].startswith("X-BE")]
    assert lab.host.first_entry is None and not lab.host.chains
    assert lab.host.backdoors[0].planted_by is None and lab.host.backdoors[0].uses
    assert not any(o.planted for o in lab.host.operators)


def test_a_patched_server_shows_the_new_build_a_day_before_anybody_comes(lab_of):
    lab = lab_of("patched-before-attack")
    rows = list(lab.rows("/HttpProxy/"))
    patched = min(r["DateTime"] for r in rows if r["RevisionVersion"] == "13")
    attack = [r for r in rows if r["RoutingHint"] == "X-BEResource-Cookie"]
    assert attack and min(r["DateTime"] for r in attack)[:10] > patched[:10]
    assert {r["HttpStatus"] for r in attack} <= {"500", "400", "302", "404"}
    assert {r["RevisionVersion"] for r in rows if r["DateTime"] < patched} == {"2"}
    assert any(b"#Version: 15.01.2106.013" in p.read_bytes() for p in lab.files("HttpProxy"))


def test_mass_scanners_get_nothing_and_are_no_operators(lab_of):
    lab = lab_of("scanned-only")
    hostile = [
        r
        for r in lab.rows("W3SVC1")
        if (
            r["cs-uri-stem"].endswith(".aspx")
            and r["cs-uri-stem"].startswith(("/aspnet_client", "/ecp/auth"))
        )
        or (
            r["cs-uri-stem"] == "/autodiscover/autodiscover.json"
            and "Protocol=" not in r["cs-uri-query"]
        )
        or re.fullmatch(r"/(ecp|owa/auth)/\w{1,5}\.js", r["cs-uri-stem"])
    ]
    assert len(hostile) > 60
    assert {r["sc-status"] for r in hostile} <= {"302", "400", "401", "404", "500"}
    assert not lab.host.operators and not lab.host.backdoors


def test_remote_powershell_chains_leave_their_client_and_cmdlets(lab_of):
    for name in ("proxyshell", "owassrf"):
        lab = lab_of(name)
        clients = {r["ClientInfo"] for r in lab.rows("Rps_Http_")}
        assert len(clients - {"Microsoft WinRM Client"}) == 1
        cmdlets = {r["Cmdlet"]: r["Parameters"] for r in lab.rows("Rps_Cmdlet_")}
        assert '-Role "' in cmdlets["New-ManagementRoleAssignment"]
        target = ".aspx" if name == "proxyshell" else ".pst"
        assert target in cmdlets["New-MailboxExportRequest"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_conclusions_follow_the_ladder(lab_of, scenario):
    host = lab_of(scenario.name).host
    expected = {
        "quiet": "no-evidence-found",
        "scanned-only": "attempted",
        "patched-before-attack": "attempted",
    }
    assert host.conclusion == expected.get(scenario.name, "compromised")
    assert host.conclusion_without_since == (
        "compromised" if scenario.is_intrusion else "inconclusive"
    )
    grades = {c.chain: c.grade for c in host.chains}
    if scenario.is_intrusion and scenario.name != "rotated":
        assert grades[scenario.chain] == "use"
    else:
        assert set(grades.values()) <= {"attempt"}


@pytest.mark.parametrize("name", ["quiet", "proxyshell", "owassrf"])
def test_a_cmdlet_and_the_request_that_ran_it_share_their_id(lab_of, name):
    lab = lab_of(name)
    requests = {r["RequestId"]: r for r in lab.rows("Rps_Http_")}
    for row in lab.rows("Rps_Cmdlet_"):
        assert requests[row["RequestId"]]["CommandName"] == row["Cmdlet"]
