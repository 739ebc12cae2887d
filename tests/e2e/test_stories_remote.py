# SPDX-License-Identifier: MIT
"""Throttles, allowances, slots and remote jobs, as they failed somebody once. tests/README.md lists all."""
import datetime

import pytest

from conftest import eventually
from simulator import Simulator
from test_http import LAB_SESSION, assert_once, yaml


@pytest.fixture
def lab():
    with Simulator(tasks_auth=False, slots=0) as simulator:
        yield simulator


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


# --- throttles ----------------------------------------------------------------

def test_F44_R_G2_fifty_throttled_jobs_come_back_one_by_one_and_none_too_early(stoker, lab):
    """Fifty are told to wait ten seconds. Another queue does not notice."""
    yaml(stoker, lab, more="limits: [api]", rest="  free: {command: [\"true\"], params: {n: int}}\n"
         "limits: {api: {rate: 20/s, burst: 1, adaptive: false}}\n", workers=50)
    lab.set(hold_path="/tasks", hold_method="POST", fault_path="/tasks", fault_method="POST", burst_429=50, retry_after_s=10)
    stoker.run("sweep", "sim", "n=1:50:1")
    stoker.start_pool()
    eventually(lambda: lab.counter("held") == 50, what="fifty submits are under way")
    lab.set(hold_path="")
    eventually(lambda: stoker.one("SELECT sum(throttles) FROM jobs") == 50)
    lab.set(retry_after_s=1)
    closed = seconds(stoker.one("SELECT min(at) FROM events WHERE kind = 'limit.closed'"))
    stoker.run("sweep", "free", "n=1:20:1")
    eventually(lambda: stoker.counts().get("completed", 0) >= 20)
    assert lab.counter("submits") == 0, "the other queue went on meanwhile"
    stoker.wait_counts(completed=70)
    starts = sorted(seconds(at) for (at,) in stoker.sql("SELECT started_at FROM jobs WHERE task = 'sim'"))
    assert len(starts) == 50
    assert starts[0] >= closed + 10, "none earlier than Retry-After"
    assert min(b - a for a, b in zip(starts, starts[1:])) >= 0.045, "one interval apart"
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs WHERE task = 'sim'") == [(1,)]
    assert lab.counter("submits") == 50 and lab.counter("duplicate_submits") == 0


def test_F47_a_thousand_throttles_of_one_job_cost_no_attempt(stoker):
    stoker.write("again", "")
    stoker.script("call", """\
        if [ "$(wc -c < again)" -ge 1000 ]; then echo '"through"'; exit 0; fi
        printf x >> again
        echo '{"retry_after": 0.001}'
        exit 75
    """)
    stoker.yaml("call: {command: [./call], retry: {attempts: 1}}", workers=1)
    job = stoker.submit("call")
    stoker.start_pool()
    row = stoker.wait_state(job, "completed", "failed", timeout=240)
    assert (row["state"], row["attempt"], row["throttles"]) == ("completed", 1, 1000)


@pytest.mark.parametrize("form", ["int", "float", "date", "0", "huge", "garbage", "none"])
def test_F45_retry_after_in_every_form_is_waited_for_and_costs_nothing(stoker, lab, form):
    """One that is huge is cut to the limit's most; one that says nothing gets the limit's own."""
    lab.set(fault_path="/tasks", fault_method="POST", burst_429=4, retry_after_form=form, hold_path="/tasks", hold_method="POST")
    yaml(stoker, lab, more="limits: [api]", rest="limits: {api: {rate: 50/s, cooldown: 1s, cooldown_max: 2s}}\n")
    stoker.run("sweep", "sim", "n=1:4:1")
    stoker.start_pool()
    eventually(lambda: lab.counter("held") == 4)
    lab.set(hold_path="")
    eventually(lambda: stoker.one("SELECT sum(throttles) FROM jobs") == 4)
    lab.set(retry_after_form="int")
    stoker.wait_counts(completed=4)
    assert_once(stoker, lab, 4)


# --- allowances ---------------------------------------------------------------

