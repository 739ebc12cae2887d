# SPDX-License-Identifier: MIT
"""Many pools on one PostgreSQL database, and what goes wrong between them and it."""
import concurrent.futures
import re
import shutil
import subprocess

import pytest

from conftest import Databases, eventually, postgres, stoker_in

import pg_proxy  # of tests/support, as conftest has it on the path

pytestmark = pytest.mark.skipif(not postgres.find_programs(), reason="needs Debian's postgresql")

WORK = """
mark:
  command: [./mark.sh, "{n}", "{s}"]
  params: {n: int, s: {type: float, default: 0}}
  retry: {attempts: 3, backoff: 100ms..200ms}
"""

# Each attempt leaves a line as it begins and one as it ends, by the clock that all processes share.
MARK = """
#!/usr/bin/python3
import os, sys, time
def say(what):
    with open("history", "a", buffering=1) as log:
        log.write(f"{what} {os.environ['STOKER_JOB_ID']} {time.clock_gettime_ns(time.CLOCK_BOOTTIME)}\\n")
say("begin")
time.sleep(float(sys.argv[2]))
say("end")
print('{"n": %s}' % sys.argv[1])
"""


@pytest.fixture
def shared(short_folder, server):
    """A store in a fresh database, whatever engine the suite runs on."""
    with stoker_in(short_folder, server) as stoker:
        stoker.yaml(WORK)
        stoker.script("mark.sh", MARK)
        yield stoker


WORKERS = 4  # of each pool


def sweep(stoker, count, seconds=0.0):
    stoker.run("sweep", "mark", f"n=1:{count}", f"s={seconds}")


def history(stoker):
    """Attempts of each job: when they began and ended; no two of one job at a time."""
    spans = {}
    for line in (stoker.folder / "history").read_text().splitlines():
        what, job, at = line.split()
        if what == "begin":
            spans.setdefault(int(job), []).append([int(at), None])
        else:
            spans[int(job)][-1][1] = int(at)
    for job, attempts in spans.items():
        for before, after in zip(attempts, attempts[1:]):
            assert before[1] is None or before[1] <= after[0], f"two attempts of job {job} at a time"
    return spans


def completed(stoker):
    return stoker.counts().get("completed", 0)


def test_two_pools_run_each_job_once(shared):
    sweep(shared, 400)
    pools = [shared.start_pool("--drain", ready=False) for _ in range(2)]
    for pool in pools:
        assert pool.wait(60) == 0, pool.log()
    shared.wait_counts(completed=400)
    assert all(len(attempts) == 1 for attempts in history(shared).values())
    workers = {row[0].split("/")[0] for row in shared.sql("SELECT worker FROM jobs")}
    assert workers == {"p1", "p2"}
    assert shared.sql("SELECT count(*) FROM jobs WHERE attempt <> 1") == [(0,)]


def test_R_A1_jobs_of_a_killed_pool_are_run_by_another_within_its_lease(shared):
    sweep(shared, 2 * WORKERS, seconds=3)
    first = shared.start_pool()
    eventually(lambda: shared.counts().get("running") == WORKERS)
    first.kill9(keeps_lease=True)
    shared.start_pool()
    shared.wait_counts(timeout=40, completed=2 * WORKERS)
    assert shared.sql("SELECT count(*) FROM jobs WHERE interruptions = 1 AND attempt = 1") == [(WORKERS,)]
    assert shared.one("SELECT count(*) FROM events WHERE kind = 'pool.lost'") == 1
    history(shared)


def test_a_pool_that_starts_leaves_the_jobs_of_a_living_one_alone(shared):
    sweep(shared, 4, seconds=2)
    shared.start_pool()
    eventually(lambda: shared.counts().get("running") == 4)
    shared.start_pool()
    shared.wait_counts(completed=4)
    assert shared.one("SELECT sum(interruptions) FROM jobs") == 0


def test_a_job_submitted_elsewhere_starts_without_a_poll(shared):
    shared.start_pool()
    job = shared.submit("mark", "n=1")
    shared.wait_state(job, "completed", timeout=3)


def test_a_running_job_is_cancelled_from_another_process(shared):
    shared.start_pool()
    job = shared.submit("mark", "n=1", "s=60")
    shared.wait_state(job, "running")
    shared.run("cancel", job)
    shared.wait_state(job, "cancelled", timeout=10)


