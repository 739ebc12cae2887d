# SPDX-License-Identifier: MIT
"""Jobs that run at an authority: submitted once, asked for by whoever is free, read, cancelled there."""
import json

import pytest

from conftest import eventually, needs_faults
from simulator import Simulator

TASK = """\
  sim:
    params: {{n: int, wait: {{type: float, default: 0.2}}}}
    queue: lab
    retry: {{attempts: {attempts}, backoff: 50ms..100ms}}
{more}
    http:
      submit: {{url: "{url}/tasks", json: {{type: REGULAR, settings: {{n: "{{n}}", duration_s: "{{wait}}"}}}}}}
      handle: {{header: Location}}
      poll: {{url: "{{handle}}", every: 200ms}}
      running: {{missing: /status}}
      completed: {{pointer: /status, in: [COMPLETE, WARNING]}}
      failed: {{pointer: /status, in: [ERROR, FAIL, CANCELLED]}}
      progress: /progress
      message: /message
      result: {{url: "{url}/results/{{/result}}"}}
      cancel: {{url: "{{handle}}"}}
      slots_marker: CONCURRENT_LIMIT_EXCEEDED
      quota_marker: DAILY_LIMIT_EXCEEDED
{http}
"""


@pytest.fixture
def lab():
    with Simulator(tasks_auth=False, slots=0) as simulator:
        yield simulator


def yaml(stoker, lab, http="", more="", rest="", workers=4, attempts=1):
    def indent(text, by):
        return "".join(" " * by + line + "\n" for line in text.splitlines())

    task = TASK.format(url=lab.url, http=indent(http, 6), more=indent(more, 4), attempts=attempts)
    stoker.write("stoker.yaml", f"workers: {workers}\nkey_file: stoker.key\ntasks:\n{task}{rest}")


def results(stoker):
    return {json.loads(params)["n"]: json.loads(result) for params, result in
            stoker.sql("SELECT params, result FROM jobs WHERE state = 'completed'")}


def assert_once(stoker, lab, jobs):
    """Every job completed at its first attempt, with its own result, and was submitted once."""
    assert stoker.counts() == {"completed": jobs}
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]
    assert lab.counter("submits") == jobs and lab.counter("duplicate_submits") == 0
    found = results(stoker)
    assert len(found) == jobs
    assert all(result["settings"]["n"] == n for n, result in found.items())


def test_many_jobs_run_there_while_few_workers_wait_for_none(stoker, lab):
    yaml(stoker, lab, workers=2)
    stoker.run("sweep", "sim", "n=1:40:1", "wait=1")
    stoker.drain()
    assert_once(stoker, lab, 40)
    assert lab.counter("max_concurrent") >= 20, "two workers keep many jobs going there"


def test_slots_are_never_exceeded_and_all_used(stoker, lab):
    lab.set(slots=3)
    yaml(stoker, lab, more="limits: [slots]", rest="limits: {slots: {concurrency: 3}}\n")
    stoker.run("sweep", "sim", "n=1:12:1")
    stoker.drain()
    assert_once(stoker, lab, 12)
    assert lab.counter("over_slots") == 0 and lab.counter("max_concurrent") == 3


def test_slots_that_nobody_told_of_are_learned(stoker, lab):
    lab.set(slots=3)
    yaml(stoker, lab, more="limits: [slots]", rest="limits: {slots: {cooldown: 1s}}\n", workers=8)
    stoker.run("sweep", "sim", "n=1:12:1")
    stoker.drain()
    assert_once(stoker, lab, 12)
    assert 1 <= lab.counter("over_slots") <= 12, "one wave, and what was already on its way"
    assert lab.counter("max_concurrent") == 3


def test_a_pool_that_is_killed_submits_nothing_twice(stoker, lab):
    yaml(stoker, lab, workers=4)
    stoker.run("sweep", "sim", "n=1:40:1", "wait=0.5")
    for seen in (5, 20):
        pool = stoker.start_pool()
        eventually(lambda least=seen: lab.counter("submits") >= least)
        pool.kill9()
    stoker.drain()
    counts = stoker.counts()
    failed = counts.get("failed", 0)
    assert counts["completed"] + failed == 40 and failed <= 8, "only what was on its way at a kill"
    assert lab.counter("duplicate_submits") == 0 and lab.counter("submits") <= 40
    for (error,) in stoker.sql("SELECT error FROM jobs WHERE state = 'failed'"):
        assert "nobody knows whether the authority accepted it" in error
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs WHERE state = 'completed'") == [(1,)]


ADOPT = ('ambiguous: adopt\nlist: {url: "/me/tasks?limit=50", pointer: /results, match: {/settings/n: "{n}"}, '
         'handle: "/tasks/{/id}"}')


@needs_faults
@pytest.mark.parametrize("count", [2, 6])
@pytest.mark.parametrize("point", ["round.settled", "round.claimed", "commit.before", "commit.after", "handed.out",
                                   "exec.before", "exec.started", "exec.ended"])
def test_dying_at_any_point_submits_nothing_twice_and_loses_nothing_that_was_accepted(stoker, lab, point, count):
    yaml(stoker, lab, http=ADOPT)
    stoker.run("sweep", "sim", "n=1:16:1")
    pool = stoker.start_pool(env={"STK_FAULT": f"{point}:{count}:kill"}, ready=False)
    assert pool.wait() == -9
    pool.end_leases()
    stoker.drain()
    counts = stoker.counts()
    failed = counts.get("failed", 0)
    assert counts["completed"] + failed == 16 and failed <= 4
    assert lab.counter("submits") == counts["completed"] and lab.counter("duplicate_submits") == 0
    if failed:
        assert all("not in the authority's list" in error for (error,) in
                   stoker.sql("SELECT error FROM jobs WHERE state = 'failed'"))


