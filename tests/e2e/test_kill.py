# SPDX-License-Identifier: MIT
"""R-D13: the pool dies at every named point and at random ones; what was acknowledged has one outcome.

A build with -Dfaults=true dies by itself at the N-th passing of a point of base/fault.h, as in a
power cut. Meanwhile clients submit over the socket and note what was acknowledged. Then the pool
is started again, drains, and history.py checks the invariants.
"""
import json
import os
import random
import re
import signal
import threading

import pytest

from conftest import ROOT, eventually, needs_faults
from history import check_counters, check_history, ended

POINTS = re.findall(r'^\s*X\(\w+,\s*"([^"]+)"\)', (ROOT / "src/base/fault.h").read_text(), re.M)

CONFIG = """\
store: sqlite:stoker.db
workers: 4
tasks:
  work:
    command: [./work.sh, "{n}"]
    params: {n: int}
  grid:
    command: [./work.sh, "{n}"]
    params: {n: int}
  closed:
    command: [/bin/false]
    params: {n: int}
"""
BULK = 40
GRID = 24
MANY = 4500  # more than some chunks

# On a shared store a client submits by itself, and it is the client that passes these.
OF_CLIENTS = ("submit.before", "submit.inserted", "sweep.chunk")


def test_the_points_are_read_from_the_header():
    assert len(POINTS) >= 12 and "commit.before" in POINTS and "sweep.chunk" in POINTS


