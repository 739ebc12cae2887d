# SPDX-License-Identifier: MIT
"""Pools that share a store: what people see of all of them, and what starts and stops them."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest
from conftest import DEADLINE, ROOT, eventually, on_postgres, on_sqlite

FLEET = ROOT / "examples" / "fleet"


def talk(stoker, **more):
    stoker.script("talk", 'echo "line of $1"; until [ -e go ]; do sleep 0.05; done')
    return stoker.yaml("""
        talk: {command: [./talk, "{n}"], params: {n: int}}
    """, workers=more.get("workers", 1))


# ---- what people see


@on_postgres
def test_status_shows_all_pools_and_all_workers(stoker):
    talk(stoker, workers=2)
    first, second = stoker.start_pool(), stoker.start_pool()
    for n in range(3):
        stoker.submit("talk", f"n={n}")
    stoker.wait_counts(running=3)
    status = stoker.status()
    assert {pool["pid"] for pool in status["pools"]} == {first.pid, second.pid}
    assert sum(pool["busy"] for pool in status["pools"]) == 3
    assert len(status["workers"]) == 4
    busy = [row for row in status["workers"] if row["state"] == "running"]
    assert sorted(row["job"] for row in busy) == [1, 2, 3] and {row["task"] for row in busy} == {"talk"}
    text = stoker.run("status").stdout
    assert re.search(r"p\d+/w\d", text) and "1 worker is idle" in text
    assert "2 pools with 4 workers" in stoker.run("doctor").stdout
    stoker.touch("go")


def pool_row(stoker, pid):
    return next((pool for pool in stoker.status()["pools"] if pool["pid"] == pid), None)


@on_postgres
def test_a_pool_that_stops_is_seen_to_stop_and_its_workers_are_not_counted_as_free(stoker):
    talk(stoker, workers=2)
    going = stoker.start_pool()
    for n in range(4):
        stoker.submit("talk", f"n={n}")
    staying = stoker.start_pool("--drain")
    stoker.wait_counts(running=4)
    eventually(lambda: pool_row(stoker, staying.pid)["state"] == "draining")
    assert pool_row(stoker, going.pid)["state"] == "running"
    going.signal(signal.SIGTERM)
    eventually(lambda: pool_row(stoker, going.pid)["state"] == "stopping", 5)
    assert stoker.sql("SELECT state FROM stoker.pools ORDER BY 1") == [("draining",), ("stopping",)]
    assert re.search(r"pool p\d+ stopping on ", stoker.run("status").stdout)
    waits = stoker.submit("talk", "n=9")
    assert "all 2 workers" in stoker.why(waits)
    stoker.touch("go")
    assert going.wait() == 0 and staying.wait() == 0
    assert stoker.sql("SELECT state, ended FROM stoker.pools") == [(None, "stopped")] * 2


@on_postgres
def test_a_pool_that_waits_for_a_session_says_for_which(stoker):
    stoker.yaml("""
        store: sqlite:stoker.db
        key_file: stoker.key
        sessions:
          desk: {provider: operator, lifetime: 1h}
        tasks:
          guarded: {command: [/bin/true], session: desk}
    """)
    pool = stoker.start_pool()
    eventually(lambda: pool_row(stoker, pool.pid)["state"] == "running")
    job = stoker.submit("guarded")
    row = eventually(lambda: (row := pool_row(stoker, pool.pid))["state"] == "waiting" and row)
    assert row["reason"] == 'its jobs wait for session "desk"'
    stoker.run("session", "renew", "desk")
    stoker.wait_state(job, "completed")
    eventually(lambda: pool_row(stoker, pool.pid)["state"] == "running")


@on_postgres
def test_the_pace_of_all_pools_is_known_to_others(stoker):
    stoker.yaml("beep: {command: [/bin/true], params: {n: int}}")
    stoker.start_pool(), stoker.start_pool()
    stoker.run("sweep", "beep", "n=1:20000:1")

    def paces():
        status = stoker.status()
        return all(pool["per_s"] > 0 for pool in status["pools"]) and status
    assert len(eventually(paces, 20)["pools"]) == 2


@on_postgres
def test_a_pool_whose_beat_does_not_come_is_silent_before_it_is_lost(stoker):
    talk(stoker)
    pool = stoker.start_pool()
    pool.signal(signal.SIGSTOP)

    def silent():
        status = stoker.status()
        return status["pools"][0]["state"] == "silent" and status

    status = eventually(silent, 30)
    pool.signal(signal.SIGCONT)
    assert "not heard of for" in status["pools"][0]["reason"]
    assert any("cannot reach the database" in text for text in status["problems"])
    eventually(lambda: [row["state"] for row in stoker.status()["pools"]] == ["running"], 30)


def test_the_states_of_a_pool_are_the_same_words_in_model_docs_and_schema():
    model = re.findall(r'X\(\w+, +"(\w+)", +"(.*?)"\)', (ROOT / "src/model/pool_state.h").read_text())
    docs = (ROOT / "docs/api.md").read_text()
    table = docs.split("| `state` | the pool |")[1].split("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \| (.*?) \|$", table, re.M) == model and len(model) == 7
    schema = (ROOT / "src/store/migrations/pg/0001_store.sql").read_text()
    said = re.search(r"CHECK \(state IN \(('running', 'draining'.*?)\)\)", schema)[1]
    assert re.findall(r"\w+", said) == [name for name, _ in model[:4]]


@on_postgres
def test_why_counts_the_workers_of_all_pools(stoker):
    talk(stoker)
    jobs = [stoker.submit("talk", f"n={n}") for n in range(3)]
    assert stoker.why(jobs[2]) == "no pool is running: start one with: stoker up"
    stoker.start_pool(), stoker.start_pool()
    stoker.wait_counts(running=2, pending=1)
    assert "all 2 workers of 2 pools are busy" in stoker.why(jobs[2])
    assert "no pool is running" not in stoker.run("submit", "talk", "n=9").stdout
    stoker.touch("go")


@on_postgres
def test_a_pool_that_is_lost_is_shown_until_its_jobs_are_given_back(stoker):
    talk(stoker)
    lost = stoker.start_pool()
    job = stoker.submit("talk", "n=1")
    stoker.wait_state(job, "running")
    lost.signal(signal.SIGSTOP)
    try:
        eventually(lambda: "not been heard of" in stoker.why(job), 30)
        pools = stoker.status()["pools"]
        assert [pool["state"] for pool in pools] == ["lost"] and "not heard of for" in pools[0]["reason"]
    finally:
        lost.kill9()
    stoker.touch("go")
    stoker.start_pool()
    stoker.wait_state(job, "completed", timeout=60)
    eventually(lambda: [pool["state"] for pool in stoker.status()["pools"]] == ["running"])


@on_postgres
def test_logs_merge_the_consoles_of_all_pools(stoker):
    talk(stoker)
    stoker.start_pool(), stoker.start_pool()
    jobs = [stoker.submit("talk", f"n={n}") for n in (7, 8)]
    stoker.wait_counts(running=2)

    def lines(*words):
        out = stoker.run("logs", *words, "--json").stdout
        return [json.loads(line) for line in out.splitlines()]

    seen = eventually(lambda: (found := lines()) and len([row for row in found if row["kind"] == "stdout"]) == 2 and found)
    assert {row["pool"] for row in seen if row["kind"] == "stdout"} == {"p1", "p2"}
    assert [row["at"] for row in seen] == sorted(row["at"] for row in seen)
    own = lines("--job", jobs[0])
    assert own and {row["job"] for row in own} == {jobs[0]}
    assert {row["pool"] for row in lines("--worker", "p2/w1")} == {"p2"}
    assert re.search(r"Z p[12]/w1 +job \d+ +> line of 7", stoker.run("logs").stdout)
    stoker.touch("go")


@on_postgres
def test_logs_that_were_shipped_before_are_shown_without_waiting_for_more(stoker):
    talk(stoker)
    stoker.start_pool(), stoker.start_pool()
    stoker.run("logs")
    first = stoker.run("logs", "--json").stdout

    def quick():  # nothing more comes: who waits for a line waits three seconds, each time
        begun = time.monotonic()
        assert stoker.run("logs", "--json").stdout.startswith(first)
        return time.monotonic() - begun < 2.5

    eventually(quick, 60)
    assert {row[0] for row in stoker.sql("SELECT pool_id FROM stoker.watch_answer")} == {1, 2}


@on_postgres
def test_logs_are_followed_and_no_line_comes_twice(stoker):
    talk(stoker)
    stoker.touch("go")
    stoker.start_pool(), stoker.start_pool()
    out = (stoker.folder / "followed").open("w")
    stoker.spawn("logs", "--follow", "--lines", "1", stdout=out, stderr=subprocess.STDOUT)  # one of those before
    path = stoker.folder / "followed"
    eventually(lambda: stoker.sql("SELECT 1 FROM stoker.watch"), what="somebody watches")
    for n in range(100, 120):
        stoker.submit("talk", f"n={n}")
    eventually(lambda: len(re.findall(r"> line of 1\d\d$", path.read_text(), re.M)) >= 20, what=path.read_text)
    lines = re.findall(r"> (line of 1\d\d)$", path.read_text(), re.M)
    assert sorted(lines) == [f"line of {n}" for n in range(100, 120)]


@on_postgres
def test_history_and_logs_are_followed_beside_a_long_transaction_of_another_database(stoker):
    talk(stoker)
    stoker.touch("go")
    stoker.start_pool()
    with stoker.server.connect("postgres") as db, db.cursor() as cursor:
        cursor.execute("BEGIN; SELECT txid_current()")
        out = {name: (stoker.folder / name).open("w+") for name in ("events", "logs")}
        for name, file in out.items():
            stoker.spawn(name, "--follow", stdout=file, stderr=subprocess.STDOUT)
        eventually(lambda: stoker.sql("SELECT 1 FROM stoker.watch"), what="somebody watches")
        stoker.submit("talk", "n=5")
        stoker.run("queue", "pause", "talk", "--reason", "it rains")
        for name, text in (("events", "it rains"), ("logs", "line of 5")):
            path = stoker.folder / name
            eventually(lambda: text in path.read_text(), what=path.read_text)
    for file in out.values():
        file.close()


@on_postgres
def test_pools_of_one_folder_take_a_log_folder_each(stoker):
    talk(stoker)
    stoker.touch("go")
    first, second = stoker.start_pool(), stoker.start_pool()
    eventually(lambda: "stoker.logs\n" in first.log(), what=first.log)
    eventually(lambda: "stoker.logs.2 (another pool writes to" in second.log(), what=second.log)
    stoker.submit("talk", "n=1")
    stoker.wait_counts(completed=1)
    first.stop(), second.stop()
    assert "line of 1" in stoker.run("logs").stdout, "without a pool the files of both folders are read"


@on_postgres
def test_a_sweep_is_there_once_whoever_fills_it(stoker):
    talk(stoker, workers=2)
    stoker.touch("go")
    stoker.start_pool(), stoker.start_pool()
    answer = stoker.run("sweep", "talk", "n=1:3000", json=True)
    assert (answer["points"], answer["new"], answer["existing"]) == (3000, 3000, 0)
    again = stoker.run("sweep", "extend", answer["sweep_id"], "n=2991:3010", json=True)
    assert (again["new"], again["existing"]) == (10, 10)
    assert sum(stoker.counts().values()) == 3010


def kill_while_it_fills(stoker, points):
    """A sweep that its command did not get to the end of."""
    command = stoker.spawn("sweep", "talk", f"n=1:{points}", stdout=subprocess.DEVNULL)
    eventually(lambda: stoker.sql("SELECT 1 FROM stoker.job LIMIT 1"), what="the first points are in")
    command.kill()
    command.wait()
    assert stoker.sql("SELECT filled FROM stoker.sweeps") == [(0,)]


@on_postgres
def test_a_sweep_whose_command_died_is_filled_by_a_pool(stoker):
    talk(stoker)
    stoker.run("queue", "pause", "talk")
    kill_while_it_fills(stoker, 40000)
    stoker.start_pool()
    eventually(lambda: stoker.sql("SELECT filled FROM stoker.sweeps") == [(1,)], 60)
    assert stoker.counts() == {"pending": 40000}


@contextlib.contextmanager
def held(stoker, statement):
    """What a statement locks, by a session of its own."""
    with stoker.server.begin(stoker.database) as session:
        session.cursor().execute(statement)
        yield  # the end rolls it back


@on_postgres
def test_a_feeder_that_found_another_at_its_sweep_tries_again(stoker):
    talk(stoker)
    stoker.run("queue", "pause", "talk")
    kill_while_it_fills(stoker, 40000)
    jobs = stoker.counts()["pending"]
    with held(stoker, "SELECT id FROM stoker.sweep FOR UPDATE"):
        stoker.start_pool()
        beats = set()
        eventually(lambda: beats.add(stoker.one("SELECT beat_at FROM stoker.pool")) or len(beats) > 2, what="it has looked")
        assert stoker.counts() == {"pending": jobs}
    eventually(lambda: stoker.sql("SELECT filled FROM stoker.sweeps") == [(1,)], 60)
    assert stoker.counts() == {"pending": 40000}


@on_postgres
def test_a_new_key_is_found_by_the_pools_that_run(stoker):
    stoker.yaml("""
        store: sqlite:stoker.db
        workers: 1
        key_file: stoker.key
        tasks:
          t: {command: [sh, -c, "cat <&$STOKER_SESSION_FD"], session: lab}
        sessions:
          lab: {provider: manual, lifetime: 1h}
    """)
    stoker.start_pool()
    stoker.run("session", "import", "lab", input="first-secret-1\n")
    stoker.wait_state(stoker.submit("t"), "completed")
    stoker.run("key", "rotate")
    stoker.run("session", "import", "lab", input="second-secret-2\n")
    job = stoker.submit("t")
    stoker.wait_state(job, "completed", "failed")
    assert stoker.job(job)["state"] == "completed", stoker.job(job)


KEYS = """
    store: sqlite:stoker.db
    workers: 2
    key_file: {key}
    tasks:
      t: {{command: [sh, -c, "cat <&$STOKER_SESSION_FD"], session: lab}}
      other: {{command: [/bin/true]}}
    sessions:
      lab: {{provider: manual, lifetime: 1h}}
