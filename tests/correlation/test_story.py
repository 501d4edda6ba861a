"""Laws of the whole story: order of input, monotony, size."""

import random
import time

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exopsy.core.clock import parse_utc

ADDRESSES = [
    "198.51.100.7",
    "198.51.100.8",
    "203.0.113.9",
    "192.0.2.200",
    "10.0.0.5",
    "127.0.0.1",
    "",
]
AGENTS = ["odd/1", "odd/2", "Mozilla/5.0 (KHTML, like Gecko)", ""]
IDS = ["", "", "id-1", "id-2", "id-3"]
SHELLS = ["/aspnet_client/shell.aspx", "/aspnet_client/SHELL.aspx/x", "/owa/auth/two.aspx", "/owa/"]
GRADED = [("", ""), ("", ""), ("door", "success"), ("shell", "use"), ("plant", "success"), ("door", "attempt")]  # fmt: skip
LOGS = [("iis-w3c", "W3SVC1"), ("iis-w3c", "W3SVC2"), ("exchange-httpproxy", ""), ("exchange-rps-cmdlet", "")]  # fmt: skip

choices = st.tuples(
    st.integers(0, 240),
    *(st.integers(0, len(values) - 1) for values in (ADDRESSES, AGENTS, IDS, SHELLS, GRADED, LOGS)),
    st.sampled_from([200, 200, 404, 302]),
    st.sampled_from(["GET", "POST", "POST"]),
    st.sampled_from(["", "", "user@example.com", "EX01$"]),
)


def make(lab, picked):
    rows = []
    for half_seconds, who, agent, rid, stem, graded, log, status, method, user in picked:
        is_cmdlet = LOGS[log][0] == "exchange-rps-cmdlet"
        rows.append(
            lab.row(
                half_seconds / 120,
                "" if is_cmdlet else ADDRESSES[who],
                *GRADED[graded],
                log=LOGS[log][0],
                site=LOGS[log][1],
                stem="" if is_cmdlet else SHELLS[stem],
                user_agent=AGENTS[agent],
                request_id=IDS[rid],
                status=status,
                method=method,
                user=user,
            )
        )
    return rows


def findings(lab):
    return [
        lab.used(60, 1),
        lab.used(61, 2, subject={"cs-uri-stem": "/owa/auth/two.aspx"}),
        lab.finding("door", "success", 0, 90, number=3, subject={"c-ip": ADDRESSES[0]}),
        lab.finding("door", "success", 0, 90, number=4, subject={"c-ip": ADDRESSES[2]}),
        lab.finding("plant", "success", 1, number=5, subject={"file": lab.ON_DISK},
                    log="exchange-rps-cmdlet", keys={"request_id": ["id-1"]}),
        lab.finding("door", "attempt", 0, number=6, keys={"request_id": ["id-1"]}),
    ]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(picked=st.lists(choices, min_size=3, max_size=25), seed=st.integers(0, 1 << 30))
def test_order_of_input_does_not_matter(picked, seed):
    lab = test_order_of_input_does_not_matter.lab
    rows, found = make(lab, picked), findings(lab)
    before = msgspec.json.encode(lab.story(found, rows, chains=[lab.CHAIN]))
    shuffle = random.Random(seed).shuffle
    shuffle(rows)
    shuffle(found)
    assert msgspec.json.encode(lab.story(found, iter(rows), chains=[lab.CHAIN])) == before


@settings(max_examples=100, deadline=None)
@given(picked=st.lists(choices, min_size=3, max_size=25), cut=st.integers(0, 25))
def test_more_activities_never_remove_a_backdoor_or_a_use(picked, cut):
    lab = test_order_of_input_does_not_matter.lab
    rows, found = make(lab, picked), findings(lab)
    less = lab.story(found, rows[:cut])
    more = lab.story(found, rows)
    after = {b.key: b for b in more.backdoors}
    for backdoor in less.backdoors:
        assert backdoor.key in after
        assert after[backdoor.key].first_use is not None or backdoor.first_use is None
    assert {c.chain for c in less.chains} <= {c.chain for c in more.chains}


@settings(max_examples=100, deadline=None)
@given(picked=st.lists(choices, min_size=3, max_size=25))
def test_the_ledger_agrees_with_itself(picked):
    lab = test_order_of_input_does_not_matter.lab
    out = lab.story(findings(lab), make(lab, picked))
    numbers = [o.id for o in out.operators]
    assert numbers == [f"O{n}" for n in range(1, len(numbers) + 1)]
    assert len({o.key for o in out.operators}) == len(numbers)
    addresses = [a for o in out.operators for a in o.addresses]
    assert len(addresses) == len(set(addresses))
    for backdoor in out.backdoors:
        assert not set(backdoor.used_by) & set(backdoor.probed_by)
        for operator in out.operators:
            assert (operator.id in backdoor.used_by) == (backdoor.id in operator.used)
            assert (operator.id in backdoor.probed_by) == (backdoor.id in operator.probed)
    assert {s.operator_id for s in out.sessions} <= set(numbers)
    for session in out.sessions:
        assert parse_utc(session.from_) <= parse_utc(session.to)


@pytest.fixture(autouse=True)
def _lab(lab):
    # hypothesis refuses function-scoped fixtures as arguments; this one holds no state
    test_order_of_input_does_not_matter.lab = lab


def test_many_activities_cost_little(lab):
    rows = [lab.hit(n / 600, f"198.51.{n % 200}.{n % 250}", user_agent=f"a/{n % 50}")
            for n in range(30_000)]  # fmt: skip
    begin = time.process_time()
    out = lab.story([lab.used()], rows)
    assert out.backdoors[0].requests == 30_000
    assert time.process_time() - begin < 6  # measured 0.6 s; a quadratic step would take minutes
