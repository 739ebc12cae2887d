# SPDX-License-Identifier: MIT
"""Sessions: nothing runs without one, everything goes on by itself when one is renewed."""
import json
import os
import signal

import pytest

from conftest import eventually, on_sqlite

DUTY = "duty: {provider: operator, lifetime: 1h}"


def yaml(stoker, tasks, sessions=DUTY, workers=4, more=""):
    lines = "".join(f"  {line}\n" for line in tasks.strip().splitlines())
    rows = "".join(f"  {line}\n" for line in sessions.strip().splitlines())
    stoker.write("stoker.yaml", f"key_file: stoker.key\nworkers: {workers}\ntasks:\n{lines}sessions:\n{rows}{more}")


def session(stoker, name="duty"):
    return next(row for row in stoker.status()["sessions"] if row["name"] == name)


def generations(stoker):
    return stoker.one("SELECT generation FROM sessions WHERE name = 'duty'")


def test_nothing_starts_before_the_first_sign_in_and_all_goes_on_with_it(stoker):
    yaml(stoker, 't: {command: ["true"], params: {n: int}, session: duty}\nfree: {command: ["true"]}')
    stoker.run("sweep", "t", "n=1:30:1")
    stoker.start_pool()
    free = stoker.submit("free")
    eventually(lambda: stoker.job(free)["state"] == "completed")
    assert stoker.counts()["pending"] == 30, "a closed session never holds up another queue"
    assert stoker.why(1).startswith('waits: session "duty" was never signed in: stoker session renew duty')
    row = session(stoker)
    assert row["state"] == "none" and row["generation"] == 0 and row["needs_person"] and row["waiting_workers"] == 4
    assert any("duty" in problem and "30 jobs wait for it" in problem for problem in stoker.status()["problems"])
    assert stoker.run("session", "status", ok=False).returncode == 77
    stoker.run("session", "renew", "duty", "--reason", "the morning round")
    stoker.wait_counts(completed=31)
    row = session(stoker)
    assert row["state"] == "valid" and row["generation"] == 1 and 3500 < row["expires_in"] <= 3600
    assert stoker.run("session", "status", "duty").returncode == 0
    assert stoker.sql("SELECT DISTINCT attempt, session_waits FROM jobs") == [(1, 0)]


def test_a_pool_that_slept_on_an_empty_queue_uses_the_renewed_session(stoker):
    yaml(stoker, 't: {command: [sh, -c, "cat <&$STOKER_SESSION_FD"], session: lab}', "lab: {provider: manual, lifetime: 1h}")
    stoker.start_pool()
    stoker.run("session", "import", "lab", input="first-secret-1\n")
    stoker.submit("t")
    stoker.wait_counts(completed=1)
    stoker.run("session", "import", "lab", input="second-secret-2\n")  # while all sleep
    stoker.submit("t")
    stoker.wait_counts(completed=2)
    assert session(stoker, "lab")["generation"] == 2


def test_a_session_that_ends_closes_and_a_renewal_opens_by_itself(stoker):
    yaml(stoker, 't: {command: ["true"], params: {n: int}, session: duty}', "duty: {provider: operator, lifetime: 1s}")
    stoker.start_pool()
    stoker.run("session", "renew", "duty")
    eventually(lambda: session(stoker)["state"] == "needs_human")
    stoker.run("sweep", "t", "n=1:20:1")
    assert stoker.counts()["pending"] == 20
    assert "needs a person" in stoker.why(1)
    stoker.run("session", "renew", "duty")
    stoker.wait_counts(completed=20)
    assert stoker.sql("SELECT DISTINCT attempt, state FROM jobs") == [(1, "completed")]
    kinds = [row[0] for row in stoker.sql("SELECT kind FROM events WHERE kind LIKE 'session.%' ORDER BY id")]
    assert kinds.count("session.renewed") == 2 and "session.changed" in kinds


def test_jobs_that_are_refused_cost_no_attempt_and_wait_for_the_next_generation(stoker):
    """64 workers, one expiry: one report counts, all others are its echo."""
    yaml(stoker, 't: {command: [sh, -c, "test -e good-$(cat <&$STOKER_SESSION_FD) || exit 77"], params: {n: int}, session: lab}',
         "lab: {provider: manual, lifetime: 1h}", workers=16)
    stoker.start_pool()
    stoker.run("session", "import", "lab", input="old-secret\n")
    stoker.run("sweep", "t", "n=1:64:1")
    eventually(lambda: not session(stoker, "lab")["open"])
    eventually(lambda: stoker.counts().get("running", 0) == 0)
    stoker.touch("good-new-secret")
    stoker.run("session", "import", "lab", input="new-secret\n")
    stoker.wait_counts(completed=64)
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]
    waits = stoker.one("SELECT sum(session_waits) FROM jobs")
    assert 1 <= waits <= 16, "one wave at most: the first report closes the gate"
    assert session(stoker, "lab")["generation"] == 2


def test_a_job_refused_with_a_good_session_fails_alone(stoker):
    yaml(stoker, 'bad: {command: [sh, -c, "exit 77"], session: duty}\ngood: {command: ["true"], params: {n: int}, session: duty}')
    stoker.run("session", "renew", "duty")
    bad = stoker.submit("bad")
    stoker.run("sweep", "good", "n=1:10:1")
    stoker.start_pool()
    stoker.wait_counts(completed=10, failed=1)
    assert "the job's own" in stoker.job(bad)["error"]
    assert session(stoker)["state"] == "valid" and session(stoker)["generation"] == 1