"""


@on_postgres
def test_a_pool_with_another_key_leaves_the_session_and_its_jobs_to_those_that_have_it(stoker):
    stoker.yaml(KEYS.format(key="stoker.key"))
    stoker.yaml(KEYS.format(key="wrong.key"), name="wrong.yaml")
    stoker.run("session", "import", "lab", input="the-secret-1\n")
    wrong = stoker.start_pool("--config", "wrong.yaml")
    eventually(lambda: "pool.keyless" in {event["kind"] for event in stoker.run("events", json=True)["events"]})
    assert 'cannot open the secret of session "lab"' in wrong.log()
    job = stoker.submit("t")
    stoker.wait_state(stoker.submit("other"), "completed")
    row = eventually(lambda: (row := pool_row(stoker, wrong.pid))["reason"] and row)
    assert row["reason"] == 'its key file cannot open the secret of session "lab"'
    assert any("cannot open the secret" in text for text in stoker.status()["problems"])
    assert 'no running pool has the key to the secret of session lab' in stoker.why(job)
    assert stoker.job(job)["state"] == "pending" and stoker.sql("SELECT state FROM stoker.sessions") == [("valid",)]

    right = stoker.start_pool()
    done = stoker.wait_state(job, "completed")
    assert done["attempt"] == 1 and pool_row(stoker, right.pid)["reason"] is None
    assert stoker.sql("SELECT state, generation FROM stoker.sessions") == [("valid", 1)]
    right.stop()
    shutil.copy(stoker.folder / "stoker.key", stoker.folder / "wrong.key")
    stoker.wait_state(stoker.submit("t"), "completed")
    eventually(lambda: pool_row(stoker, wrong.pid)["reason"] is None)


def test_a_password_in_the_url_is_refused_and_shown_nowhere(stoker):
    stoker.yaml("t: {command: ['true']}")
    for words, env in ((["--store", "postgresql://a:hunter2@h/d", "status"], {}),
                       (["status"], {"STOKER_STORE": "postgresql://a:hunter2@h/d"}),
                       (["doctor"], {"STOKER_STORE": "postgresql://h/d?password=hunter2"})):
        done = stoker.run(*words, env=env, ok=False)
        assert done.returncode != 0 and "password" in done.stdout + done.stderr
        assert "hunter2" not in done.stdout + done.stderr


# ---- what starts and stops them


@pytest.fixture
def manager(short_folder):
    """Listens as systemd does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(short_folder / "notify"))
        listener.settimeout(DEADLINE)
        yield listener


