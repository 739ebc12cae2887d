# SPDX-License-Identifier: MIT
"""I4, F1: a session is renewed, and wherever its workers are, each shows the new generation with its FIRST request.

The authority ends the old cookie when it gives a new one, and counts who still comes with an old one. It can hold
requests: when as many are held as there are workers, every worker has made its first request.
"""
import pytest

from conftest import eventually
from simulator import Simulator
from test_authority import CHALLENGE, lab as session, sign_in, wait_state
from test_stories import clock  # noqa: F401  (a fixture)

WORKERS = 6
TASK = """\
key_file: stoker.key
workers: {workers}
tasks:
  free: {{command: ["true"]}}
  sim:
    params: {{n: int, wait: {{type: float, default: 0.1}}}}
    retry: {{attempts: 1}}
    http:
      submit: {{url: "{url}/tasks", json: {{type: REGULAR, settings: {{n: "{{n}}", duration_s: "{{wait}}"}}}}}}
      handle: {{header: Location}}
      poll: {{url: "{{handle}}", every: 1s}}
      running: {{missing: /status}}
      completed: {{pointer: /status, in: [COMPLETE]}}
      result: {{url: "{url}/results/{{/result}}"}}
    session: lab
    limits: [api]
limits:
  api: {{rate: 1000/s, burst: 100}}
sessions:
  lab:
    url: {url}
{session}"""


@pytest.fixture
def sim():
    with Simulator(slots=0) as simulator:
        yield simulator


@pytest.fixture
def pool(stoker, sim, clock):  # noqa: F811
    """Signed in by a person once; whoever is signed in gets a new cookie without one."""
    secret = stoker.write("password", sim.state()["knobs"]["password"] + "\n")
    secret.chmod(0o600)
    stoker.write("stoker.yaml", TASK.format(workers=WORKERS, url=sim.url, session=CHALLENGE))
    pool = stoker.start_pool(env=clock.env)
    sign_in(stoker, sim)
    assert session(stoker)["generation"] == 1
    return pool


def renew(stoker, sim):
    """The same person, the next generation; returns when it is committed."""
    evicted = sim.counter("evictions")
    stoker.run("session", "renew", "lab")
    eventually(lambda: session(stoker)["generation"] == 2 and session(stoker)["state"] == "valid")
    assert sim.counter("evictions") == evicted + 1, "the old cookie is worth nothing any more"


def first_requests(stoker, sim, begin):
    """begin() makes work; every worker is seen in its first request, all at a time."""
    sim.set(hold_path="/tasks")
    before = sim.counter("held")
    begin()
    eventually(lambda: sim.counter("held") - before == WORKERS, what="each worker is in a request of its own")
    assert sim.counter("stale_requests") == 0
    sim.set(hold_path="")


def submit(stoker, jobs=WORKERS, **params):
    stoker.run("sweep", "sim", f"n=1:{jobs}:1", *(f"{name}={value}" for name, value in params.items()))


def assert_nothing_was_lost(stoker, sim, pool, jobs=WORKERS, stale=0, others=0):
    """Every job done at its first attempt, submitted once; the pool is the one that was started."""
    stoker.wait_counts(completed=jobs + others)
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]
    assert sim.counter("submits") == jobs and sim.counter("duplicate_submits") == 0
    assert sim.counter("stale_requests") == stale == sim.counter("unauthorized")
    assert session(stoker)["generation"] == 2 and session(stoker)["state"] == "valid"
    assert pool.is_alive() and len(stoker.pools) == 1


def test_I4_F1_those_who_are_idle_on_an_empty_queue(stoker, sim, pool):
    submit(stoker)  # every worker has shown the first generation once
    stoker.wait_counts(completed=WORKERS)
    renew(stoker, sim)
    first_requests(stoker, sim, lambda: stoker.run("sweep", "sim", f"n=101:{100 + WORKERS}:1"))
    assert_nothing_was_lost(stoker, sim, pool, jobs=2 * WORKERS)


def test_I4_F1_those_who_wait_at_the_closed_gate(stoker, sim, pool):
    submit(stoker)
    stoker.wait_counts(completed=WORKERS)
    sim.person(action="evict")
    stoker.run("session", "check", "lab")
    wait_state(stoker, "await_ready")
    stoker.run("sweep", "sim", f"n=101:{100 + WORKERS}:1")
    eventually(lambda: session(stoker)["waiting_workers"] == WORKERS)
    first_requests(stoker, sim, lambda: sign_in(stoker, sim))
    assert_nothing_was_lost(stoker, sim, pool, jobs=2 * WORKERS)


