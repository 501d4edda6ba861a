"""The ledger: planters, users, probers, counts."""

import msgspec

A, B, C, D = "192.0.2.7", "198.51.100.8", "203.0.113.9", "203.0.113.200"


def ids_by_address(story):
    return {address: o.id for o in story.operators for address in o.addresses}


def test_three_users_of_one_shell(lab):
    rows = [lab.hit(60, A), lab.hit(70, B), lab.hit(80, C), lab.hit(90, A)]
    out = lab.story([lab.used()], rows)
    (shell,) = out.backdoors
    assert [o.addresses for o in out.operators] == [[A], [B], [C]]
    assert shell.used_by == ["O1", "O2", "O3"]
    assert shell.requests == 4
    assert (shell.first_use, shell.last_use) == ("2021-03-03T05:00:00Z", "2021-03-03T05:30:00Z")
    assert shell.probed_by == []
    assert shell.planted_by is None
    assert shell.state == "unknown"


def test_whoever_gets_no_answer_is_a_prober_not_a_user(lab):
    rows = [
        lab.hit(60, A),
        lab.hit(61, B, 404),
        lab.hit(62, C, 302, "GET"),
        lab.hit(63, D, 200, "GET"),
    ]
    (shell,) = lab.story([lab.used()], rows).backdoors
    assert shell.used_by == ["O1"]
    assert shell.probed_by == ["O2", "O3", "O4"]
    assert shell.requests == 1


def test_names_that_never_existed_make_no_operator(lab):
    rows = [lab.hit(60, A), lab.hit(61, B, 404, stem="/aspnet_client/other.aspx")]
    out = lab.story([lab.used()], rows)
    assert [o.addresses for o in out.operators] == [[A]]


def test_attempts_alone_make_neither_operator_nor_backdoor(lab):
    rows = [lab.row(0, A, "door", "attempt", stem="/x", status=404)]
    out = lab.story([lab.finding("door", "attempt", 0)], rows)
    assert (out.operators, out.backdoors, out.sessions) == ([], [], [])
    assert [(c.grade, c.operator_ids) for c in out.chains] == [("attempt", [])]


def test_get_is_use_only_by_rule_and_with_a_query_of_its_own(lab):
    def ledger(query, rule):
        rows = [lab.hit(60, A), lab.hit(70, B, 200, "GET", query=query, **rule)]
        (shell,) = lab.story([lab.used()], rows, ignored_tokens=["cafeReqId", "encoding"]).backdoors
        return shell.used_by

    graded = {"rule": "shell", "grade": "use"}
    assert ledger("cmd=x", graded) == ["O1", "O2"]
    assert ledger("cmd=x", {}) == ["O1"]
    assert ledger("&cafeReqId=0-1;&encoding=;", graded) == ["O1"]
    assert ledger("", graded) == ["O1"]


def test_one_request_in_two_logs_counts_once(lab):
    rid = "0f0e0d0c-0000-4000-8000-000000000001"
    rows = [
        lab.hit(60, A, request_id=rid),
        lab.hit(60, A, log="exchange-httpproxy", request_id=rid),
        lab.hit(60, "127.0.0.1", site="W3SVC2", request_id=rid),
        # no ids: joined by client, path, status and time
        lab.hit(61, A),
        lab.hit(61 + 1 / 60, A, log="exchange-httpproxy"),
        # the back end's client is the server itself
        lab.hit(61 + 1 / 60, "10.0.0.5", site="W3SVC2"),
        # same log, same second: two requests
        lab.hit(62, A),
        lab.hit(62, A),
        # too far apart
        lab.hit(63, A),
        lab.hit(63.1, A, log="exchange-httpproxy"),
    ]
    out = lab.story([lab.used()], rows)
    assert out.backdoors[0].requests == 6
    assert [o.addresses for o in out.operators] == [[A]]


