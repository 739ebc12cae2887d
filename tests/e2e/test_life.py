# SPDX-License-Identifier: MIT
"""The life of a job, from submit to its one outcome, as people and SQL see it."""
import json
import pathlib
import re

import pytest

from conftest import eventually, on_sqlite

ECHO = """\
echo:
  command: [/bin/echo, "{n}"]
  params: {n: int}
"""


def shell(script, **keys):
    """A task `t` that runs a line of shell with parameter n."""
    extra = "".join(f"\n  {key}: {value}" for key, value in keys.items())
    script = json.dumps(script.replace("{", "{{").replace("}", "}}"))
    return f"t:\n  command: [/bin/sh, -c, {script}, sh, \"{{n}}\"]\n  params: {{n: {{type: int, default: 1}}}}{extra}\n"


# ---- completed


def test_a_submitted_job_is_run_and_its_result_is_in_sql(stoker):
    stoker.yaml(ECHO)
    job = stoker.submit("echo", "n=42")
    assert stoker.one("SELECT state FROM jobs WHERE id = ?", job) == "pending"
    stoker.drain()
    row = stoker.sql("SELECT task, queue, state, params->>'n', result, error, attempt, worker LIKE 'p_/w_' FROM jobs")
    assert row == [("echo", "echo", "completed", 42, "42", None, 1, 1)]
    times = stoker.sql("SELECT created_at, started_at, finished_at, ready_at FROM jobs")[0]
    assert times[3] is None and list(times[:3]) == sorted(times[:3])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", time) for time in times[:3])
    assert [row[0] for row in stoker.sql("SELECT outcome FROM attempts")] == ["completed"]


def test_drain_without_jobs_ends_at_once(stoker):
    stoker.yaml(ECHO)
    stoker.drain()
    assert stoker.sql("SELECT ended FROM pools") == [("stopped",)]
    assert not (stoker.folder / "stoker.db.lock").exists()
    assert not (stoker.folder / "stoker.db.sock").exists()


@pytest.mark.parametrize("output, result", [
    ("echo '{\"a\": [1, 2.5, null]}'", {"a": [1, 2.5, None]}),
    ("echo first; echo 7", 7),
    ("echo plain text", "plain text"),
    ("echo; echo 'last line'; echo; echo", "last line"),
    ("true", None),
    ("echo not this; echo '{\"from\": 3}' >&3", {"from": 3}),
    ("printf 'no newline'", "no newline"),
    ("echo 'grüße ✓'", "grüße ✓"),
    ("echo complaint >&2", None),
    ("echo NaN", "NaN"),
])
def test_the_result_is_fd_3_or_the_last_line_of_stdout(stoker, output, result):
    stoker.yaml(shell(output))
    job = stoker.submit("t")
    stoker.drain()
    assert stoker.job(job)["result"] == result
    stored = stoker.one("SELECT result FROM jobs")
    assert (None if stored is None else json.loads(stored)) == result


def test_the_job_is_told_its_parameters_in_three_ways(stoker):
    stoker.script("tell", """\
        #!/usr/bin/python3 -IS
        import json, os, sys
        stoker = {k: v for k, v in os.environ.items() if k.startswith("STOKER_")}
        print(json.dumps({"argv": sys.argv[1:], "stdin": json.load(sys.stdin), "env": stoker,
                          "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd"))[:5]}))
        """)
    stoker.yaml("""
        t:
          command: [./tell, --n, "{n}", "--x={x}", "{{literal}}", "{text}"]
          params: {n: int, x: float, text: text, flag: bool}
        """)
    job = stoker.submit("t", "n=5", "x=0.1", "text=two words; $(no) shell", "flag=true")
    stoker.drain()
    result = stoker.job(job)["result"]
    assert result["argv"] == ["--n", "5", "--x=0.1", "{literal}", "two words; $(no) shell"]
    assert result["stdin"] == {"n": 5, "x": 0.1, "text": "two words; $(no) shell", "flag": True}
    env = result["env"]
    assert (env["STOKER_PARAM_N"], env["STOKER_PARAM_X"], env["STOKER_PARAM_FLAG"]) == ("5", "0.1", "true")
    assert env["STOKER_JOB_ID"] == str(job) and env["STOKER_ATTEMPT"] == "1" and env["STOKER_TASK"] == "t"
    assert re.fullmatch(r"p\d+/w\d+", env["STOKER_WORKER"])


