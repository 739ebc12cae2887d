# SPDX-License-Identifier: MIT
"""How a pool ends, and what its end does to the jobs."""
import os
import pathlib
import signal
import textwrap

import pytest

from conftest import describe, eventually, marked_processes
from history import begun, check_history, ended, read_history

WORK = """\
work:
  command: [./work.sh, "{n}", "{until}"]
  params: {n: int, until: {type: text, default: ""}}
  kill_grace: 200ms
"""
STUBBORN = """\
stubborn:
  command:
    - /bin/sh
    - -c
    - "trap '' TERM; echo begin $STOKER_JOB_ID $STOKER_ATTEMPT_ID 0 >>history; while :; do sleep 0.05; done"
  kill_grace: 10s
"""
KINDS = ["background", "keeps-stdout", "setsid", "double-fork", "ignore-term"]


def config(tasks, grace="30s", workers=4):
    return (f"store: sqlite:stoker.db\nworkers: {workers}\ngrace: {grace}\ntasks:\n"
            + textwrap.indent(textwrap.dedent(tasks), "  "))


def wait_begun(stoker, count):
    eventually(lambda: len(begun(stoker.folder)) >= count, what=f"{count} jobs have begun")


# ---- in good order


def test_R_E7_sigterm_claims_no_more_finishes_what_runs_and_exits_0(stoker):
    stoker.yaml(config(WORK, workers=2))
    for n in range(6):
        stoker.submit("work", f"n={n}", "until=go")
    pool = stoker.start_pool()
    wait_begun(stoker, 2)
    pool.signal(signal.SIGTERM)
    eventually(lambda: stoker.status()["pools"][0]["state"] == "stopping")
    stoker.touch("go")
    assert pool.wait() == 0
    assert len(begun(stoker.folder)) == len(ended(stoker.folder)) == 2
    assert dict(stoker.sql("SELECT state, count(*) FROM jobs GROUP BY 1")) == {"completed": 2, "pending": 4}
    assert stoker.sql("SELECT ended FROM pools") == [("stopped",)]
    assert not (stoker.folder / "stoker.db.lock").exists()
    stoker.nothing_lives()


def test_a_job_that_is_told_to_end_along_with_its_pool_is_given_back_without_an_attempt(stoker):
    """A batch system ends an allocation: SIGTERM to each process of it, the job's a moment before the pool's."""
    stoker.yaml("t: {command: [./t]}")
    stoker.script("t", "echo $$ >pid; exec sleep 600")
    job = stoker.submit("t")
    pool = stoker.start_pool()
    eventually(lambda: (stoker.folder / "pid").exists() and (stoker.folder / "pid").read_text().endswith("\n"))
    asleep = next(pid for pid in marked_processes(stoker.folder) if describe([pid])[0].endswith(": sleep 600 "))
    os.kill(asleep, signal.SIGTERM)
    pool.signal(signal.SIGTERM)
    assert pool.wait() == 0
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["interruptions"]) == ("pending", 0, 1)
    assert "along with its pool" in row["attempts"][0]["error"]


def test_after_the_grace_a_running_job_is_interrupted_and_given_back_without_an_attempt(stoker):
    stoker.yaml(config(WORK, grace="100ms"))
    job = stoker.submit("work", "n=1", "until=go")
    pool = stoker.start_pool()
    wait_begun(stoker, 1)
    assert pool.stop() == 0
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["interruptions"]) == ("pending", 0, 1)
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["interrupted"]
    stoker.nothing_lives()
    stoker.touch("go")
    stoker.drain()
    check_history(stoker, {job: 1})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(stoker, number):
    stoker.yaml(config(WORK + STUBBORN, grace="1h"))
    jobs = [stoker.submit("work", "n=1", "until=go"), stoker.submit("stubborn")]
    pool = stoker.start_pool()
    wait_begun(stoker, 2)
    pool.signal(number)
    eventually(lambda: stoker.status()["pools"][0]["state"] == "stopping")
    pool.signal(number)
    assert pool.wait(timeout=5) in (0, 75)
    stoker.nothing_lives()
    for job in jobs:
        row = stoker.job(job)
        assert (row["state"], row["attempt"], row["interruptions"]) == ("pending", 0, 1)


