# SPDX-License-Identifier: MIT
"""A standby takes over, a snapshot is held, and whole sweeps are cancelled under the pools that run them."""
import concurrent.futures
import contextlib
import itertools
import threading

import pytest

from conftest import BUILD, Databases, eventually, postgres, stoker_in
from history import begun, check_counters, check_executions, check_history

pytestmark = pytest.mark.skipif(not postgres.find_programs(), reason="needs Debian's postgresql")

WORK = """\
workers: {workers}
tasks:
  work:
    command: [./work.sh, "{{n}}", "{{until}}"]
    params: {{n: int, until: {{type: text, default: ""}}}}
"""


@pytest.fixture
def shared(short_folder, server):
    with stoker_in(short_folder, server) as stoker:
        stoker.write("stoker.yaml", WORK.format(workers=4))
        yield stoker


# --- a standby takes over ----------------------------------------------------------

class Pair:
    """A primary, and a standby that has each commit before it is answered."""

    def __init__(self):
        self.primary = Databases().init().start()
        self.servers = [self.primary]
        self.standby = None

    def add_standby(self):
        self.standby = self.primary.standby()
        self.servers.append(self.standby)
        self.primary.sql("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'")
        self.primary.sql("postgres", "SELECT pg_reload_conf()")
        eventually(lambda: self.primary.sql("postgres", "SELECT sync_state FROM pg_stat_replication") == [["sync"]])

    def url(self, database):
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        return f"postgresql://stoker@{hosts}/{database}?target_session_attrs=read-write"

    def fail_over(self):
        self.primary.stop("immediate")
        self.standby.promote()
        self.primary = self.standby

    def remove(self):
        for server in self.servers:
            server.remove()


@pytest.fixture
def pair():
    made = Pair()
    try:
        yield made
    finally:
        made.remove()


class Submitter(threading.Thread):
    """Submits one job after the other, each until it is answered, and remembers what was answered."""

    def __init__(self, stoker):
        super().__init__(daemon=True)
        self.stoker, self.acked, self.going_on = stoker, {}, True

    def run(self):
        for n in itertools.count(10_000):
            while self.going_on:
                words = ("submit", "work", f"n={n}", "--key", f"k{n}", "--quiet")
                done = self.stoker.run(*words, ok=False)
                if done.returncode == 0:
                    self.acked[int(done.stdout)] = n
                    break
            if not self.going_on:
                return

    def end(self):
        self.going_on = False
        self.join()


def test_a_standby_takes_over_and_no_job_is_lost_or_run_twice(short_folder, pair):
    with contextlib.ExitStack() as at_end:
        stoker = at_end.enter_context(stoker_in(short_folder, pair.primary))
        pair.add_standby()
        stoker.env["STOKER_STORE"] = pair.url(stoker.database)
        stoker.write("stoker.yaml", WORK.format(workers=4) + "lease: 30s\n")
        stoker.run("sweep", "work", "n=1:600")
        pools = [stoker.start_pool() for _ in range(2)]
        submitter = Submitter(stoker)
        submitter.start()
        at_end.callback(submitter.end)
        eventually(lambda: stoker.counts().get("completed", 0) > 50)

        before = len(submitter.acked)
        pair.fail_over()
        stoker.server = pair.primary
        eventually(lambda: len(submitter.acked) > before + 5)
        submitter.end()
        eventually(lambda: set(stoker.counts()) == {"completed"}, timeout=60)
        assert all(pool.is_alive() for pool in pools)
        assert sum(stoker.counts().values()) == 600 + len(submitter.acked)
        assert len(begun(stoker.folder)) == 600 + len(submitter.acked)
        check_history(stoker, submitter.acked)
        doctor = stoker.run("doctor", json=True)["findings"]
        assert any("timeline 2" in finding["text"] for finding in doctor), doctor


# --- a snapshot is held -----------------------------------------------------------

@pytest.fixture
def held(short_folder, monkeypatch):
    """A store whose server has, for a person, a snapshot that was taken ten minutes ago."""
    moved = short_folder / "moved"
    moved.write_text("0")
    with monkeypatch.context() as env:
        env.setenv("LD_PRELOAD", str(BUILD / "tests/moved_clock.so"))
        env.setenv("MOVED_CLOCK", str(moved))
        short_folder.chmod(0o755)
        server = Databases().init().start()
    try:
        with stoker_in(short_folder, server) as stoker:
            stoker.moved = moved
            yield stoker
    finally:
        server.remove()


@contextlib.contextmanager
def old_snapshot(stoker):
    stoker.moved.write_text("-600")
    with stoker.server.begin(stoker.database) as db, db.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT count(*) FROM stoker.job")
        stoker.moved.write_text("0")
        yield


def test_a_drain_behind_a_held_snapshot_walks_over_few_dead_rows_and_doctor_names_it(held):
    """What was claimed stays in the index, dead: who walks over all of it each time walks over a million of them."""
    held.write("stoker.yaml", "workers: 16\ntasks:\n  nothing: {command: ['true'], params: {n: int}}\n")
    held.run("sweep", "nothing", "n=1:2000")
    with old_snapshot(held):
        held.drain(timeout=120)
        dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'job'"
        eventually(lambda: held.one(dead) >= 2000)
        walked = held.one("SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = 'job_due'")
        assert walked < 2000 * 100
        findings = held.run("doctor", json=True)["findings"]
        assert any(finding["level"] == "warn" and "has kept a transaction open for 10 minutes" in finding["text"]
                   for finding in findings), findings
    held.wait_counts(completed=2000)


# --- whole sweeps ----------------------------------------------------------------

def test_a_sweep_cancelled_and_retried_under_two_pools_ends_with_exact_counts(shared, server):
    """Half of its jobs are over at once, half hold their workers until they are cancelled."""
    shared.touch("here")
    shared.run("sweep", "work", "n=1:150", "until=go,here")
    pools = [shared.start_pool() for _ in range(2)]

    eventually(lambda: shared.counts().get("running") == 8)

    def again_and_again(verb):
        for _ in range(6):
            shared.run(verb, "sweep:1")

    with concurrent.futures.ThreadPoolExecutor(2) as both:
        list(both.map(again_and_again, ("cancel", "retry")))
    cancelled = shared.one("SELECT count(DISTINCT job_id) FROM attempts WHERE outcome = 'cancelled'")
    shared.touch("go")
    shared.run("retry", "sweep:1")
    shared.wait_counts(timeout=60, completed=300)
    assert cancelled > 0 and all(pool.is_alive() for pool in pools)
    check_counters(shared)
    check_executions(shared.folder)
    assert "deadlock detected" not in server.log()
