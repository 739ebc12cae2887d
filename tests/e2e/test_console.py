# SPDX-License-Identifier: MIT
"""What the workers do, line by line: files, `logs`, and the terminal."""
import codecs
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from conftest import BINARY, clean_environment, eventually

TASKS = """\
talk:
  command: [/bin/sh, -c, "echo out $1; echo err $1 >&2; echo $1", sh, "{n}"]
  params: {n: int}
wait:
  command: [./work.sh, "{n}", go]
  params: {n: int}
rude:
  command: [/bin/sh, -c, "printf 'a\\\\033[31mred\\\\033[0m\\\\r\\\\007b\\\\n\\\\302\\\\233 c1\\\\n\\\\377\\\\n\\\\342\\\\200\\\\256bidi\\\\nok\\\\n'"]
"""
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z +(w\d+|pool) .*")
BAD = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@pytest.fixture
def console(stoker):
    stoker.yaml(TASKS, workers=2)
    return stoker


def log_files(stoker):
    return {path.name: path.read_text() for path in stoker.logs.iterdir() if path.name != "lock"}


# ---- files and logs


def test_each_worker_has_a_file_of_its_own_and_the_pool_too(console):
    jobs = [console.submit("talk", f"n={n}") for n in range(6)]
    console.drain()
    files = log_files(console)
    assert (console.database or "pool.log" in files) and set(files) <= {"pool.log", "w1.log", "w2.log"}
    for name, text in files.items():
        for line in text.splitlines():
            assert LINE.fullmatch(line), line
            assert line.split()[1] == name.removesuffix(".log")
    text = files.get("w1.log", "") + files.get("w2.log", "")
    for n, job in enumerate(jobs):
        mine = [line for line in text.splitlines() if f"job {job} " in line]
        assert any("started talk" in line for line in mine) and any("completed in" in line for line in mine)
        assert any(f"> out {n}" in line for line in mine) and any(f"! err {n}" in line for line in mine)


def test_the_files_are_readable_by_their_owner_only(console):
    console.submit("talk", "n=1")
    console.drain()
    for path in console.logs.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path


def test_logs_shows_one_job_or_one_worker(console):
    console.start_pool()
    jobs = [console.submit("talk", f"n={n}") for n in (100, 200)]
    for job in jobs:
        console.wait_state(job, "completed")
    text = console.run("logs", "--job", jobs[0]).stdout
    assert "out 100" in text and "err 100" in text and "200" not in text
    rows = [json.loads(line) for line in console.run("logs", "--job", jobs[1], "--json").stdout.splitlines()]
    assert {row["job"] for row in rows} == {jobs[1]} and {"step", "stdout", "stderr"} <= {row["kind"] for row in rows}
    worker = rows[0]["worker"]
    text = console.run("logs", "--worker", worker.removeprefix("w")).stdout
    assert text and all(line.split()[1] in (worker, f"p1/{worker}") for line in text.splitlines())
    assert console.run("logs", "--worker", worker).stdout == text
    assert all(line.split()[1] in ("pool", "p1/pool") for line in console.run("logs", "--worker", "pool").stdout.splitlines())


def test_logs_reads_the_files_when_no_pool_runs(console):
    job = console.submit("talk", "n=123")
    console.drain()
    text = console.run("logs", "--job", job).stdout
    assert "out 123" in text and "completed in" in text
    done = console.run("logs", "--follow", ok=False)
    assert done.returncode == 69 and "no pool is running" in done.stderr


def test_logs_of_a_failure_tell_what_comes_next(stoker):
    stoker.yaml("t: {command: [/bin/false], retry: {attempts: 2, backoff: 20ms}}")
    job = stoker.submit("t")
    stoker.drain()
    text = stoker.run("logs", "--job", job).stdout
    assert "next try in" in text and "attempt 1 of 2" in text and "job is failed: attempts used up" in text