def test_R_E5_a_job_has_the_descriptors_0_to_3_and_no_other(stoker):
    stoker.yaml(shell("ls /proc/self/fd | tr '\\n' ' '"))
    job = stoker.submit("t")
    stoker.drain()
    # ls holds one more itself: the folder it reads.
    assert stoker.job(job)["result"].split() == ["0", "1", "2", "3", "4"]


# ---- failed


def test_a_failure_is_kept_with_its_error_the_tail_of_its_output_and_an_event(stoker):
    stoker.yaml(shell("echo one; echo two >&2; exit 3", retry="{attempts: 1}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and "exit status 3" in row["error"] and "two" in row["error"]
    assert row["attempts"][0]["outcome"] == "failed" and row["attempts"][0]["exit_status"] == 3
    assert row["attempts"][0]["tail"].splitlines() == ["one", "two"]
    assert stoker.one("SELECT count(*) FROM events WHERE kind = 'attempt.failed' AND job_id = ?", job) == 1
    assert "exit status 3" in stoker.run("job", job).stdout and "two" in stoker.run("job", job).stdout


def test_a_failed_job_is_tried_again_after_a_backoff_until_its_attempts_are_used_up(stoker):
    stoker.yaml(shell("exit 1", retry="{attempts: 3, backoff: 50ms..200ms}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and row["attempt"] == 3
    assert "attempts used up" in row["error"]
    assert [attempt["attempt"] for attempt in row["attempts"]] == [1, 2, 3]
    begun = [attempt["started_at"] for attempt in row["attempts"]]
    finished = [attempt["finished_at"] for attempt in row["attempts"]]
    assert begun == sorted(begun) and finished[0] < begun[1] and finished[1] < begun[2]


def test_a_job_that_succeeds_at_the_second_attempt_is_completed(stoker):
    stoker.yaml(shell('[ "$STOKER_ATTEMPT" = 2 ] && echo done', retry="{attempts: 3, backoff: 10ms}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["result"], row["attempt"], row["error"]) == ("completed", "done", 2, None)
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["failed", "completed"]


@pytest.mark.parametrize("status", [64, 65])
def test_exit_64_and_65_are_final(stoker, status):
    stoker.yaml(shell(f"exit {status}", retry="{attempts: 5, backoff: 10ms}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and row["attempt"] == 1 and f"exit status {status}" in row["error"]


def test_exit_75_is_throttled_and_costs_no_attempt(stoker):
    stoker.yaml(shell("echo x >>times; [ $(wc -l <times) -ge 3 ] && echo ok && exit; "
                      "echo '{\"retry_after\": 0.05}'; exit 75", retry="{attempts: 1}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["throttles"]) == ("completed", 1, 2)
    assert [attempt["outcome"] for attempt in row["attempts"]] == ["completed"], "waiting leaves no attempt behind"


def test_retry_after_is_waited_for(stoker):
    stoker.yaml(shell("echo '{\"retry_after\": 3600}'; exit 75"))
    job = stoker.submit("t")
    pool = stoker.start_pool()
    row = eventually(lambda: (row := stoker.job(job))["throttles"] and row)
    assert row["state"] == "pending" and "waits until" in row["why"] and "come back later" in row["why"]
    assert stoker.one("SELECT (julianday(ready_at) - julianday('now')) * 86400 > 3000 FROM jobs") == 1
    assert pool.stop() == 0


def test_exit_77_is_a_lost_session_and_costs_no_attempt(stoker):
    stoker.yaml(shell("echo x >>times; [ $(wc -l <times) -ge 2 ] && exit 0; exit 77", retry="{attempts: 1}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["session_waits"]) == ("completed", 1, 1)


def test_R_E6_over_the_time_limit_a_job_is_stopped_and_killed_when_it_ignores_that(stoker):
    stoker.yaml(shell("trap '' TERM; echo begun; while :; do sleep 0.05; done", time_limit="200ms",
                      kill_grace="200ms", retry="{attempts: 1}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and "time limit of 200ms" in row["error"]
    assert row["attempts"][0]["outcome"] == "timed_out" and row["attempts"][0]["tail"].startswith("begun")
    stoker.nothing_lives()


def test_R_E3_an_attempt_ends_with_its_program_not_with_the_last_holder_of_its_stdout(stoker):
    stoker.yaml(shell("sleep 1000 & echo done", time_limit="20s"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["result"]) == ("completed", "done")
    stoker.nothing_lives()


@on_sqlite
def test_R_E4_much_output_is_bounded_and_does_not_block_the_job(stoker):
    stoker.yaml(shell("head -c 30000000 /dev/zero | tr '\\0' x; head -c 1000 /dev/zero; echo; "
                      "seq 1 20000; echo '\"end\"'"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["result"]) == ("completed", "end")
    assert stoker.store.stat().st_size < 2_000_000
    logs = sum(path.stat().st_size for path in stoker.logs.iterdir())
    assert logs < 20 * 1024 * 1024


def test_a_job_killed_by_a_signal_says_which(stoker):
    stoker.yaml(shell("kill -SEGV $$", retry="{attempts: 1}"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and "signal 11" in row["error"]
    assert row["attempts"][0]["exit_status"] == 256 + 11


def test_a_result_over_the_limit_is_a_final_failure(stoker):
    stoker.yaml(shell("head -c 5000 /dev/zero | tr '\\0' 1; echo", result_limit="4KiB"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and row["attempt"] == 1 and "limit" in row["error"]


def test_a_result_that_is_not_utf8_is_a_final_failure(stoker):
    stoker.yaml(shell("printf '\\377\\376 broken\\n'"))
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and row["attempt"] == 1 and "UTF-8" in row["error"]


@pytest.mark.parametrize("program, words", [
    ("./missing", "No such file"),
    ("./not-executable", "Permission denied"),
    ("./no-interpreter", "must begin with #!"),
    ("a-name-that-no-path-has", "No such file"),
])
def test_a_program_that_cannot_be_started_is_a_final_failure_with_the_cause(stoker, program, words):
    stoker.write("not-executable", "#!/bin/sh\n")
    stoker.write("no-interpreter", "just text\n", executable=True)
    stoker.yaml(f"t:\n  command: [{program}]\n")
    job = stoker.submit("t")
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "failed" and row["attempt"] == 1
    assert program.removeprefix("./") in row["error"] and words in row["error"]


# ---- when


def test_a_larger_priority_runs_first_then_the_older_job(stoker):
    stoker.yaml(shell('echo "$1" >>order'), workers=1)
    for n, priority in ((1, 0), (2, 5), (3, -1), (4, 5), (5, 0)):
        stoker.submit("t", f"n={n}", "--priority", priority)
    stoker.drain()
    assert (stoker.folder / "order").read_text().split() == ["2", "4", "1", "5", "3"]


def test_a_job_with_a_future_time_is_not_run_before_it(stoker):
    stoker.yaml(ECHO)
    late = stoker.submit("echo", "n=1", "--at", "+1h")
    soon = stoker.submit("echo", "n=2", "--at", "+300ms")
    past = stoker.submit("echo", "n=3", "--at", "2020-01-01T00:00:00Z")
    stoker.start_pool()
    stoker.wait_state(past, "completed")
    row = stoker.wait_state(soon, "completed")
    assert row["started_at"] >= row["created_at"]
    assert stoker.one("SELECT (julianday(started_at) - julianday(created_at)) * 86400 >= 0.29 FROM jobs "
                      "WHERE id = ?", soon) == 1
    row = stoker.job(late)
    assert row["state"] == "pending" and "asked to start" in row["why"]


def test_the_same_key_makes_no_second_job(stoker):
    stoker.yaml(ECHO)
    first = stoker.run("submit", "echo", "n=1", "--key", "k", json=True)
    again = stoker.run("submit", "echo", "n=1", "--key", "k", json=True)
    assert first == {"first_id": 1, "last_id": 1, "count": 1, "existing": 0}
    assert again == {**first, "existing": 1}
    stoker.drain()
    assert stoker.run("submit", "echo", "n=1", "--key", "k", json=True)["existing"] == 1
    assert stoker.counts() == {"completed": 1}


def test_the_same_key_with_other_parameters_is_refused(stoker):
    stoker.yaml(ECHO)
    stoker.submit("echo", "n=1", "--key", "k")
    done = stoker.run("submit", "echo", "n=2", "--key", "k", ok=False)
    assert done.returncode == 73 and "k" in done.stderr
    assert stoker.counts() == {"pending": 1}


# ---- what people do


def test_a_pending_job_is_cancelled_at_once(stoker):
    stoker.yaml(ECHO)
    job = stoker.submit("echo", "n=1")
    answer = stoker.run("cancel", job, "--reason", "not needed", json=True)
    assert answer == {"changed": 1, "asked": 0, "skipped": 0}
    stoker.drain()
    row = stoker.job(job)
    assert row["state"] == "cancelled" and row["attempt"] == 0 and row["attempts"] == []
    assert stoker.one("SELECT actor, text LIKE '%not needed%' FROM events WHERE kind = 'jobs.cancelled'") == (stoker.me, 1)


def test_a_running_job_is_cancelled_with_all_its_processes(stoker):
    stoker.yaml("family:\n  command: [./family.py, '{kind}', never]\n  params: {kind: text}\n  kill_grace: 100ms\n")
    stoker.start_pool("--workers", 5)
    kinds = ["background", "keeps-stdout", "setsid", "double-fork", "ignore-term"]
    jobs = [stoker.submit("family", f"kind={kind}") for kind in kinds]
    lines = stoker.folder / "history"
    eventually(lambda: lines.exists() and lines.read_text().count("begin") == 5
               and lines.read_text().count("child") == 5)
    answer = stoker.run("cancel", f"{jobs[0]}-{jobs[-1]}", json=True)
    assert answer["asked"] == 5
    for job in jobs:
        row = stoker.wait_state(job, "cancelled")
        assert row["attempts"][0]["outcome"] == "cancelled"
    pools = stoker.status()["pools"]
    assert pools[0]["busy"] == 0
    eventually(lambda: not [1 for line in ps() if "family.py" in line and str(stoker.folder) in line], 1)


def ps():
    """Command and environment of every process."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            found.append((path / "cmdline").read_text() + (path / "environ").read_text(errors="replace"))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("state", ["completed", "failed", "cancelled"])
def test_a_job_that_has_ended_can_be_run_again(stoker, state):
    stoker.yaml(shell("[ -e good ] && echo again", retry="{attempts: 2, backoff: 10ms}"))
    if state == "completed":
        stoker.touch("good")
    job = stoker.submit("t")
    if state == "cancelled":
        stoker.run("cancel", job)
    stoker.drain()
    before = stoker.job(job)
    assert before["state"] == state
    stoker.touch("good")
    assert stoker.run("retry", job, "--reason", "fixed", json=True)["changed"] == 1
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["retries"], row["result"], row["error"]) == ("pending", 0, 1, None, None)
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["result"]) == ("completed", 1, "again")
    assert len(row["attempts"]) == len(before["attempts"]) + 1
    assert stoker.one("SELECT count(*) FROM events WHERE kind = 'jobs.retried'") == 1


def test_what_cannot_be_changed_is_left_alone_and_counted(stoker):
    stoker.yaml(ECHO)
    stoker.submit("echo", "n=1")
    stoker.drain()
    assert stoker.run("cancel", "1", json=True) == {"changed": 0, "asked": 0, "skipped": 1}
    stoker.submit("echo", "n=2")
    assert stoker.run("retry", "1-2", json=True) == {"changed": 1, "asked": 0, "skipped": 1}
    done = stoker.run("cancel", "77", ok=False)
    assert done.returncode == 66 and done.stderr


# ---- why


def test_why_says_what_a_job_waits_for(stoker):
    stoker.yaml(shell('[ "$1" = 0 ] && exit 1; while [ ! -e go ]; do sleep 0.02; done',
                      retry="{attempts: 2, backoff: 1h}"), workers=1)
    failing = stoker.submit("t", "n=0", "--priority", 9)
    running = stoker.submit("t", "n=1", "--priority", 5)
    waiting = stoker.submit("t", "n=2")
    behind = stoker.submit("t", "n=3")
    assert stoker.why(waiting) == "no pool is running: start one with: stoker up"

    pool = stoker.start_pool()
    stoker.wait_state(running, "running")
    assert re.match(r"running on p\d+/w1 for .*, attempt 1 of 2$", stoker.why(running))
    assert re.search(r"waits until .*to be tried again: attempt 1 of 2 failed: exit status 1", stoker.why(failing))
    assert stoker.why(waiting) == "the only worker is busy; it is the next one of its queue"
    assert stoker.why(behind) == "the only worker is busy; 1 job is in front of it"

    stoker.run("queue", "pause", "t", "--reason", "maintenance")
    assert stoker.why(waiting) == (f'queue "t" is paused by {stoker.me}: maintenance; '
                                   "resume it with: stoker queue resume t")
    stoker.touch("go")
    stoker.wait_state(running, "completed")
    assert re.match(r"completed at .* ago\), attempt 1 of 2", stoker.why(running))
    assert stoker.job(waiting)["why"] == stoker.why(waiting)
    assert pool.stop() == 0
    assert stoker.why(waiting) == "no pool is running: start one with: stoker up"


def test_R_J3_a_job_of_a_task_that_is_gone_is_held_and_goes_on_when_it_is_back(stoker):
    stoker.yaml(ECHO + "other: {command: [/bin/true]}\n")
    job = stoker.submit("echo", "n=1")
    stoker.yaml("other: {command: [/bin/true]}")
    other = stoker.submit("other")
    stoker.drain()
    assert stoker.job(other)["state"] == "completed"
    row = stoker.job(job)
    assert row["state"] == "pending" and row["attempt"] == 0 and row["ready_at"] is None
    assert row["why"].startswith('held: this pool\'s stoker.yaml has no task "echo"')
    stoker.yaml(ECHO)
    stoker.drain()
    row = stoker.job(job)
    assert (row["state"], row["attempt"], row["result"]) == ("completed", 1, 1)


# ---- queues


def test_a_paused_queue_starts_nothing_and_holds_up_no_other(stoker):
    stoker.yaml("""
        closed: {command: [/bin/true], params: {n: int}}
        open: {command: [/bin/true], params: {n: int}}
        """)
    stoker.run("queue", "pause", "closed")
    stoker.run("submit", "closed", "--file", "-", input="".join(f'{{"n": {n}}}\n' for n in range(500)))
    stoker.start_pool()
    jobs = stoker.run("submit", "open", "--file", "-", input="".join(f'{{"n": {n}}}\n' for n in range(50)), json=True)
    stoker.wait_state(jobs["last_id"], "completed")
    stoker.wait_counts(pending=500, completed=50)
    assert stoker.one("SELECT count(*) FROM jobs WHERE task = 'closed' AND state <> 'pending'") == 0
    queues = {queue["queue"]: queue for queue in stoker.run("queue", "list", json=True)["queues"]}
    assert queues["closed"]["paused"] and queues["closed"]["pending"] == 500 and not queues["open"]["paused"]
    stoker.run("queue", "resume", "closed")
    stoker.wait_counts(completed=550)


def test_a_pause_survives_the_pool(stoker):
    stoker.yaml(ECHO)
    pool = stoker.start_pool()
    stoker.run("queue", "pause", "echo", "--reason", "for the night")
    job = stoker.submit("echo", "n=1")
    pool.kill9()
    stoker.drain()
    assert stoker.job(job)["state"] == "pending"
    assert any("for the night" in problem for problem in stoker.status()["problems"])


def test_a_job_submitted_to_an_idle_pool_starts_without_a_poll(stoker):
    stoker.yaml(ECHO)
    stoker.start_pool()
    for n in range(5):
        row = stoker.wait_state(stoker.submit("echo", f"n={n}"), "completed", timeout=3)
        assert row["result"] == n


def test_a_store_in_a_folder_with_a_long_name_works_too(stoker):
    """The socket's path is over the limit of the kernel."""
    deep = stoker.folder / ("a" * 100) / ("b" * 100)
    deep.mkdir(parents=True)
    (deep / "stoker.yaml").write_text("tasks:\n  echo: {command: [/bin/echo, '{n}'], params: {n: int}}\n")
    assert len(str(deep / "stoker.db.sock")) > 108
    stoker.yaml(f"store: sqlite:{deep}/stoker.db\ntasks:\n  echo: {{command: [/bin/echo, '{{n}}'], params: {{n: int}}}}\n")
    job = stoker.run("submit", "echo", "n=1", json=True, cwd=deep)["first_id"]
    pool = stoker.start_pool()
    stoker.wait_state(job, "completed")
    again = stoker.run("submit", "echo", "n=2", json=True, cwd=deep)["first_id"]
    stoker.wait_state(again, "completed")
    assert pool.stop() == 0
    assert not (deep / "stoker.db.sock").exists()