def test_two_fast_requests_in_two_logs_are_two(lab):
    second = 1 / 60
    rows = [
        lab.hit(60, A), lab.hit(60, A),
        lab.hit(60 + 0.2 * second, A, log="exchange-httpproxy"),
        lab.hit(60 + 0.8 * second, A, log="exchange-httpproxy"),
    ]  # fmt: skip
    assert lab.story([lab.used()], rows).backdoors[0].requests == 2


def test_planter_named_by_cmdlet_path(lab):
    cmdlet = lab.row(
        5, "", "plant", "success", log="exchange-rps-cmdlet", user="user@example.com",
        what="New-MailboxExportRequest", detail=f'-FilePath "{lab.ON_DISK}"',
    )  # fmt: skip
    rows = [lab.row(4, A, "door", "success", stem="/d", status=200), cmdlet, lab.hit(60, B)]
    findings = [
        lab.finding("door", "success", 4, number=1, subject={"c-ip": A}),
        lab.finding("plant", "success", 5, number=2, subject={"file": lab.ON_DISK},
                    log="exchange-rps-cmdlet"),
        lab.used(60, number=3),
    ]  # fmt: skip
    out = lab.story(findings, rows)
    (shell,) = out.backdoors
    assert shell.path == lab.SHELL
    assert shell.finding_ids == ["F2", "F3"]
    assert shell.planted_at == "2021-03-03T04:05:00Z"
    assert (shell.planted_by, shell.used_by) == ("O1", ["O2"])
    assert out.operators[0].addresses == [A]
    assert out.operators[0].accounts == ["user@example.com"]
    assert out.operators[0].planted == ["B1"]
    assert [a.finding_id for a in out.operators[0].actions] == ["F1", "F2"]


def planted_twice(lab, minutes, cmdlet_client=A):
    """An event log tells of the file first; a log with an address tells of its cmdlet."""
    written = lab.row(50, "", "plant", "success", log="windows-event", artifact="e", what="w3wp")
    cmdlet = lab.row(
        50 + minutes, cmdlet_client, "plant", "success", log="exchange-rps-http", what="New-X"
    )
    findings = [
        lab.finding("plant", "success", 50, subject={"file": lab.ON_DISK, "Image": "w3wp"},
                    log="windows-event", number=1),
        lab.finding("plant", "success", 50 + minutes, subject={"file": lab.ON_DISK, "Cmdlet": "New-X"},
                    log="exchange-rps-http", number=2),
        lab.used(70, number=3),
    ]  # fmt: skip
    out = lab.story(findings, [written, cmdlet, lab.hit(70, A)])
    shells = [b for b in out.backdoors if b.kind == "web-shell"]
    by = {o.id: o.addresses for o in out.operators}
    return {shell.planted_at for shell in shells}, [by.get(s.planted_by) for s in shells]


def test_a_planter_with_an_address_is_preferred_to_one_seen_from_inside(lab):
    assert planted_twice(lab, 5) == ({"2021-03-03T04:50:00Z"}, [[A]])


def test_a_planting_much_later_says_nothing_of_the_first(lab):
    assert planted_twice(lab, 15)[1] == [[]]


def written_after(lab, *doors):
    """An event log alone tells of the file, minutes after these came in."""
    written = lab.row(50, "", "shell", "success", log="windows-event", artifact="e", what="w3wp")
    rows = [lab.row(minute, who, "door", "success", stem="/d", status=200) for minute, who in doors]
    findings = [
        *(
            lab.finding("door", "success", minute, number=n, subject={"c-ip": who})
            for n, (minute, who) in enumerate(doors, start=1)
        ),
        lab.finding("shell", "success", 50, subject={"cs-uri-stem": lab.SHELL}, number=8,
                    log="windows-event"),
    ]  # fmt: skip
    rules = {**lab.RULES, "shell": msgspec.structs.replace(lab.RULES["shell"], grades=("success",))}
    out = lab.story(findings, [written, *rows], rules=rules)
    (shell,) = (b for b in out.backdoors if b.kind == "web-shell")
    return {o.id: o.addresses for o in out.operators}.get(shell.planted_by)