def test_a_pool_that_is_stopping_still_takes_jobs_or_says_no(stoker):
    stoker.yaml(config(WORK))
    stoker.submit("work", "n=1", "until=go")
    pool = stoker.start_pool()
    wait_begun(stoker, 1)
    pool.signal(signal.SIGTERM)
    eventually(lambda: stoker.status()["pools"][0]["state"] == "stopping")
    done = stoker.run("submit", "work", "n=2", "--json", ok=False)
    assert done.returncode in (0, 69, 75)
    stoker.touch("go")
    assert pool.wait() == 0
    count = 2 if done.returncode == 0 else 1
    assert stoker.one("SELECT count(*) FROM jobs") == count
    assert len(begun(stoker.folder)) == 1


def test_drain_waits_for_jobs_that_will_be_due_but_not_for_paused_or_held_ones(stoker):
    stoker.yaml(config(WORK + "other: {command: [/bin/true]}\n"))
    soon = stoker.submit("work", "n=1", "--at", "+500ms")
    closed = stoker.submit("other")
    stoker.run("queue", "pause", "other")
    stoker.drain()
    assert stoker.job(soon)["state"] == "completed" and stoker.job(closed)["state"] == "pending"


def test_drain_ends_only_after_the_retries(stoker):
    stoker.yaml(config("""
    t:
      command: [/bin/sh, -c, '[ "$STOKER_ATTEMPT" = 3 ]']
      retry: {attempts: 3, backoff: 100ms}
    """))
    job = stoker.submit("t")
    stoker.drain()
    assert stoker.job(job)["state"] == "completed"


# ---- kill -9


@pytest.mark.parametrize("kind", KINDS)
def test_R_E1_R_E2_kill_9_of_the_pool_leaves_no_process_of_a_job(stoker, kind):
    stoker.yaml("family:\n  command: [./family.py, '{kind}', never]\n  params: {kind: text}\n")
    stoker.submit("family", f"kind={kind}")
    pool = stoker.start_pool()
    lines = stoker.folder / "history"
    eventually(lambda: lines.exists() and {"begin", "child"} <= {line.what for line in read_history(stoker.folder)})
    pool.kill9()


@pytest.mark.parametrize("kind", KINDS)
def test_R_E2_when_a_job_ends_nothing_that_it_started_lives_on(stoker, kind):
    stoker.yaml("family:\n  command: [./family.py, '{kind}', go]\n  params: {kind: text}\n")
    job = stoker.submit("family", f"kind={kind}")
    pool = stoker.start_pool()
    eventually(lambda: (stoker.folder / "history").exists()
               and {"begin", "child"} <= {line.what for line in read_history(stoker.folder)})
    stoker.touch("go")
    row = stoker.wait_state(job, "completed")
    assert row["result"] == {"kind": kind}
    eventually(lambda: not family_of(stoker.folder), 1, "the family is gone")
    assert pool.stop() == 0


def family_of(folder):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if b"family.py" in (path / "cmdline").read_bytes() and os.readlink(path / "cwd").endswith(str(folder)):
                found.append(path.name)
        except OSError:
            continue
    return found


def test_jobs_that_ran_at_kill_9_are_given_back_by_the_next_start_and_cost_no_attempt(stoker):
    stoker.yaml(config(WORK))
    jobs = {stoker.submit("work", f"n={n}", "until=go"): n for n in range(4)}
    pool = stoker.start_pool()
    wait_begun(stoker, 4)
    pool.kill9()
    assert any("died with 4 jobs running" in problem for problem in stoker.status()["problems"])

    pool = stoker.start_pool()
    wait_begun(stoker, 8)
    for job in jobs:
        row = stoker.job(job)
        assert (row["attempt"], row["interruptions"]) == (1, 1)
        assert [attempt["outcome"] for attempt in row["attempts"]] == ["interrupted", "running"]
    assert stoker.sql("SELECT ended FROM pools ORDER BY id") == [("lost",), (None,)]
    assert stoker.one("SELECT count(*) FROM events WHERE kind = 'pool.lost'") == 1
    stoker.touch("go")
    stoker.wait_counts(completed=4)
    assert pool.stop() == 0
    check_history(stoker, jobs)


