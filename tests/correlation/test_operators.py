"""Who is whose: merging, rivals, hubs, rows without an address."""

import pytest

from exopsy.schema.pivot import Hub, PivotKey
from exopsy.schema.rule import RuleInfo

A, A2, B, C = "198.51.100.7", "198.51.100.77", "203.0.113.9", "192.0.2.200"
RID = "0f0e0d0c-0000-4000-8000-00000000000a"


def test_rare_agent_same_shell_same_network_is_one_operator(lab):
    rows = [lab.hit(60, A, user_agent="odd/1"), lab.hit(70, A2, user_agent="odd/1")]
    (operator,) = lab.story([lab.used()], rows).operators
    assert operator.addresses == [A, A2]
    (sentence,) = operator.merged_because
    assert "odd/1" in sentence
    assert "198.51.100.0/24" in sentence


def test_a_common_agent_merges_nobody(lab):
    rows = [lab.hit(60, A, user_agent="odd/1"), lab.hit(70, A2, user_agent="odd/1"),
            lab.row(75, B, stem="/owa/", status=200, method="GET", user_agent="odd/1")]  # fmt: skip
    out = lab.story([lab.used()], rows)
    assert [o.addresses for o in out.operators] == [[A], [A2]]


def test_a_comma_blanked_by_the_proxy_log_is_the_same_agent(lab):
    rows = [lab.hit(60, A, user_agent="odd/1 (KHTML, like Gecko)"),
            lab.hit(70, A2, log="exchange-httpproxy", user_agent="odd/1 (KHTML  like Gecko)")]  # fmt: skip
    (operator,) = lab.story([lab.used()], rows).operators
    assert operator.user_agents == ["odd/1 (KHTML, like Gecko)"]


def test_same_agent_from_two_networks_is_a_rival_not_a_friend(lab):
    rows = [lab.hit(60, A, user_agent="odd/1"), lab.hit(70, B, user_agent="odd/1")]
    out = lab.story([lab.used()], rows)
    assert [(o.id, o.rival) for o in out.operators] == [("O1", "O2"), ("O2", "O1")]


def test_no_rivals_where_three_networks_share_the_agent(lab):
    rows = [lab.hit(60 + n, who, user_agent="odd/1") for n, who in enumerate((A, B, C))]
    assert [o.rival for o in lab.story([lab.used()], rows).operators] == [None] * 3


def test_same_account_is_one_operator_but_not_a_machine_account(lab):
    def operators(user):
        rows = [
            lab.row(4, A, "door", "success", stem="/d", status=200, user=user),
            lab.row(9, B, "door", "success", stem="/d", status=200, user=user),
        ]
        return lab.story([lab.finding("door", "success", 4, 9)], rows).operators

    (one,) = operators("user@example.com")
    assert one.addresses == [A, B]
    assert one.merged_because == [f"{A}, {B}: same account, user@example.com"]
    assert len(operators(r"EXAMPLE\EX01$")) == 2


def test_nothing_is_merged_through_a_hub(lab):
    hub = Hub(key=PivotKey(kind="address", value=A), rows=90_000)
    rows = [
        lab.row(4, A, "door", "success", stem="/d", status=200, user="user@example.com"),
        lab.row(9, B, "door", "success", stem="/d", status=200, user="user@example.com"),
    ]
    out = lab.story([lab.finding("door", "success", 4, 9)], rows, hubs=[hub])
    assert [o.addresses for o in out.operators] == [[A], [B]]
    assert any(A in note and "O1" in note for note in out.notes)


def test_the_proxy_log_names_the_client_behind_a_load_balancer(lab):
    hub = Hub(key=PivotKey(kind="address", value=A), rows=90_000)
    rows = [
        lab.hit(60, A, request_id=RID),
        lab.hit(60, B, log="exchange-httpproxy", request_id=RID),
    ]
    out = lab.story([lab.used()], rows, hubs=[hub])
    assert [o.addresses for o in out.operators] == [[B]]
    assert out.backdoors[0].requests == 1


@pytest.mark.parametrize("trusted", [[B], ["203.0.113.0/24"]])
def test_trusted_addresses_are_never_operators(lab, trusted):
    out = lab.story([lab.used()], [lab.hit(60, A), lab.hit(70, B)], trusted=trusted)
    assert [o.addresses for o in out.operators] == [[A]]
    assert out.backdoors[0].requests == 1
    assert any("trusted" in note for note in out.notes)


def test_a_back_end_row_belongs_to_the_client_of_its_request(lab):
    rows = [
        lab.row(4, B, "door", "attempt", stem="/x", status=200, request_id=RID),
        lab.row(4, "10.0.0.5", "door", "success", stem="/back", status=200, site="W3SVC2",
                request_id=RID),
    ]  # fmt: skip
    (operator,) = lab.story([lab.finding("door", "success", 4)], rows).operators
    assert operator.addresses == [B]


def test_a_back_end_row_without_request_makes_no_operator_beside_an_active_one(lab):
    near = lab.row(4.5, "10.0.0.5", "door", "success", stem="/back", status=200, site="W3SVC2")
    far = lab.row(9, "10.0.0.5", "door", "success", stem="/back", status=200, site="W3SVC2")
    front = lab.row(4, B, "door", "success", stem="/x", status=200)
    findings = [lab.finding("door", "success", 4, 9)]
    assert [o.addresses for o in lab.story(findings, [front, near]).operators] == [[B]]
    out = lab.story(findings, [front, far]).operators
    assert [o.addresses for o in out] == [[B], ["10.0.0.5"]]


def cmdlet(lab, minutes, user="user@example.com"):
    return lab.row(
        minutes, "", "plant", "success", log="exchange-rps-cmdlet", user=user, what="X-Y"
    )


