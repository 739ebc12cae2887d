# SPDX-License-Identifier: MIT
"""A gateway with two layers, kept alive by the whole program: a sign-on outside, a session inside."""
import pytest

from conftest import eventually
from simulator import Simulator
from test_authority import lab as session, wait_state


@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def pool(stoker, sim):
    stoker.write("stoker.yaml", f"""\
key_file: stoker.key
workers: 4
tasks:
  t: {{command: ["true"], params: {{n: int}}, session: lab}}
sessions:
  lab:
    provider: gateway-tickle
    url: {sim.url}
    login: /sso/Login
    init: /auth/init
    validate: /sso/validate
    reauth: "/reauthenticate?force=true"
    logout: /logout
    keep_alive: 1s
    challenge: {{poll: 1s, ask_ready: true}}
""")
    pool = stoker.start_pool()
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    return pool


def sign_in(stoker, sim):
    sim.person(gateway="pass")
    wait_state(stoker, "valid")


def test_F12_when_only_the_inner_session_ends_it_is_opened_again_without_a_person(stoker, sim, pool):
    sign_in(stoker, sim)
    sim.person(gateway="drop")
    eventually(lambda: sim.state()["gateway_inner"], what="the inner session is open again")
    wait_state(stoker, "valid")
    stoker.run("sweep", "t", "n=1:8:1")
    stoker.wait_counts(completed=8)
    assert sim.counter("logouts") == 0 and pool.is_alive()
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]


def test_F11_a_sign_of_life_that_is_lost_ends_nothing(stoker, sim, pool):
    sign_in(stoker, sim)
    generation = session(stoker)["generation"]
    sim.set(fault_path="/tickle", rst=1)
    eventually(lambda: sim.state()["knobs"]["rst"] == 0)
    tickles = sim.counter("tickles")
    eventually(lambda: sim.counter("tickles") > tickles + 1, what="the keeper goes on")
    assert session(stoker)["state"] == "valid" and session(stoker)["generation"] == generation


def test_F13_an_inner_session_that_does_not_come_up_is_shaken_once(stoker, sim, pool):
    sign_in(stoker, sim)
    sim.set(gateway_stuck=True)
    sim.person(gateway="drop")
    eventually(lambda: sim.state()["gateway_inner"], what="it is open after a logout")
    wait_state(stoker, "valid")
    assert sim.counter("logouts") == 1


def test_F5_a_rival_is_named_and_not_fought(stoker, sim, pool):
    sign_in(stoker, sim)
    asked = [sim.counter(name) for name in ("inits", "reauths", "logouts")]
    sim.person(gateway="compete")
    row = wait_state(stoker, "competing")
    assert row["needs_person"]
    stoker.submit("t", "n=1")
    eventually(lambda: session(stoker)["waiting_workers"] == 1)
    assert [sim.counter(name) for name in ("inits", "reauths", "logouts")] == asked
    assert stoker.counts() == {"pending": 1}
