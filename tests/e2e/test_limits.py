# SPDX-License-Identifier: MIT
"""Limits: what an authority allows, shared by all workers, and waiting that costs nothing."""
import datetime
import json

import pytest

from conftest import eventually

THROTTLED_UNTIL_OPEN = json.dumps("if [ -e open ]; then exit 0; fi; echo '{{\"retry_after\": 2}}'; exit 75")


def times(stoker, task, column="started_at"):
    rows = stoker.sql(f"SELECT {column} FROM jobs WHERE task = ? ORDER BY 1", task)
    return [datetime.datetime.fromisoformat(row[0].replace("Z", "+00:00")).timestamp() for row in rows]


def yaml(stoker, tasks, limits, workers=8):
    lines = "".join(f"  {line}\n" for line in tasks.strip().splitlines())
    rows = "".join(f"  {line}\n" for line in limits.strip().splitlines())
    stoker.write("stoker.yaml", f"workers: {workers}\ntasks:\n{lines}limits:\n{rows}")


def test_a_rate_spaces_the_starts_and_another_queue_is_not_held_up(stoker):
    yaml(stoker, 'call: {command: ["true"], params: {n: int}, limits: [api]}\nfree: {command: ["true"], params: {n: int}}',
         "api: {rate: 10/s, burst: 1}")
    stoker.run("sweep", "call", "n=1:12:1")
    stoker.run("sweep", "free", "n=1:20:1")
    stoker.drain()
    starts = times(stoker, "call")
    assert len(starts) == 12 and starts[-1] - starts[0] >= 1.09
    assert all(later - sooner >= 0.09 for sooner, later in zip(starts, starts[1:]))
    assert max(times(stoker, "free")) < starts[-1]


def test_never_more_at_a_time_than_the_slots(stoker):
    yaml(stoker, 'call: {command: [sh, -c, "sleep 0.05"], params: {n: int}, limits: [api]}', "api: {concurrency: 3}")
    stoker.run("sweep", "call", "n=1:30:1")
    stoker.drain()
    edges = sorted([(at, 1) for at in times(stoker, "call")] + [(at, -1) for at in times(stoker, "call", "finished_at")])
    alive = most = 0
    for _, step in edges:  # an end in the same millisecond comes first: it made the room
        alive += step
        most = max(most, alive)
    assert most == 3
    assert stoker.counts()["completed"] == 30


def test_slots_are_shared_by_queues_and_survive_a_kill(stoker):
    yaml(stoker, 'a: {command: [sh, -c, "sleep 60"], params: {n: int}, limits: [api]}\n'
                 'b: {command: ["true"], params: {n: int}, limits: [api]}', "api: {concurrency: 2}")
    stoker.run("sweep", "a", "n=1,2")
    pool = stoker.start_pool()
    eventually(lambda: stoker.counts().get("running") == 2)
    blocked = stoker.submit("b", "n=1")
    eventually(lambda: 'limit "api"' in stoker.why(blocked))
    assert "2 of 2" in stoker.why(blocked)
    pool.kill9()
    stoker.run("cancel", "1-2")
    stoker.drain()
    assert stoker.job(blocked)["state"] == "completed"


def test_one_throttle_closes_the_limit_for_all_and_costs_no_attempt(stoker):
    yaml(stoker, f'call: {{command: [sh, -c, {THROTTLED_UNTIL_OPEN}], params: {{n: int}}, limits: [lab]}}', "lab: {rate: 20/s, burst: 8}")
    stoker.run("sweep", "call", "n=1:50:1")
    stoker.start_pool()
    eventually(lambda: any(limit["state"] == "cooldown" for limit in stoker.status()["limits"]))
    assert any('limit "lab"' in problem for problem in stoker.status()["problems"])
    asked = stoker.one("SELECT sum(throttles) FROM jobs")
    assert 1 <= asked <= 8, "one wave at most: the limit is closed for everybody"
    stoker.touch("open")
    stoker.wait_counts(completed=50)
    assert stoker.sql("SELECT DISTINCT attempt, state FROM jobs") == [(1, "completed")]
    closed_at = datetime.datetime.fromisoformat(
        stoker.one("SELECT at FROM events WHERE kind = 'limit.closed' ORDER BY id LIMIT 1").replace("Z", "+00:00")).timestamp()
    starts = times(stoker, "call")
    assert starts[0] >= closed_at + 1.9, "none earlier than Retry-After"
    assert starts[-1] - starts[0] >= 2.0, "no herd: spread by the limit's interval"


