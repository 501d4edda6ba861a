"""Steps, grades and joins."""

from exopsy.schema.case import Step

A = "198.51.100.7"


def test_strongest_grade_and_steps_in_order(lab):
    findings = [
        lab.finding("plant", "success", 9, number=2, log="exchange-rps-cmdlet"),
        lab.finding("door", "attempt", 4, number=1),
    ]
    (chain,) = lab.story(findings, [], covered_logs=["iis-w3c", "exchange-rps-cmdlet"]).chains
    assert (chain.grade, chain.name, chain.cves) == ("success", "A chain", ["CVE-2099-0001"])
    assert chain.finding_ids == ["F1", "F2"]
    assert (chain.first_seen, chain.last_seen) == ("2021-03-03T04:04:00Z", "2021-03-03T04:09:00Z")
    assert chain.steps == [
        Step(step="door", title="Door", state="seen", at="2021-03-03T04:04:00Z", finding_ids=["F1"]),
        Step(step="write", title="Write", state="seen", at="2021-03-03T04:09:00Z",
             finding_ids=["F2"]),
        Step(step="file", title="File", state="not-covered"),
    ]  # fmt: skip


def test_a_step_lost_to_rotation_does_not_lose_the_chain(lab):
    found = [lab.finding("plant", "success", 9, log="exchange-rps-cmdlet")]
    (chain,) = lab.story(found, [], covered_logs=["exchange-rps-cmdlet"]).chains
    assert [s.state for s in chain.steps] == ["not-covered", "seen", "not-covered"]
    (chain,) = lab.story(found, [], covered_logs=["iis-w3c"]).chains
    assert [s.state for s in chain.steps] == ["not-seen", "seen", "not-covered"]


def test_milliseconds_do_not_upset_the_order(lab):
    findings = [
        lab.finding("door", "attempt", 0, number=1, first_seen="2021-03-03T04:00:00.500Z"),
        lab.finding("door", "attempt", 0, number=2),
    ]
    assert lab.story(findings, []).chains[0].first_seen == "2021-03-03T04:00:00Z"


def test_joins_by_strength(lab):
    findings = [
        lab.finding("door", "success", 4, number=1, keys={"request_id": ["ab-1"]}),
        lab.finding("door", "success", 4, number=2, log="exchange-httpproxy",
                    keys={"request_id": ["AB-1"]}),
        lab.finding("plant", "success", 4.5, number=3, log="exchange-rps-cmdlet"),
        lab.finding("shell", "use", 50, number=4, subject={"c-ip": A, "s": "/x.aspx"}),
        lab.finding("shell", "use", 50.05, number=5, log="exchange-httpproxy",
                    subject={"ip": A, "p": "/X.aspx"}),
        lab.finding("shell", "use", 90, number=6, log="exchange-httpproxy",
                    subject={"ip": A, "p": "/x.aspx"}),
    ]  # fmt: skip
    joins = lab.story(findings, []).joins
    assert [(j.a, j.b, j.by, j.strength) for j in joins] == [
        ("F1", "F2", "request-id", "exact"),
        ("F4", "F5", "address, path and time", "strong"),
        ("F1", "F3", "time-window", "weak"),
        ("F2", "F3", "time-window", "weak"),
    ]


def test_joins_are_bounded(lab):
    findings = [
        lab.finding("door", "success", n / 100, number=n, log=("iis-w3c", "httperr")[n % 2])
        for n in range(500)
    ]
    assert len(lab.story(findings, []).joins) == 200


def test_other_hosts_are_other_stories(lab):
    out = lab.story([lab.used(host="EX02")], [lab.hit(60, A, host="EX02")])
    assert (out.backdoors, out.operators) == ([], [])


def test_two_findings_of_one_log_are_no_join(lab):
    findings = [
        lab.finding("door", "success", 4, number=n, keys={"request_id": ["a"]}) for n in (1, 2)
    ]
    assert lab.story(findings, []).joins == []