def test_I4_F1_those_whose_jobs_are_parked_between_two_polls(stoker, sim, pool):
    sim.set(retry_after_s=4)
    submit(stoker, wait=10)
    eventually(lambda: sim.counter("submits") == WORKERS)

    def all_polled():
        return set(sim.state()["polls"].values()) == {1}

    eventually(all_polled, what="every job was asked for once, and is parked for 4 s")
    renew(stoker, sim)
    assert all_polled(), "this machine is too slow for this test: the renewal took longer than a pause between polls"
    sim.set(retry_after_s=1)
    first_requests(stoker, sim, lambda: None)
    assert_nothing_was_lost(stoker, sim, pool)


def test_I4_F1_those_who_were_throttled(stoker, sim, pool):
    sim.set(fault_path="/tasks", fault_method="POST", burst_429=WORKERS, retry_after_s=4, hold_path="/tasks", hold_method="POST")
    submit(stoker)
    eventually(lambda: sim.counter("held") == WORKERS)
    sim.set(hold_path="")
    eventually(lambda: sim.counter("burst_429") == WORKERS)
    eventually(lambda: stoker.status()["limits"][0]["state"] == "cooldown")
    sim.set(retry_after_s=1)
    renew(stoker, sim)
    assert sim.counter("submits") == 0
    first_requests(stoker, sim, lambda: None)
    assert_nothing_was_lost(stoker, sim, pool)
    assert stoker.sql("SELECT DISTINCT throttles FROM jobs") == [(1,)]


def test_I4_I3_F2_F3_F29_those_in_a_poll_with_the_old_generation(stoker, sim, pool):
    """Their refusal comes after the renewal. It changes nothing, and their next request is right."""
    submit(stoker, wait=2)
    eventually(lambda: sim.counter("submits") == WORKERS)
    sim.set(hold_path="/tasks", hold_method="GET")
    eventually(lambda: sim.counter("held") == WORKERS)
    renew(stoker, sim)
    checks = sim.counter("checks")
    sim.set(hold_path="")
    assert_nothing_was_lost(stoker, sim, pool, stale=WORKERS)
    assert sim.counter("logins") == 2, "the first sign-in and the renewal: none for the echo"
    assert sim.counter("checks") == checks, "nor is the new session doubted"


def test_I4_I6_F2_those_in_a_submit_with_the_old_generation(stoker, sim, pool):
    sim.set(hold_path="/tasks", hold_method="POST")
    submit(stoker)
    eventually(lambda: sim.counter("held") == WORKERS)
    renew(stoker, sim)
    checks = sim.counter("checks")
    sim.set(hold_path="")
    assert_nothing_was_lost(stoker, sim, pool, stale=WORKERS)
    assert (sim.counter("logins"), sim.counter("checks")) == (2, checks)
    assert stoker.one("SELECT sum(session_waits) FROM jobs") == WORKERS


def test_I5_a_request_that_began_before_the_end_is_honoured(stoker, sim, pool, clock):  # noqa: F811
    sim.set(hold_path="/tasks", hold_method="POST", hold_judged=True)
    submit(stoker)
    eventually(lambda: sim.counter("held") == WORKERS)
    sim.person(action="evict")
    stoker.run("session", "check", "lab")
    wait_state(stoker, "await_ready")
    requests = sim.counter("posts")
    stoker.run("sweep", "sim", f"n=101:{100 + WORKERS}:1")
    sim.set(hold_path="")
    eventually(lambda: len(stoker.sql("SELECT 1 FROM remotes WHERE handle IS NOT NULL")) == WORKERS)
    eventually(lambda: session(stoker)["waiting_workers"] == WORKERS)
    clock.move(60)  # every poll is due
    stoker.wait_state(stoker.submit("free"), "completed")
    assert (sim.counter("posts"), sim.counter("polls")) == (requests, 0), "nothing begins while it is closed"
    sign_in(stoker, sim)
    assert_nothing_was_lost(stoker, sim, pool, jobs=2 * WORKERS, others=1)
