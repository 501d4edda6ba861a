import random

from exopsy.lab.scanners import chain_probes, harmless, shell_sweep
from exopsy.lab.server import Server


def test_a_sweep_never_asks_for_a_name_that_exists_and_gets_only_refusals():
    rng = random.Random(1)
    server = Server("EX01", rng, people=3)
    avoid = frozenset(("/aspnet_client/shell.aspx", "/owa/auth/error.aspx", "/ecp/auth/a.aspx"))
    made = shell_sweep(rng, server, 1000, avoid)
    assert len(made) == 1000
    assert not avoid & {r.stem.lower() for r in made}
    assert {r.status for r in made} == {302, 404}


def test_chain_probes_are_refused_and_carry_their_chain():
    rng = random.Random(2)
    server = Server("EX01", rng, people=3)
    for chain in ("proxylogon", "proxyshell"):
        made = chain_probes(rng, server, chain, 200)
        assert not {r.status for r in made} & {200, 241}
        assert all(r.back_end is None and not r.user for r in made)


def test_harmless_background_asks_for_no_page_of_a_shell():
    rng = random.Random(3)
    server = Server("EX01", rng, people=3)
    assert not [r for r in harmless(rng, server, 500) if ".aspx" in r.stem or r.method != "GET"]
