"""What is looked for next."""

from exopsy.core.limits import Limits
from exopsy.correlation.pivot import next_pivot

A, B, C = "198.51.100.7", "203.0.113.9", "192.0.2.200"
RID = "0f0e0d0c-0000-4000-8000-00000000000a"


def keys(lab, findings, rows, already=(), limits=None, **more):
    asked = next_pivot(
        findings, rows, lab.RULES, already=already, limits=limits or Limits(),
        web_roots=lab.WEB_ROOTS, **more,
    )  # fmt: skip
    assert list(asked.keys) == sorted(asked.keys)
    return [(key.kind, key.value) for key in asked.keys]


def test_attempts_give_no_keys(lab):
    rows = [lab.row(0, A, "door", "attempt", stem="/x", status=404, request_id=RID)]
    assert keys(lab, [lab.finding("door", "attempt", 0, subject={"c-ip": A})], rows) == []


def test_successes_give_addresses_ids_and_accounts(lab):
    rows = [
        lab.row(0, A, "door", "success", stem="/x", status=200, request_id=RID),
        lab.row(1, "", "plant", "success", log="exchange-rps-cmdlet", user="User@example.com"),
        lab.row(1, "", "plant", "success", log="exchange-rps-cmdlet", user="EXAMPLE\\EX01$"),
    ]
    assert keys(lab, [lab.finding("door", "success", 0)], rows) == [
        ("account", "user@example.com"), ("address", A), ("request_id", RID)]  # fmt: skip


def test_implants_give_their_path_and_their_users_but_not_their_probers(lab):
    rows = [lab.hit(60, A), lab.hit(61, B, 404), lab.hit(62, C, 200, "GET")]
    planted = lab.finding("plant", "success", 1, subject={"file": lab.ON_DISK})
    assert keys(lab, [planted], rows) == [("address", A), ("path", lab.SHELL)]


def test_fixed_point(lab):
    rows, findings = [lab.hit(60, A)], [lab.used()]
    first = next_pivot(findings, rows, lab.RULES, already=(), limits=Limits())
    assert keys(lab, findings, rows, already=first.keys) == []
    assert keys(lab, findings, [*rows, lab.hit(61, B)], already=first.keys) == [("address", B)]


def test_servers_loopback_and_trusted_addresses_are_no_keys(lab):
    rows = [lab.row(0, who, "door", "success", stem="/x", status=200, site="W3SVC2")
            for who in ("10.0.0.5", "127.0.0.1", "::1", "fe80::1%4")]  # fmt: skip
    rows += [lab.row(0, B, "door", "success", stem="/x", status=200)]
    assert keys(lab, [lab.finding("door", "success", 0)], rows, trusted=[B]) == []


def test_low_rules_give_no_keys(lab):
    rows = [lab.row(0, A, "faint", "use", stem="/x", status=200)]
    assert keys(lab, [lab.finding("faint", "use", 0, subject={"c-ip": A})], rows) == []


def test_bounded_and_the_path_comes_first(lab):
    rows = [lab.hit(n / 60, f"198.51.100.{n}", request_id=f"id-{n}") for n in range(50)]
    found = keys(lab, [lab.used()], rows, limits=Limits(pivot_keys=10))
    assert len(found) == 10
    assert ("path", lab.SHELL) in found


def test_order_of_input_does_not_matter(lab):
    rows = [lab.hit(60 + n, f"198.51.100.{n}") for n in range(30)]
    findings = [lab.used(60, 1), lab.finding("door", "success", 0, number=2, subject={"c-ip": A})]
    limits = Limits(pivot_keys=7)
    assert keys(lab, findings, rows, limits=limits) == keys(
        lab, findings[::-1], rows[::-1], limits=limits
    )


def test_request_ids_take_no_more_than_a_quarter(lab):
    rows = [
        lab.row(n, A, "door", "success", stem="/x", status=200, request_id=f"id-{n}")
        for n in range(50)
    ]
    found = keys(lab, [lab.finding("door", "success", 0)], rows, limits=Limits(pivot_keys=20))
    assert [kind for kind, _ in found].count("request_id") == 5