def test_a_file_seen_from_inside_is_the_one_operator_s_who_had_just_come_in(lab):
    assert written_after(lab, (45, A)) == [A]
    assert written_after(lab, (45, A), (46, B)) == []
    assert written_after(lab, (30, A)) == []
    assert written_after(lab) == []


def test_planter_by_order_of_events(lab):
    findings = [lab.finding("door", "success", 4, number=1, subject={"c-ip": A}), lab.used(60, 2)]
    rows = [lab.row(4, A, "door", "success", stem="/d", status=200), lab.hit(60, A), lab.hit(70, B)]
    (shell,) = lab.story(findings, rows).backdoors
    assert (shell.planted_by, shell.planted_at) == ("O1", "2021-03-03T04:04:00Z")


def test_no_planter_where_two_could_be(lab):
    findings = [
        lab.finding("door", "success", 4, number=1, subject={"c-ip": A}),
        lab.finding("door", "success", 5, number=2, subject={"c-ip": B}),
        lab.used(60, 3),
    ]
    rows = [
        lab.row(4, A, "door", "success", stem="/d", status=200),
        lab.row(5, B, "door", "success", stem="/d", status=200),
        lab.hit(60, C),
    ]
    (shell,) = lab.story(findings, rows).backdoors
    assert (shell.planted_by, shell.planted_at) == (None, None)


def test_a_chain_after_the_first_use_planted_nothing(lab):
    findings = [lab.finding("door", "success", 90, subject={"c-ip": A}), lab.used(60, 2)]
    rows = [lab.row(90, A, "door", "success", stem="/d", status=200), lab.hit(60, A)]
    assert lab.story(findings, rows).backdoors[0].planted_by is None


def test_implants_without_a_path(lab):
    findings = [
        lab.finding("mailrule", "success", 5, number=1, subject={"rule": "Fwd"}, log="exchange-audit"),
        lab.finding("mailrule", "use", 9, 20, number=2, subject={"rule": "fwd"}, count=3,
                    log="exchange-message-tracking"),
    ]  # fmt: skip
    out = lab.story(findings, [])
    (rule,) = out.backdoors
    assert (rule.kind, rule.path, rule.requests) == ("mail-rule", "fwd", 3)
    assert rule.planted_at == "2021-03-03T04:05:00Z"
    assert rule.last_use == "2021-03-03T04:20:00Z"
    assert [e.state for e in out.impact.mail_access] == ["seen"]


def test_key_survives_a_different_spelling(lab):
    one = lab.story([lab.used()], []).backdoors
    two = lab.story(
        [lab.used(75, subject={"cs-uri-stem": lab.SHELL.upper() + "/info"})], []
    ).backdoors
    assert [b.key for b in one] == [b.key for b in two]


def test_a_written_file_older_than_its_writing_was_planted_earlier(lab):
    findings = [
        lab.finding("plant", "success", 90, number=1, subject={"file": lab.ON_DISK},
                    log="exchange-rps-cmdlet"),
        lab.used(60, number=2),
    ]  # fmt: skip
    rows = [lab.row(90, "", "plant", "success", log="exchange-rps-cmdlet"), lab.hit(60, A)]
    assert lab.story(findings, rows).backdoors[0].planted_at is None


def test_an_answered_request_is_no_planting(lab):
    found = lab.finding("shell", "success", 60, subject={"cs-uri-stem": lab.SHELL})
    rows = [lab.hit(60, A, rule="shell", grade="success")]
    (shell,) = lab.story([found], rows).backdoors
    assert (shell.planted_at, shell.planted_by, shell.used_by) == (None, None, ["O1"])


def test_probing_is_no_session(lab):
    out = lab.story([lab.used()], [lab.hit(60, A, 404)])
    assert (len(out.operators), out.sessions) == (1, [])