def test_follow_shows_new_lines_as_they_come(console):
    console.start_pool()
    follower = console.spawn("logs", "--follow", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.set_blocking(follower.stdout.fileno(), False)
    seen = b""

    def read(words):
        nonlocal seen
        seen += follower.stdout.read() or b""
        return words in seen

    console.submit("talk", "n=111")
    eventually(lambda: read(b"> out 111"))
    assert follower.poll() is None
    console.submit("talk", "n=222")
    eventually(lambda: read(b"> out 222"))
    follower.send_signal(signal.SIGINT)
    follower.wait(5)


def test_follow_of_one_job_shows_no_other(console):
    console.start_pool()
    slow = console.submit("wait", "n=777")
    follower = console.spawn("logs", "--follow", "--job", slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.set_blocking(follower.stdout.fileno(), False)
    seen = b""

    def read(words):
        nonlocal seen
        seen += follower.stdout.read() or b""
        return words in seen

    eventually(lambda: read(b"started wait"))
    other = console.submit("talk", "n=555")
    console.wait_state(other, "completed")
    console.touch("go")
    eventually(lambda: read(b"completed in"))
    assert b"555" not in seen


def test_control_characters_of_jobs_reach_no_terminal_and_no_file(console):
    job = console.submit("rude")
    pool = console.drain()
    assert console.job(job)["state"] == "completed"
    for text in (*log_files(console).values(), pool.log(), console.run("logs", "--job", job).stdout,
                 console.run("job", job).stdout, console.run("events").stdout):
        assert not BAD.search(text), BAD.search(text)
    assert "red" in console.run("logs", "--job", job).stdout


def test_control_characters_of_parameters_and_errors_are_escaped_too(stoker):
    stoker.yaml("t: {command: [/bin/sh, -c, 'printf \"x\\033[2Jy\\n\" >&2; exit 1'], retry: {attempts: 1}}")
    job = stoker.submit("t")
    stoker.drain()
    for args in (("job", job), ("jobs",), ("why", job), ("events",), ("status",)):
        assert "\x1b" not in stoker.run(*args).stdout
    assert "\x1b" not in stoker.run("job", job, "--json").stdout


def test_a_long_line_comes_in_pieces_and_nothing_is_lost(stoker):
    stoker.yaml("t: {command: [/bin/sh, -c, 'head -c 10000 /dev/zero | tr \"\\0\" z; echo; echo done']}")
    job = stoker.submit("t")
    stoker.drain()
    lines = [line for line in stoker.run("logs", "--job", job, "--lines", 1000).stdout.splitlines() if " > " in line]
    assert sum(line.count("z") for line in lines) >= 10000 - 10 and max(map(len, lines)) < 4500


# ---- stdout of up


def test_on_a_pipe_there_are_plain_lines_and_no_status_line(console):
    console.submit("talk", "n=5")
    pool = console.drain()
    text = pool.log()
    assert not BAD.search(text) and "\x1b" not in text
    assert "started talk" in text and "1 job completed" in text and "▸" not in text
    assert ("socket" in text) is not bool(console.database) and f"pid {pool.pid}" in text


def test_json_output_of_up_is_one_object_a_line(console):
    console.submit("talk", "n=5")
    pool = console.drain("--json")
    rows = [json.loads(line) for line in pool.log().splitlines()]
    assert rows[0]["started"]["pid"] == pool.pid
    assert rows[-1]["ended"] == {"completed": 1, "failed": 0, "pending": 0}
    assert any(row.get("text") == "out 5" and row["kind"] == "stdout" for row in rows)


def test_quiet_up_says_nothing(console):
    console.submit("talk", "n=5")
    assert console.drain("--quiet").log() == ""


def test_a_stdout_that_nobody_reads_does_not_stop_the_work(stoker):
    stoker.yaml("t: {command: [/bin/sh, -c, 'seq 1 500'], params: {n: int}}", workers=4)
    stoker.run("sweep", "t", "n=1:60")
    read_end, write_end = os.pipe()
    pool = stoker.start_pool("--drain", ready=False, stdout=write_end)
    os.close(write_end)
    assert pool.wait(60) == 0
    os.close(read_end)
    assert stoker.counts() == {"completed": 60}


def test_a_stdout_that_is_closed_does_not_stop_the_work(stoker):
    stoker.yaml("t: {command: [/bin/sh, -c, 'seq 1 50'], params: {n: int}}", workers=4)
    stoker.run("sweep", "t", "n=1:30")
    read_end, write_end = os.pipe()
    os.close(read_end)
    pool = stoker.start_pool("--drain", ready=False, stdout=write_end)
    os.close(write_end)
    assert pool.wait(60) == 0
    assert stoker.counts() == {"completed": 30}


# ---- on a terminal


class Screen:
    """Enough of a terminal: lines, carriage return, erase to the end of the line, colours."""

    def __init__(self, width):
        self.width = width
        self.lines = [""]
        self.column = 0
        self.history = []
        self.colours = 0
        self.rest = ""

    def feed(self, text):
        text = self.rest + text
        self.rest = ""
        at = 0
        while at < len(text):
            if text[at] == "\x1b":
                found = re.compile(r"\x1b\[([0-9;?]*)([A-Za-z])").match(text, at)
                if not found:
                    assert len(text) - at < 12, f"a broken escape: {text[at:at + 20]!r}"
                    self.rest = text[at:]
                    return
                assert found.group(2) in "mKhl", f"an escape that was not expected: {found.group()!r}"
                self.colours += found.group(2) == "m"
                if found.group(2) == "K":
                    self.lines[-1] = self.lines[-1][:self.column]
                at = found.end()
                continue
            char = text[at]
            if char == "\n":
                self.lines.append("")
                self.column = 0
            elif char == "\r":
                self.column = 0
            else:
                assert char >= " " and char != "\x7f", f"a control character: {char!r}"
                line = self.lines[-1]
                self.lines[-1] = line[:self.column] + char + line[self.column + 1:]
                self.column += 1
            at += 1
        if self.lines[-1]:
            self.history.append(self.lines[-1])


def on_terminal(stoker, *args, width=100, until=None, env=None):
    """Runs a command on a pseudo-terminal to its end; until(screen) may act in between."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, width, 0, 0))
    process = subprocess.Popen([str(BINARY), *map(str, args)], cwd=stoker.folder, stdin=slave, stdout=slave, stderr=slave,
                               start_new_session=True,
                               env=clean_environment(HOME=str(stoker.folder), TERM="xterm-256color", **stoker.env, **(env or {})))
    stoker.others.append(process)
    os.close(slave)
    screen = Screen(width)
    decoder = codecs.getincrementaldecoder("utf-8")()
    deadline = time.monotonic() + 60
    while True:
        assert time.monotonic() < deadline, screen.lines[-10:]
        ready, _, _ = select.select([master], [], [], 0.05)
        try:
            data = os.read(master, 65536) if ready else b""
        except OSError:
            break
        if ready and not data:
            break
        screen.feed(decoder.decode(data).replace("\r\n", "\n"))
        if until is not None and until(screen, process):
            until = None
    os.close(master)
    assert screen.rest == ""
    return process.wait(30), screen


def test_on_a_terminal_a_status_line_shows_the_progress(stoker):
    stoker.yaml("t: {command: [./work.sh, '{n}'], params: {n: int}}\nlast: {command: [./work.sh, '0', go]}\n", workers=2)
    stoker.run("sweep", "t", "n=1:300")
    stoker.run("submit", "last")

    def seen(screen, process):
        if any("▸" in line and " done" in line and " pending" in line for line in screen.history):
            stoker.touch("go")
            return True
        return False

    status, screen = on_terminal(stoker, "up", "--drain", until=seen)
    assert status == 0
    shown = [re.search(r"▸ ([\d,]+) done · ([\d,]+) running · ([\d,]+) pending", line) for line in screen.history if "▸" in line]
    done = [int(found.group(1).replace(",", "")) for found in shown if found]
    assert done and done == sorted(done) and max(done) <= 301
    assert all(len(line) < 100 for line in screen.history if "▸" in line)
    left = [line for line in screen.lines if "▸" in line]
    assert not left, "the status line is still there at the end"
    assert any("301 jobs completed" in line for line in screen.lines)
    assert any("started t" in line for line in screen.lines)


def test_a_narrow_terminal_does_not_break_the_status_line(stoker):
    stoker.yaml("t: {command: [./work.sh, '{n}'], params: {n: int}}\n", workers=2)
    stoker.run("sweep", "t", "n=1:100")
    status, screen = on_terminal(stoker, "up", "--drain", width=30)
    assert status == 0
    assert all(len(line) < 30 for line in screen.history if line.startswith("▸"))


def test_no_color_is_honoured(stoker):
    stoker.yaml("t: {command: [/bin/true]}")
    stoker.submit("t")
    _, plain = on_terminal(stoker, "jobs", env={"NO_COLOR": "1"})
    _, coloured = on_terminal(stoker, "jobs")
    assert plain.colours == 0 and coloured.colours > 0


def test_ctrl_c_on_the_terminal_stops_in_good_order(stoker):
    stoker.yaml(TASKS)
    stoker.submit("wait", "n=1")

    def press(screen, process):
        if any("started wait" in line for line in screen.lines):
            process.send_signal(signal.SIGINT)
            stoker.touch("go")
            return True
        return False

    status, screen = on_terminal(stoker, "up", until=press)
    assert status == 0 and any("stopping" in line for line in screen.lines)
    assert stoker.counts() == {"completed": 1}


def test_status_watch_redraws_in_place(stoker):
    stoker.yaml(TASKS)
    stoker.submit("talk", "n=1")
    master, slave = pty.openpty()
    process = stoker.spawn("status", "--watch", stdin=slave, stdout=slave, stderr=slave)
    os.close(slave)
    seen = b""

    def read(count):
        nonlocal seen
        ready, _, _ = select.select([master], [], [], 0.05)
        if ready:
            seen += os.read(master, 65536)
        return seen.count(b"1 pending") >= count or seen.count(b"pending") >= 2 * count

    eventually(lambda: read(2))
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    os.set_blocking(master, False)
    process.wait(10)
    os.close(master)


# ---- maps


def test_a_map_of_two_parameters_has_its_axes(stoker):
    stoker.yaml("""
        t:
          command: [/bin/sh, -c, 'printf "{{\\"v\\": %d}}" $(($1 * $2))', sh, "{a}", "{b}"]
          params: {a: int, b: int}
        """)
    stoker.run("sweep", "t", "a=1:5", "b=10:40:10")
    stoker.drain()
    text = stoker.run("sweep", "show", "last", "--map", "a,b,v").stdout
    assert "a" in text and "b" in text and "v" in text
    for label in ("10", "20", "30", "40", "1", "5"):
        assert re.search(rf"\b{label}\b", text), text
    assert "200" in text and not BAD.search(text)
    done = stoker.run("sweep", "show", "last", "--map", "a,b,w", ok=False)
    assert done.returncode == 66 and '"w"' in done.stderr