def test_a_cancel_that_was_asked_before_kill_9_is_kept(stoker):
    stoker.yaml(config(STUBBORN))
    job = stoker.submit("stubborn")
    pool = stoker.start_pool()
    wait_begun(stoker, 1)
    assert stoker.run("cancel", job, json=True)["asked"] == 1
    pool.kill9()
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "cancelled" and len(begun(stoker.folder)) == 1


def test_a_job_that_kills_its_pool_each_time_is_failed_after_a_bound(stoker):
    stoker.script("killer.py", """\
        #!/usr/bin/python3 -IS
        import os
        with open("killed", "a") as file:
            file.write("x")
        os.mkfifo("wait-" + os.environ["STOKER_ATTEMPT_ID"])
        open("wait-" + os.environ["STOKER_ATTEMPT_ID"]).read()
        """)
    stoker.yaml(config("killer: {command: [./killer.py]}\n" + WORK))
    job = stoker.submit("killer")
    other = stoker.submit("work", "n=1")
    killed = stoker.folder / "killed"
    for start in range(1, 14):
        pool = stoker.start_pool(ready=False)
        eventually(lambda: (killed.exists() and killed.stat().st_size >= start)
                   or stoker.run("job", job, "--json", ok=False).stdout.find('"failed"') > 0,
                   what=lambda: f"start {start}: {pool.log()}\n{stoker.run('job', job, ok=False).stdout}")
        if killed.stat().st_size < start:
            break
        pool.kill9()
    else:
        raise AssertionError("it was given out for ever")
    row = stoker.job(job)
    assert row["state"] == "failed" and "interrupted too often" in row["error"]
    assert row["interruptions"] == killed.stat().st_size - 1 or row["interruptions"] == killed.stat().st_size
    assert stoker.one("SELECT count(*) FROM events WHERE kind = 'job.quarantined' AND job_id = ?", job) == 1
    stoker.wait_state(other, "completed")
    assert pool.stop() == 0


def test_the_bound_of_interruptions_is_the_task_s_own(stoker):
    stoker.yaml(config(WORK + "  retry: {interruptions: 2}\n"))
    job = stoker.submit("work", "n=1", "until=never")
    for count in range(1, 4):
        pool = stoker.start_pool()
        wait_begun(stoker, count)
        pool.kill9()
    pool = stoker.start_pool()
    row = stoker.wait_state(job, "failed")
    assert "interrupted too often" in row["error"]
    assert len(begun(stoker.folder)) == 3


def test_a_keeper_that_is_killed_gives_its_job_back(stoker):
    """The helper processes of a pool may die too: the job is interrupted, not lost."""
    stoker.yaml(config(WORK, workers=1))
    job = stoker.submit("work", "n=1", "until=go")
    stoker.start_pool()
    wait_begun(stoker, 1)
    sleeper = eventually(lambda: programs(stoker.folder, "work.sh"))
    keeper = int(pathlib.Path(f"/proc/{sleeper[0]}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(keeper, signal.SIGKILL)
    wait_begun(stoker, 2)
    stoker.touch("go")
    row = stoker.wait_state(job, "completed")
    assert (row["attempt"], row["interruptions"]) == (1, 1)


def programs(folder, name):
    """In a chroot the folder of a process in a mount namespace of its own is shown with more in front."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if name.encode() in (path / "cmdline").read_bytes() and os.readlink(path / "cwd").endswith(str(folder)):
                found.append(int(path.name))
        except OSError:
            continue
    return found