def test_a_cmdlet_goes_to_the_nearest_success_of_its_chain(lab):
    rows = [
        lab.row(0, A, "door", "success", stem="/d", status=200),
        lab.row(20, B, "door", "success", stem="/d", status=200),
        cmdlet(lab, 22),
    ]
    findings = [
        lab.finding("door", "success", 0, 20, number=1),
        lab.finding("plant", "success", 22, number=2, log="exchange-rps-cmdlet"),
    ]
    out = lab.story(findings, rows)
    assert [(o.addresses, o.accounts) for o in out.operators] == [
        ([A], []), ([B], ["user@example.com"])]  # fmt: skip
    assert out.chains[0].operator_ids == ["O1", "O2"]


def test_a_cmdlet_nobody_fits_is_an_operator_without_an_address(lab):
    rows = [lab.row(0, A, "door", "success", stem="/d", status=200), cmdlet(lab, 10.1)]
    out = lab.story([lab.finding("plant", "success", 10)], rows)
    assert [(o.addresses, o.accounts) for o in out.operators] == [
        ([A], []), ([], ["user@example.com"])]  # fmt: skip
    assert any("O2 has no address" in note for note in out.notes)


def test_a_cmdlet_far_in_time_goes_to_whoever_is_known_by_its_account(lab):
    door = lab.row(0, A, "door", "success", stem="/d", status=200, user="user@example.com")
    out = lab.story([lab.finding("plant", "success", 300)], [door, cmdlet(lab, 300)])
    assert [o.addresses for o in out.operators] == [[A]]


def test_a_faint_rule_makes_no_operator(lab):
    rows = [lab.row(0, A, "faint", "use", stem="/d", status=200)]
    assert lab.story([lab.finding("faint", "use", 0)], rows).operators == []


def test_an_aggregate_that_names_an_address_makes_an_operator(lab):
    found = lab.finding("mailrule", "use", 0, 90, subject={"ClientIpAddress": A, "rule": "r"})
    (operator,) = lab.story([found], []).operators
    assert (operator.addresses, operator.last_seen) == ([A], "2021-03-03T05:30:00Z")


def test_sessions_break_at_a_pause_of_thirty_minutes(lab):
    rows = [lab.hit(m, A) for m in (60, 75, 105, 136)]
    sessions = lab.story([lab.used()], rows).sessions
    assert [(s.from_[11:16], s.to[11:16], s.requests) for s in sessions] == [
        ("05:00", "05:45", 3), ("06:16", "06:16", 1)]  # fmt: skip
    assert sessions[0].backdoor_ids == ["B1"]


def test_a_private_client_that_the_front_end_knows_is_no_server(lab):
    rows = [
        lab.row(4, "10.0.0.9", "door", "success", stem="/back", status=200, site="W3SVC2"),
        lab.row(5, "10.0.0.9", stem="/owa/", status=200),
        lab.row(4.1, A, "door", "success", stem="/x", status=200),
    ]
    out = lab.story([lab.finding("door", "success", 4)], rows).operators
    assert [o.addresses for o in out] == [["10.0.0.9"], [A]]


def test_an_action_is_never_put_on_another_address(lab):
    findings = [
        lab.finding("door", "success", 4, number=1, subject={"c-ip": A, "s": "/x"}),
        lab.finding("door", "success", 4, number=2, subject={"c-ip": B, "s": "/y"}),
    ]
    rows = [
        lab.row(4, A, "door", "success", stem="/y", status=200),
        lab.row(5, B, "door", "success", stem="/y", status=200),
    ]
    out = lab.story(findings, rows).operators
    assert [[a.finding_id for a in o.actions] for o in out] == [["F1"], ["F2"]]


def test_a_building_block_makes_no_operator(lab):
    rules = lab.RULES | {
        "block": RuleInfo(id="block", title="b", level="high", building_block=True)
    }
    rows = [lab.row(0, A, "block", "use", stem="/d", status=200)]
    assert lab.story([], rows, rules=rules).operators == []


def test_a_server_named_by_an_aggregate_is_one_operator(lab):
    found = lab.finding("mailrule", "use", 0, subject={"ip": "10.0.0.5", "rule": "r"})
    back = lab.row(9, "10.0.0.5", "door", "success", stem="/back", status=200, site="W3SVC2")
    out = lab.story([found], [back]).operators
    assert [o.addresses for o in out] == [["10.0.0.5"]]


def test_the_nearest_success_is_found_among_interleaved_operators(lab):
    rows = [
        lab.row(m, who, "door", "success", stem="/d", status=200)
        for m, who in ((0, B), (2, A), (4, B), (6, A), (40, A), (45, B))
    ]
    found = [lab.finding("plant", "success", 41, number=1, log="exchange-rps-cmdlet")]
    out = lab.story(found, [*rows, cmdlet(lab, 41)])
    assert [(o.addresses, o.accounts) for o in out.operators] == [
        ([B], []), ([A], ["user@example.com"])]  # fmt: skip


def test_what_happens_on_the_machine_belongs_to_the_only_request_of_that_moment(lab):
    def owners(*others, after=0.05):
        made = lab.row(
            60 + after, "", "mailrule", "use", log="windows-event", user="IIS APPPOOL\\x"
        )
        rows = sorted([lab.hit(60, A), *others, made], key=lambda row: row.time)
        findings = [lab.used(), lab.finding("mailrule", "use", 60, 61, log="windows-event")]
        return [o.addresses for o in lab.story(findings, rows).operators]

    assert owners() == [[A]]
    assert owners(lab.hit(60.04, B)) == [[A], [B], []]
    assert owners(after=0.2) == [[A], []]