def test_a_stop_leaves_the_jobs_there_and_the_next_pool_asks_on(stoker, lab):
    yaml(stoker, lab)
    stoker.run("sweep", "sim", "n=1:6:1", "wait=2")
    pool = stoker.start_pool()
    eventually(lambda: lab.counter("submits") == 6)
    assert pool.stop() == 0
    assert stoker.sql("SELECT DISTINCT state FROM jobs") == [("running",)]
    stoker.drain()
    assert_once(stoker, lab, 6)


def test_a_throttle_costs_no_attempt_and_polls_go_on(stoker, lab):
    yaml(stoker, lab, more="limits: [api]", rest="limits: {api: {rate: 50/s, burst: 5}}\n")
    lab.set(fault_path="/tasks", fault_method="POST", burst_429=3)
    stoker.run("sweep", "sim", "n=1:10:1")
    stoker.drain()
    assert_once(stoker, lab, 10)
    assert stoker.one("SELECT sum(throttles) FROM jobs") == 3
    lab.set(fault_method="GET", burst_429=4)
    stoker.run("sweep", "sim", "n=11:14:1")
    stoker.drain()
    assert_once(stoker, lab, 14)


def test_faults_of_polls_and_reads_cost_nothing(stoker, lab):
    yaml(stoker, lab)
    lab.set(fault_path="/tasks", fault_method="GET", rst=3, burst_5xx=3)
    stoker.run("sweep", "sim", "n=1:6:1")
    stoker.drain()
    assert_once(stoker, lab, 6)
    lab.set(fault_path="/results", rst=1, burst_5xx=2, result_delay_s=1)
    stoker.run("sweep", "sim", "n=7:9:1")
    stoker.drain()
    assert_once(stoker, lab, 9)


def test_one_404_is_no_loss_but_a_purged_job_has_failed(stoker, lab):
    yaml(stoker, lab)
    lab.set(read_404=1)
    stoker.submit("sim", "n=1")
    stoker.drain()
    assert_once(stoker, lab, 1)
    gone = stoker.submit("sim", "n=2", "wait=60")
    stoker.start_pool()
    eventually(lambda: lab.counter("submits") == 2)
    lab.person(action="purge")
    assert "no longer knows it" in stoker.wait_state(gone, "failed")["error"]


def test_ambiguous_is_for_a_person(stoker, lab):
    lab.set(submit_lost_rate=1.0)
    yaml(stoker, lab, attempts=3)
    job = stoker.submit("sim", "n=1")
    stoker.drain()
    assert lab.counter("submits") == 1, "never tried again by itself"
    assert f"look there, then stoker retry {job}" in stoker.job(job)["error"]
    assert stoker.job(job)["state"] == "failed"


def test_an_ambiguous_job_is_found_in_the_list_and_adopted(stoker, lab):
    lab.set(submit_lost_rate=1.0)
    yaml(stoker, lab, http=ADOPT)
    stoker.run("sweep", "sim", "n=1:5:1")
    stoker.drain()
    assert_once(stoker, lab, 5)


def test_an_answer_without_a_place_is_adopted_too(stoker, lab):
    lab.set(drop_location_rate=0.5, relative_location=False)
    yaml(stoker, lab, http=ADOPT)
    stoker.run("sweep", "sim", "n=1:6:1")
    stoker.drain()
    assert_once(stoker, lab, 6)
    assert lab.counter("locations_dropped") == 3


def test_a_cancel_reaches_the_authority(stoker, lab):
    yaml(stoker, lab)
    stoker.start_pool()
    job = stoker.submit("sim", "n=1", "wait=60")
    eventually(lambda: "running at the authority" in stoker.why(job))
    remote = stoker.job(job)["remote"]
    assert remote["phase"] == "handle" and remote["handle"] == f"{lab.url}/tasks/t1"
    stoker.run("cancel", job)
    stoker.wait_state(job, "cancelled")
    assert lab.counter("cancels") == 1


def test_over_its_time_limit_it_is_cancelled_there(stoker, lab):
    yaml(stoker, lab, more="time_limit: 1s")
    job = stoker.submit("sim", "n=1", "wait=60")
    stoker.drain(status=0)
    row = stoker.job(job)
    assert row["state"] == "failed" and "over its time limit of 1s, cancelled at the authority" in row["error"]
    assert lab.counter("cancels") == 1


def test_what_the_authority_says_is_what_people_read(stoker, lab):
    yaml(stoker, lab, attempts=2)
    lab.set(job_status="ERROR")
    job = stoker.submit("sim", "n=1")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and "failed at the authority: t2 ended as ERROR" in row["error"]
    assert lab.counter("submits") == 2, "a failure that is known may be tried again"


LAB_SESSION = """\
sessions:
  lab: {{provider: form-cookie, url: "{url}", login: /login, check: /home, user: ann, password_file: lab.password,
        cookie: session, login_body: "user={{user}}&password={{password}}"}}
"""


@pytest.mark.parametrize("status", ["401", "302", "200-html", "200-json", "204"])
def test_a_session_that_ends_in_the_middle_costs_nothing(stoker, lab, status):
    lab.set(tasks_auth=True, expired_status=status, retry_after_s=1)
    stoker.write("lab.password", "correct horse\n").chmod(0o600)
    yaml(stoker, lab, more="session: lab", rest=LAB_SESSION.format(url=lab.url))
    stoker.run("sweep", "sim", "n=1:12:1", "wait=3")
    stoker.start_pool()
    eventually(lambda: lab.counter("submits") == 12)
    lab.person(action="evict-form")
    stoker.wait_counts(completed=12)
    assert_once(stoker, lab, 12)
    assert lab.counter("form_logins") == 2, "one sign-in at the start, one for all after the end"