def test_a_quota_waits_for_its_window_and_says_so(stoker):
    yaml(stoker, 'call: {command: ["true"], params: {n: int}, limits: [day]}', "day: {quota: 3/day}")
    stoker.run("sweep", "call", "n=1:5:1")
    stoker.start_pool()
    stoker.wait_counts(completed=3, pending=2)
    waiting = stoker.one("SELECT max(id) FROM jobs WHERE state = 'pending'")
    assert 'limit "day"' in stoker.why(waiting)
    assert [limit["state"] for limit in stoker.status()["limits"]] == ["quota"]
    stoker.run("limits", "clear", "day", "--reason", "the lab allowed more today")
    stoker.wait_counts(completed=5)
    assert stoker.one("SELECT text FROM events WHERE kind = 'limit.set'").endswith("the lab allowed more today")


def test_what_is_used_up_stays_so_over_a_restart(stoker):
    yaml(stoker, 'call: {command: ["true"], params: {n: int}, limits: [day]}', "day: {quota: 2/day}")
    stoker.run("sweep", "call", "n=1:4:1")
    for _ in range(2):
        pool = stoker.start_pool()
        stoker.wait_counts(completed=2, pending=2)
        assert 'limit "day"' in stoker.why(stoker.one("SELECT max(id) FROM jobs WHERE state = 'pending'"))
        pool.stop()


def test_a_person_sets_and_clears_a_limit(stoker):
    yaml(stoker, 'call: {command: ["true"], params: {n: int}, limits: [api]}', "api: {rate: 10/s, concurrency: 5}")
    stoker.submit("call", "n=1")
    assert stoker.run("limits", json=True)["limits"][0]["concurrency"] == 5
    changed = stoker.run("limits", "set", "api", "--concurrency", "2", "--per-window", "5", json=True)
    assert (changed["concurrency"], changed["interval_s"], changed["set_by"]) == (2, 0.2, stoker.me)
    assert stoker.run("limits", "clear", "api", json=True)["concurrency"] == 5


@pytest.mark.parametrize("args, text, status", [
    (("limits", "set", "ap", "--concurrency", "1"), 'no limit "ap"', 66),
    (("limits", "set", "api"), "--concurrency N", 64),
    (("limits", "set", "api", "--concurrency", "-1"), "0 or more", 64),
    (("limits", "clear", "nope"), 'no limit "nope"', 66),
])
def test_bad_commands_are_refused(stoker, args, text, status):
    yaml(stoker, 'call: {command: ["true"], params: {n: int}, limits: [api]}', "api: {concurrency: 5}")
    done = stoker.run(*args, ok=False)
    assert done.returncode == status and text in done.stderr


@pytest.mark.parametrize("tasks, text", [
    ('a: {command: ["true"], limits: [nope]}', 'tasks.a.limits: there is no limit "nope"'),
    ('a: {command: ["true"], limits: [api, api]}', 'tasks.a.limits: names "api" twice'),
    ('a: {command: ["true"], limits: [ask]}', 'tasks.a.limits: "ask" is of class poll'),
    ('a: {command: ["true"], limits: api}', "tasks.a.limits: must be a list"),
    ('a: {command: ["true"], queue: q, limits: [api]}\nb: {command: ["true"], queue: q}', 'shares the queue "q"'),
])
def test_a_file_that_does_not_fit_together_is_refused(stoker, tasks, text):
    yaml(stoker, tasks, "api: {concurrency: 5}\nask: {class: poll, rate: 1/s}")
    done = stoker.run("status", ok=False)
    assert done.returncode == 78 and text in done.stderr and "stoker.yaml:" in done.stderr