def test_the_service_manager_hears_ready_alive_and_stopping(stoker, manager):
    stoker.yaml("t: {command: ['true']}")
    pool = stoker.start_pool(env={"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "300000"}, ready=False)
    heard = [manager.recv(100)]
    while heard.count(b"WATCHDOG=1") < 3 or b"READY=1" not in heard:
        heard.append(manager.recv(100))
    assert set(heard) == {b"READY=1", b"WATCHDOG=1"}
    stoker.run("status")
    pool.signal(signal.SIGTERM)
    while manager.recv(100) != b"STOPPING=1":
        pass
    assert pool.wait() == 0


@on_sqlite
def test_ready_is_not_said_by_a_pool_that_cannot_start(stoker, manager):
    stoker.yaml("t: {command: ['true']}")
    stoker.start_pool()
    second = stoker.start_pool(env={"NOTIFY_SOCKET": manager.getsockname()}, ready=False)
    assert second.wait() != 0
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)


def test_the_unit_is_one_that_systemd_reads():
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    done = subprocess.run(["systemd-analyze", "verify", str(FLEET / "stoker@.service")], capture_output=True, text=True,
                          check=False, timeout=60)
    known = ("is not executable", "Command 'man", "RestartSteps", "RestartMaxDelaySec", "Failed to ")
    assert not [line for line in done.stderr.splitlines() if not any(word in line for word in known)], done.stderr
    text = (FLEET / "stoker@.service").read_text()
    for setting in ("Type=notify", "WatchdogSec=", "KillMode=mixed", "NoNewPrivileges=yes", "ProtectSystem=strict"):
        assert f"\n{setting}" in text
    assert int(re.search(r"TimeoutStopSec=(\d+)", text)[1]) > 30, "longer than the usual grace"


def test_the_slurm_script_ends_its_pool_when_it_is_told_to(short_folder, stoker):
    stoker.yaml("t: {command: ['true']}")
    binary = pathlib.Path(os.environ.get("STOKER_BUILD", "build"))
    (stoker.folder / "stoker").symlink_to((ROOT / binary / "stoker").resolve())
    job = subprocess.Popen(["bash", str(FLEET / "pool.slurm")], cwd=stoker.folder, stdout=(stoker.folder / "out").open("w"),
                           env={**os.environ, **stoker.env, "HOME": str(stoker.folder),
                                "PATH": f"{stoker.folder}:{os.environ['PATH']}", "SLURM_CPUS_PER_TASK": "3"})
    stoker.others.append(job)
    eventually(lambda: "3 workers" in (stoker.folder / "out").read_text())
    pools = eventually(lambda: stoker.status()["pools"])
    assert pools[0]["workers"] == 3
    job.send_signal(signal.SIGTERM)
    assert job.wait(DEADLINE) == 0
    stoker.nothing_lives(5)


def test_the_manifest_is_closed_and_asks_with_commands_that_there_are(stoker):
    yaml = pytest.importorskip("yaml")
    parts = {part["kind"]: part for part in yaml.safe_load_all((FLEET / "kubernetes.yaml").read_text())}
    assert set(parts) == {"ConfigMap", "Deployment", "ScaledObject", "TriggerAuthentication"}
    pod = parts["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    for each in pod["initContainers"] + pod["containers"]:
        assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]} and each["securityContext"]["readOnlyRootFilesystem"]
    assert pod["securityContext"]["runAsNonRoot"]
    settings = parts["ConfigMap"]["data"]["stoker.yaml"]
    grace = int(re.search(r"grace: (\d+)s", settings)[1])
    assert pod["terminationGracePeriodSeconds"] > grace
    stoker.write("of-the-map.yaml", settings)
    done = stoker.run("--config", "of-the-map.yaml", "--store", "sqlite:x.db", "submit", "simulate", "seed=1", ok=False)
    assert done.returncode == 0, done.stderr
    words = container["readinessProbe"]["exec"]["command"]
    assert words[0] == "stoker"
    probe = stoker.run(*[word.replace("/etc/stoker/stoker.yaml", "of-the-map.yaml") for word in words[1:]], "--store",
                       "sqlite:x.db", ok=False)
    assert probe.returncode == 0, probe.stderr


@on_postgres
def test_the_query_that_scales_counts_what_runs_and_what_could(stoker):
    yaml = pytest.importorskip("yaml")
    talk(stoker)
    parts = {part["kind"]: part for part in yaml.safe_load_all((FLEET / "kubernetes.yaml").read_text())}
    query = parts["ScaledObject"]["spec"]["triggers"][0]["metadata"]["query"]
    stoker.run("status")
    assert stoker.one(query) == 0
    for n in range(3):
        stoker.submit("talk", f"n={n}")
    assert stoker.one(query) == 3
    assert query in (ROOT / "docs" / "fleet.md").read_text()
    stoker.touch("go")
    stoker.drain()
    assert stoker.one(query) == 0