def test_R_A19_a_commit_whose_answer_is_lost_is_neither_lost_nor_written_twice(shared, server):
    proxy = pg_proxy.Proxy("127.0.0.1", server.port)
    try:
        sweep(shared, 300)
        through = {"STOKER_STORE": f"postgresql://stoker@127.0.0.1:{proxy.port}/{shared.database}"}
        pool = shared.start_pool("--drain", ready=False, env=through)
        for _ in range(5):
            before = proxy.lost
            proxy.lose_commit_replies(1)
            eventually(lambda: proxy.lost > before or not pool.is_alive())
        assert pool.wait(90) == 0, pool.log()
        assert proxy.lost >= 2
    finally:
        proxy.close()
    shared.wait_counts(completed=300)
    assert all(len(attempts) == 1 for attempts in history(shared).values())
    assert shared.one("SELECT count(*) FROM events WHERE kind = 'attempt.late'") == 0
    assert shared.run("doctor", "--deep", ok=False).returncode in (0, 1)


def test_R_A18_a_database_that_restarts_loses_no_outcome(short_folder):
    server = Databases().init().start()
    try:
        with stoker_in(short_folder, server) as stoker:
            stoker.yaml(WORK, lease="30s")  # a restart may take its time
            stoker.script("mark.sh", MARK)
            sweep(stoker, 200, seconds=0.02)
            pool = stoker.start_pool("--drain", ready=False)
            eventually(lambda: completed(stoker) > 20)
            server.stop("immediate")
            server.start()
            assert pool.wait(90) == 0, pool.log()
            stoker.wait_counts(completed=200)
            assert all(len(attempts) == 1 for attempts in history(stoker).values())
            stoker.clean_up()
    finally:
        server.remove()


def test_a_backup_that_is_restored_under_living_pools_is_found_out(short_folder):
    server = Databases().init().start()
    backup = server.folder / "backup"
    try:
        with stoker_in(short_folder, server) as stoker:
            stoker.yaml(WORK)
            stoker.script("mark.sh", MARK)
            pool = stoker.start_pool()
            assert "back in time" not in stoker.run("doctor", ok=False).stdout
            server.stop()
            subprocess.run(["cp", "-a", server.data, backup], check=True)
            server.start()
            lost = stoker.submit("mark", "n=1", "s=0")
            stoker.wait_state(lost, "completed")
            server.stop()
            shutil.rmtree(server.data)
            backup.rename(server.data)
            server.start()
            eventually(lambda: "the database went back in time" in pool.log(), what=pool.log)
            assert "job %d" % lost in stoker.run("job", lost, ok=False).stderr
            assert "the database had gone back in time" in stoker.run("doctor", ok=False).stdout
            events = eventually(lambda: [event for event in stoker.run("events", json=True)["events"] if event["kind"] == "store.lost"])
            assert "jobs accepted in between are missing" in events[0]["text"]
            later = stoker.start_pool()
            eventually(lambda: "a pool found that the database had gone back in time" in later.log(), what=later.log)
            stoker.clean_up()
    finally:
        server.remove()


def test_R_A12_a_pool_without_the_database_ends_its_jobs_before_they_are_others(shared, server):
    proxy = pg_proxy.Proxy("127.0.0.1", server.port)
    try:
        sweep(shared, WORKERS, seconds=25)
        through = {"STOKER_STORE": f"postgresql://stoker@127.0.0.1:{proxy.port}/{shared.database}"}
        shared.start_pool(ready=False, env=through)
        eventually(lambda: shared.counts().get("running") == WORKERS)
        other = shared.start_pool()
        proxy.stall()
        eventually(lambda: shared.one("SELECT count(*) FROM jobs WHERE interruptions = 1") == WORKERS, timeout=40)
        eventually(lambda: shared.counts().get("running") == WORKERS, timeout=20)
        assert all(row[0].startswith("p2/") for row in shared.sql("SELECT worker FROM jobs"))
        proxy.heal()
        eventually(lambda: shared.one("SELECT count(*) FROM pools WHERE ended IS NULL") == 2, timeout=40)
        history(shared)
        assert other.is_alive()
    finally:
        proxy.close()