class Clients:
    """Submit in three ways at once and remember what was acknowledged, and what may have been."""

    def __init__(self, stoker):
        self.stoker = stoker
        self.acked = {}           # job -> n
        self.maybe = set()        # n of single jobs without an answer
        self.bulks = []           # (first n, acknowledged)
        self.sweeps = []          # (sweep id or None, first n)
        self.n = 0
        self.fault = {}           # of the commands' environment
        self.lock = threading.Lock()

    def next_n(self, count):
        with self.lock:
            self.n += count
            return self.n - count + 1

    def call(self, *args, **kwargs):
        """The answer, or None when it failed: then the submit may or may not have happened."""
        done = self.stoker.run(*args, "--json", ok=False, env=self.fault, **kwargs)
        if done.returncode == 0:
            return json.loads(done.stdout)
        if done.returncode == -signal.SIGKILL and self.fault:
            return None
        # Gone away, busy, or taken over by the next: nothing else may come.
        assert done.returncode in (69, 75), (done.returncode, done.stderr)
        return None

    def single(self):
        n = self.next_n(1)
        answer = self.call("submit", "work", f"n={n}")
        if answer is None:
            self.maybe.add(n)
        else:
            self.acked[answer["first_id"]] = n

    def keyed(self):
        """Tried again until it is answered: at most one job comes of it."""
        n = self.next_n(1)

        def submitted():
            return self.call("submit", "work", f"n={n}", "--key", f"key-{n}")

        self.acked[eventually(submitted)["first_id"]] = n

    def bulk(self):
        first = self.next_n(BULK)
        lines = "".join(f'{{"n": {n}}}\n' for n in range(first, first + BULK))
        answer = self.call("submit", "work", "--file", "-", input=lines)
        self.bulks.append((first, answer is not None))
        if answer is not None:
            assert answer["count"] == BULK and answer["last_id"] - answer["first_id"] == BULK - 1
            self.acked.update((answer["first_id"] + i, first + i) for i in range(BULK))

    def sweep(self, task="grid", count=GRID):
        first = self.next_n(count)
        answer = self.call("sweep", task, f"n={first}:{first + count - 1}")
        self.sweeps.append((answer and answer["sweep_id"], first, count))

    def meet(self, fault, *actions):
        """Each of the actions by a command that this fault is put to, and that does not come through it."""
        acknowledged = len(self.acked)
        self.fault = {"STK_FAULT": fault}
        for action in actions:
            action()
        self.fault = {}
        assert len(self.acked) == acknowledged and all(sweep is None for sweep, _, _ in self.sweeps)

    def run_all(self, stopped):
        """Each kind on a thread of its own until stopped() is true; the first failure is raised."""
        failures = []

        def repeat(*actions):
            try:
                for action in actions:
                    action()
                while not stopped():
                    actions[0]()
            except BaseException as failure:  # to be raised where pytest sees it
                failures.append(failure)

        threads = [threading.Thread(target=repeat, args=actions) for actions in (
            (self.single,) * 3, (self.keyed,) * 3, (self.single, self.bulk, self.sweep))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def check(self):
        """To be asked after all has drained."""
        rows = self.stoker.sql("SELECT params->>'n', count(*), min(sweep_id) FROM jobs GROUP BY 1")
        many = [n for n, count, _ in rows if count != 1]
        assert not many, f"more than one job of {many}"
        there = {n for n, _, _ in rows}
        asked = set(range(1, self.n + 1))
        assert there <= asked, "a phantom"
        for n in asked - there:
            lost = n in self.acked.values()
            assert not lost, f"acknowledged n={n} is lost"

        for first, acknowledged in self.bulks:
            found = len(there & set(range(first, first + BULK)))
            assert found == BULK if acknowledged else found in (0, BULK), f"a bulk of {BULK} has {found}"
        for sweep, first, count in self.sweeps:
            found = len(there & set(range(first, first + count)))
            assert found == count if sweep else found in (0, count), f"a sweep of {count} has {found}"
            if sweep:
                assert self.stoker.one("SELECT points, filled FROM sweeps WHERE id = ?", sweep) == (count, 1)
                assert self.stoker.one("SELECT count(*) FROM jobs WHERE sweep_id = ?", sweep) == count


def is_of_clients(stoker, point):
    return stoker.database and point in OF_CLIENTS


def die_in_pool(stoker, clients, point, count):
    pool = stoker.start_pool(env={"STK_FAULT": f"{point}:{count}:kill"}, ready=False)
    pool.wait_owner()
    if point == "sweep.chunk":
        clients.sweep("closed", MANY)
    clients.run_all(lambda: not pool.is_alive())
    assert pool.wait() == -signal.SIGKILL, pool.log()
    stoker.nothing_lives()
    pool.end_leases()


def die_in_clients(stoker, clients, point, count):
    """Without a pool, which would fill the sweep when it is quicker."""
    single = [clients.single] if count == 1 and point != "sweep.chunk" else []
    clients.meet(f"{point}:{count}:kill", *single, lambda: clients.sweep("closed", MANY))
    pool = stoker.start_pool()
    clients.keyed()
    pool.kill9()


@needs_faults
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("point", POINTS)
def test_R_D13_dying_at_a_point_loses_nothing_and_doubles_nothing(stoker, point, count):
    stoker.yaml(CONFIG)
    stoker.run("queue", "pause", "closed")
    clients = Clients(stoker)
    clients.bulk()

    if is_of_clients(stoker, point):
        die_in_clients(stoker, clients, point, count)
    else:
        die_in_pool(stoker, clients, point, count)

    stoker.drain()
    clients.check()
    waiting = stoker.one("SELECT count(*) FROM jobs WHERE task = 'closed'")
    check_history(stoker, clients.acked, pending=waiting)


@needs_faults
@pytest.mark.parametrize("point", POINTS)
def test_R_D13_a_point_that_fails_once_leaves_the_pool_working(stoker, point):
    """The action `fail`: where the point can fail, as a full disk would make it."""
    stoker.yaml(CONFIG)
    stoker.run("queue", "pause", "closed")
    clients = Clients(stoker)
    clients.bulk()
    if is_of_clients(stoker, point):
        clients.meet(f"{point}:2:fail", lambda: clients.sweep("closed", MANY))
    pool = stoker.start_pool(env={"STK_FAULT": f"{point}:7:fail"})
    for _ in range(8):
        clients.keyed()
    eventually(lambda: set(dict(stoker.sql("SELECT state, 1 FROM jobs WHERE task <> 'closed'"))) == {"completed"})
    assert pool.stop() == 0, pool.log()
    clients.check()
    check_history(stoker, clients.acked, pending=stoker.one("SELECT count(*) FROM jobs WHERE task = 'closed'"))


@needs_faults
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_start_that_cannot_commit_ends_with_the_cause_and_leaves_no_lock(stoker, count):
    stoker.yaml(CONFIG)
    job = stoker.submit("work", "n=1")
    pool = stoker.start_pool(env={"STK_FAULT": f"commit.before:{count}:fail"}, ready=False)
    assert pool.wait() not in (0, 70) and "could not commit" in pool.log()
    assert not (stoker.folder / "stoker.db.lock").exists()
    stoker.nothing_lives()
    pool.end_leases()
    stoker.drain()
    check_history(stoker, {job: 1})


def test_R_D13_kill_9_at_random_moments_loses_nothing(stoker):
    """Ten times; the moments are counted in jobs done, not in time."""
    seed = int(os.environ.get("STOKER_SEED", random.randrange(1 << 32)))
    print(f"STOKER_SEED={seed}")
    dice = random.Random(seed)
    stoker.yaml(CONFIG)
    clients = Clients(stoker)
    for _ in range(10):
        done_before = len(ended(stoker.folder))
        pool = stoker.start_pool(ready=False).wait_owner()
        enough = done_before + dice.randrange(30)
        one_kills = threading.Lock()  # every client asks whether it is time

        def is_time():
            with one_kills:
                if pool.is_alive() and len(ended(stoker.folder)) >= enough:
                    pool.signal(signal.SIGKILL)
                    pool.process.wait()
                return not pool.is_alive()

        clients.run_all(is_time)
        assert pool.wait() == -signal.SIGKILL, pool.log()
        stoker.nothing_lives()
        pool.end_leases()

    stoker.drain()
    clients.check()
    check_history(stoker, clients.acked)
    assert stoker.one("SELECT count(*) FROM pools WHERE ended = 'lost'") >= 1


def test_a_pool_that_was_killed_leaves_a_store_that_any_command_can_use(stoker):
    stoker.yaml(CONFIG)
    pool = stoker.start_pool()
    job = stoker.submit("work", "n=1")
    stoker.wait_state(job, "completed")
    pool.kill9()
    assert stoker.database or (stoker.folder / "stoker.db.sock").exists()
    assert stoker.job(job)["state"] == "completed"
    other = stoker.submit("work", "n=2")
    stoker.drain()
    check_history(stoker, {job: 1, other: 2})
    check_counters(stoker)