def test_F48_F49_an_allowance_that_is_spent_is_not_asked_for_again_whatever_the_body_says(stoker, lab):
    """The authority says "too many at a time" when it means "enough for today": three refusals of four."""
    lab.set(daily_limit=5, daily_body_lies=True)
    yaml(stoker, lab, more="limits: [day]", rest="limits: {day: {quota: 5/day, cooldown: 1s}}\n", workers=8)
    stoker.run("sweep", "sim", "n=1:12:1")
    stoker.start_pool()
    stoker.wait_counts(completed=5, pending=7)
    assert lab.counter("over_daily") == 0, "its own count of attempts was enough"
    waiting = stoker.one("SELECT max(id) FROM jobs WHERE state = 'pending'")
    assert 'limit "day"' in stoker.why(waiting)
    lab.person(action="new-day")
    stoker.run("limits", "clear", "day", "--reason", "a new day there")
    stoker.wait_counts(completed=10, pending=2)
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs WHERE state = 'completed'") == [(1,)]


def test_F48_an_allowance_that_nobody_configured_is_latched_after_one_wave(stoker, lab):
    lab.set(daily_limit=4, retry_after_form="none", hold_path="/tasks", hold_method="POST")
    yaml(stoker, lab, more="limits: [day]", rest="limits: {day: {cooldown: 1s}}\n", workers=6)
    stoker.run("sweep", "sim", "n=1:12:1")
    stoker.start_pool()
    eventually(lambda: lab.counter("held") == 6, what="six are on their way, two too many")
    lab.set(hold_path="")
    stoker.wait_counts(completed=4, pending=8)
    assert 2 <= lab.counter("over_daily") <= 6, "one wave, and no probe after it"
    assert stoker.status()["limits"][0]["state"] == "cooldown", "until midnight there"
    assert "DAILY_LIMIT_EXCEEDED" in stoker.why(stoker.one("SELECT max(id) FROM jobs WHERE state = 'pending'"))
    refused = lab.counter("over_daily")
    lab.set(daily_limit=0)
    stoker.run("limits", "clear", "day", "--reason", "they allowed more")
    stoker.wait_counts(completed=12)
    assert lab.counter("over_daily") == refused
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]


# --- slots --------------------------------------------------------------------

def test_F50_R_G6_slots_of_a_pool_that_was_killed_are_neither_lost_nor_given_twice(stoker, lab):
    lab.set(slots=3)
    yaml(stoker, lab, more="limits: [slots]", rest="limits: {slots: {concurrency: 3}}\n", workers=8)
    stoker.run("sweep", "sim", "n=1:15:1", "wait=0.5")
    for least in (3, 7):
        pool = stoker.start_pool()
        eventually(lambda: len(stoker.sql("SELECT 1 FROM remotes WHERE handle IS NOT NULL")) == 3 and lab.counter("submits") >= least)
        pool.kill9()
    stoker.drain()
    counts = stoker.counts()
    assert counts["completed"] + counts.get("failed", 0) == 15
    assert counts.get("failed", 0) <= 3, "only one whose submit was under way when the pool was killed"
    # One of which nobody knows may hold a slot there that nobody counts here: the authority's word is taken for it.
    assert lab.counter("max_concurrent") == 3 and (lab.counter("over_slots") == 0 or counts.get("failed", 0) > 0)
    assert lab.counter("duplicate_submits") == 0


def test_F37_the_time_limit_begins_when_the_job_is_accepted_not_when_it_waits_for_a_slot(stoker, lab):
    lab.set(slots=1)
    yaml(stoker, lab, more="limits: [slots]\ntime_limit: 3s", rest="limits: {slots: {concurrency: 1}}\n")
    stoker.run("sweep", "sim", "n=1:5:1", "wait=1")
    stoker.drain()
    assert_once(stoker, lab, 5)
    assert lab.counter("cancels") == 0


# --- jobs at the authority ----------------------------------------------------

def test_F34_a_job_that_is_queued_there_without_a_word_is_left_alone(stoker, lab):
    lab.set(queue_silence_s=60)
    yaml(stoker, lab)
    stoker.submit("sim", "n=1", "wait=4")
    stoker.drain()
    assert_once(stoker, lab, 1)
    assert lab.counter("cancels") == 0


def test_F35_a_job_that_says_for_ever_that_it_runs_ends_with_its_time_limit(stoker, lab):
    lab.set(zombie=True)
    yaml(stoker, lab, more="time_limit: 2s")
    job = stoker.submit("sim", "n=1")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and "time limit" in row["error"]
    assert lab.counter("submits") == 1