def test_a_session_outlives_a_killed_pool_and_its_end_is_seen_without_one(stoker):
    yaml(stoker, 't: {command: ["true"], session: duty}', "duty: {provider: operator, lifetime: 2s}")
    pool = stoker.start_pool()
    stoker.run("session", "renew", "duty")
    epoch = stoker.one("SELECT generation FROM sessions")
    pool.kill9()
    assert session(stoker)["generation"] == epoch == 1
    eventually(lambda: not session(stoker)["open"])
    stoker.submit("t")
    stoker.start_pool()
    eventually(lambda: session(stoker)["state"] == "needs_human")
    assert stoker.counts()["pending"] == 1
    stoker.run("session", "renew", "duty")
    stoker.wait_counts(completed=1)


def test_a_renewal_without_a_pool_is_kept_for_the_next(stoker):
    yaml(stoker, 't: {command: ["true"], session: duty}')
    stoker.submit("t")
    stoker.run("session", "renew", "duty")
    stoker.drain()
    assert stoker.counts()["completed"] == 1


def test_pause_and_resume_and_words_that_mean_nothing_now(stoker):
    yaml(stoker, 't: {command: ["true"], session: duty}')
    stoker.start_pool()
    stoker.run("session", "renew", "duty")
    stoker.run("session", "pause", "duty", "--reason", "audit day")
    stoker.submit("t")
    assert "paused by a person" in eventually(lambda: stoker.why(1))
    assert session(stoker)["reason"] == "audit day"
    done = stoker.run("session", "pause", "duty", ok=False)
    assert done.returncode != 0 and "means nothing now" in done.stderr
    stoker.run("session", "renew", "duty")
    assert session(stoker)["state"] == "disabled" and session(stoker)["generation"] == 2, "kept, not opened"
    stoker.run("session", "resume", "duty")
    stoker.wait_counts(completed=1)
    for words, sentence in ((("cancel",), "means nothing now"), (("import",), "has no credential"), (("unlock",), "means nothing now")):
        done = stoker.run("session", *words, "duty", ok=False, input="x-secret-x\n")
        assert done.returncode != 0 and sentence in done.stderr, done
    done = stoker.run("session", "renew", "dtuy", ok=False)
    assert 'did you mean "duty"' in done.stderr


def test_a_drain_waits_for_those_who_wait_for_a_person(stoker):
    yaml(stoker, 't: {command: ["true"], session: duty}')
    stoker.submit("t")
    pool = stoker.start_pool("--drain")
    eventually(lambda: session(stoker)["waiting_workers"] == 1)
    stoker.run("session", "renew", "duty")
    assert pool.wait() == 0
    assert stoker.counts()["completed"] == 1


def test_a_secret_is_nowhere_but_sealed(stoker):
    """The canary: not in the store, its log, consoles, output, events, or a process's argv and environment."""
    canary = "canary-7f3a9c1e55"
    yaml(stoker, 't: {command: [sh, -c, "cat <&$STOKER_SESSION_FD; echo; cat /proc/$PPID/environ /proc/self/environ; exit 1"], session: lab, retry: {attempts: 1}}',
         "lab: {provider: manual, lifetime: 1h}")
    pool = stoker.start_pool()
    stoker.run("session", "import", "lab", "--reason", "renewed", input=canary + "\n")
    stoker.submit("t")
    stoker.wait_counts(failed=1)
    assert "*****" in json.dumps(stoker.job(1)), "the job printed it, and it was taken out"
    found = [path for path in stoker.folder.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]
    assert found == []
    for name in ("cmdline", "environ"):
        assert canary.encode() not in open(f"/proc/{pool.pid}/{name}", "rb").read()


@on_sqlite  # where others may have the key, they go on: test_fleet.py
def test_a_credential_that_does_not_open_closes_the_session(stoker):
    yaml(stoker, 't: {command: ["true"], session: lab}', "lab: {provider: manual, lifetime: 1h}")
    stoker.run("session", "import", "lab", input="some-secret-9\n")
    os.remove(stoker.folder / "stoker.key")
    stoker.submit("t")
    stoker.start_pool()
    if stoker.database:  # other pools may have the key: the session is left to them
        eventually(lambda: stoker.sql("SELECT 1 FROM events WHERE kind = 'pool.keyless'"))
    else:
        eventually(lambda: session(stoker, "lab")["needs_person"], what="fails closed")
    assert stoker.counts()["pending"] == 1 and stoker.job(1)["attempt"] == 0
    stoker.run("session", "import", "lab", input="some-secret-9\n")
    stoker.wait_counts(completed=1)


def test_a_projection_says_whether_the_work_fits_into_what_is_left(stoker):
    yaml(stoker, 't: {command: [sleep, "0.2"], params: {n: int}, session: duty}', workers=1)
    stoker.start_pool()
    stoker.run("session", "renew", "duty")
    stoker.run("sweep", "t", "n=1:5:1")
    stoker.wait_counts(completed=5)
    stoker.run("session", "pause", "duty")
    stoker.run("sweep", "t", "n=1:90000:1")
    stoker.run("session", "resume", "duty")
    row = eventually(lambda: session(stoker) if session(stoker)["work_s"] else None)
    assert 17000 < row["work_s"] < 36000
    assert "pending work needs about" in row["projection"] and "renew before" in row["projection"]
    assert "renew before" in stoker.run("session", "status").stdout


def test_the_views_and_the_console_tell_of_it(stoker):
    yaml(stoker, 't: {command: ["true"], session: duty}')
    pool = stoker.start_pool()
    stoker.run("session", "renew", "duty", "--reason", "shift begins")
    eventually(lambda: 'session "duty" is open' in pool.log())
    assert stoker.sql("SELECT name, state, generation FROM sessions") == [("duty", "valid", 1)]
    pool.signal(signal.SIGTERM)
    assert pool.wait() == 0