def test_thirty_two_first_starts_make_one_schema(short_folder, server):
    with stoker_in(short_folder, server) as stoker:
        stoker.yaml(WORK)
        with concurrent.futures.ThreadPoolExecutor(32) as crowd:
            ends = list(crowd.map(lambda n: stoker.run("submit", "mark", f"n={n}", ok=False), range(32)))
        assert [end.returncode for end in ends] == [0] * 32, [end.stderr for end in ends if end.returncode]
        assert stoker.counts() == {"pending": 32}
        assert server.sql(stoker.database, "SELECT count(*) FROM stoker.migration WHERE version = 1") == [["1"]]


def test_sql_submits_inside_the_callers_own_transaction(shared, server):
    shared.run("submit", "mark", "n=0")  # makes the task known
    call = "SELECT stoker.submit('mark', '{\"n\": 7}', key => 'k7')"
    server.sql(shared.database, f"BEGIN; {call}; ROLLBACK")
    assert shared.counts() == {"pending": 1}
    first = server.sql(shared.database, call)
    assert server.sql(shared.database, call) == first
    assert shared.counts() == {"pending": 2}
    done = server.program("psql", "-h", server.folder, "-p", server.port, "-U", "stoker", "-d", shared.database, "-c",
                          "SELECT stoker.submit('nobody', '{}')", check=False)
    assert 'stoker knows no task "nobody"' in done.stderr
    shared.drain()
    shared.wait_counts(completed=2)


def test_a_trigger_on_new_data_makes_jobs(shared, server):
    shared.run("submit", "mark", "n=0")
    for statement in (
            "CREATE TABLE reading (id integer)",
            "CREATE FUNCTION on_reading() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "
            "stoker.submit('mark', jsonb_build_object('n', NEW.id)); RETURN NEW; END $$",
            "CREATE TRIGGER reading_new AFTER INSERT ON reading FOR EACH ROW EXECUTE FUNCTION on_reading()",
            "INSERT INTO reading SELECT generate_series(1, 5)"):
        server.sql(shared.database, statement)
    shared.drain()
    shared.wait_counts(completed=6)


def test_a_password_in_the_connection_string_is_refused_and_not_shown(shared):
    done = shared.run("status", ok=False, env={"STOKER_STORE": "postgresql://stoker:canary-7311@localhost/x"})
    assert done.returncode == 78
    assert "~/.pgpass" in done.stderr
    assert "canary-7311" not in done.stdout + done.stderr


def test_a_database_that_is_not_there_is_said_in_a_sentence(shared, server):
    done = shared.run("status", ok=False, env={"STOKER_STORE": server.url("nowhere")})
    assert done.returncode != 0
    assert re.search(r'could not connect to PostgreSQL nowhere on .*: .*database "nowhere" does not exist', done.stderr)


def test_it_works_behind_pgbouncer_in_transaction_mode(shared, server, short_folder):
    program = "/usr/sbin/pgbouncer"
    if subprocess.run(["test", "-x", program], check=False).returncode != 0:
        pytest.skip("needs Debian's pgbouncer")
    port = postgres.free_port()
    config = server.folder / "bouncer.ini"
    config.write_text(f"[databases]\n* = host={server.folder} port={server.port} user=stoker\n[pgbouncer]\n"
                      f"listen_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\npool_mode = transaction\n"
                      f"unix_socket_dir =\nignore_startup_parameters = extra_float_digits\nmax_client_conn = 100\n"
                      f"default_pool_size = 5\n")
    process = subprocess.Popen([*server.step_down, program, "-q", str(config)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        shared.env["STOKER_STORE"] = f"postgresql://stoker@127.0.0.1:{port}/{shared.database}"
        server.sql(shared.database, f"ALTER DATABASE {shared.database} SET client_min_messages = warning")
        eventually(lambda: shared.run("sweep", "mark", "n=1:200", ok=False).returncode == 0)
        pools = [shared.start_pool("--drain", ready=False) for _ in range(2)]
        for pool in pools:
            assert pool.wait(60) == 0, pool.log()
        assert completed(shared) == 200
    finally:
        process.terminate()
        process.wait()
        shared.env["STOKER_STORE"] = server.url(shared.database)


def test_no_deadlock_was_seen(server):
    """Last: of all that went on in this file."""
    assert "deadlock detected" not in server.log()