@pytest.mark.parametrize("times, burst", [(4, 1), (1, 4)])
def test_F36_polls_without_an_answer_are_no_failure(stoker, lab, times, burst):
    """Four alone, then four in a row: the job goes on either way."""
    yaml(stoker, lab)
    stoker.start_pool()
    job = stoker.submit("sim", "n=1", "wait=5")
    lab.set(fault_path="/tasks", fault_method="GET")
    for _ in range(times):
        polls = lab.counter("polls")
        eventually(lambda before=polls: lab.counter("polls") > before)
        lab.set(rst=burst)
        eventually(lambda: lab.state()["knobs"]["rst"] == 0)
    stoker.wait_state(job, "completed")
    assert_once(stoker, lab, 1)


def test_F31_what_is_not_a_result_is_stored_as_none(stoker, lab):
    """500, a throttle, a connection that ends, a session that ends: at the very moment of fetching."""
    lab.set(tasks_auth=True)
    stoker.write("lab.password", "correct horse\n").chmod(0o600)
    yaml(stoker, lab, more="session: lab", rest=LAB_SESSION.format(url=lab.url), workers=2)
    lab.set(fault_path="/results", burst_5xx=2, burst_429=2, rst=2, burst_status=500)
    stoker.run("sweep", "sim", "n=1:4:1")
    stoker.start_pool()
    eventually(lambda: lab.counter("rst") == 2 and lab.counter("burst_5xx") == 2)
    lab.person(action="evict-form")
    stoker.wait_counts(completed=4)
    assert_once(stoker, lab, 4)


def test_F33_one_job_is_asked_for_by_one_worker_at_a_time(stoker, lab):
    """Polls that are held: however many workers are free, no second one asks for the same job."""
    yaml(stoker, lab, workers=8)
    lab.set(hold_path="/tasks", hold_method="GET")
    stoker.start_pool()
    stoker.run("sweep", "sim", "n=1:3:1", "wait=1")
    eventually(lambda: lab.counter("held") == 3)
    other = stoker.submit("sim", "n=4")
    eventually(lambda: lab.counter("held") == 4, what="another worker asks for another job")
    assert stoker.job(other)["state"] == "running" and set(lab.state()["polls"].values()) == {0}
    lab.set(hold_path="")
    stoker.wait_counts(completed=4)
    assert_once(stoker, lab, 4)


def test_F52_submits_go_on_while_polls_are_throttled(stoker, lab):
    yaml(stoker, lab, more="limits: [api, ask]", rest="limits:\n  api: {rate: 50/s}\n  ask: {class: poll, rate: 50/s, cooldown: 1s}\n")
    stoker.start_pool()
    stoker.submit("sim", "n=1", "wait=1")
    lab.set(fault_path="/tasks", fault_method="GET", burst_429=1, retry_after_s=5)
    eventually(lambda: any(limit["name"] == "ask" and limit["state"] == "cooldown" for limit in stoker.status()["limits"]))
    lab.set(retry_after_s=1)
    stoker.run("sweep", "sim", "n=2:6:1")
    eventually(lambda: lab.counter("submits") == 6)
    assert any(limit["name"] == "ask" and limit["state"] == "cooldown" for limit in stoker.status()["limits"])
    stoker.wait_counts(completed=6)
    assert_once(stoker, lab, 6)


def test_F54_a_storm_of_errors_opens_the_breaker_once_and_one_probe_closes_it(stoker, lab):
    lab.set(fault_path="/tasks", fault_method="POST", burst_5xx=3)
    yaml(stoker, lab, more="limits: [api]", attempts=5, workers=1,
         rest="limits: {api: {rate: 50/s, breaker: {errors: 3, within: 1m, open: 2s}}}\n")
    stoker.run("sweep", "sim", "n=1:6:1")
    stoker.start_pool()
    eventually(lambda: stoker.status()["limits"][0]["state"] == "breaker")
    posts = lab.counter("posts") + lab.counter("burst_5xx")
    stoker.wait_counts(completed=6)
    assert stoker.one("SELECT count(*) FROM events WHERE kind = 'limit.closed'") == 1
    assert posts == 3 and lab.counter("submits") == 6
