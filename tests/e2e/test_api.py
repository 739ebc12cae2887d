# SPDX-License-Identifier: MIT
"""The HTTP API as docs/api.md tells it, over the socket, and the same answers without a pool."""
import fcntl
import http.client
import json
import os
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import termios

import pytest

from conftest import ROOT, clean_environment, eventually

TASKS = """\
work:
  command: [./work.sh, "{n}", "{until}"]
  params: {n: int, until: {type: text, default: ""}}
fails: {command: [/bin/sh, -c, "echo why >&2; exit 1"], retry: {attempts: 1}}
"""
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JOB = ["id", "task", "queue", "sweep_id", "state", "priority", "params", "result", "error", "attempt", "throttles",
       "session_waits", "interruptions", "retries", "key", "cancel_requested", "created_at", "ready_at", "started_at",
       "finished_at", "worker"]
STATES = ["pending", "running", "completed", "failed", "cancelled"]


class Api:
    def __init__(self, stoker):
        self.path = str(stoker.store) + ".sock"

    def connect(self):
        connection = http.client.HTTPConnection("localhost", timeout=30)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(30)
        connection.sock.connect(self.path)
        return connection

    def raw(self, method, path, body=None, headers=None):
        connection = self.connect()
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            return answer.status, text, answer
        finally:
            connection.close()

    def call(self, method, path, body=None):
        text = None if body is None else json.dumps(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        status, text, answer = self.raw(method, "/api/v1" + path, text, headers)
        assert answer.getheader("Content-Type") == "application/json"
        return status, json.loads(text)

    def get(self, path):
        status, answer = self.call("GET", path)
        assert status == 200, answer
        return answer

    def post(self, path, body=None):
        status, answer = self.call("POST", path, body)
        assert status == 200, answer
        return answer

    def refused(self, method, path, body=None):
        status, answer = self.call(method, path, body)
        assert sorted(answer) == sorted(["error"]) and sorted(answer["error"]) == sorted(["code", "message"])
        return status, answer["error"]["code"], answer["error"]["message"]


@pytest.fixture
def api(stoker):
    if stoker.database:
        pytest.skip("about the socket; who has a shared store asks it")
    stoker.yaml(TASKS)
    stoker.start_pool()
    return Api(stoker)


def is_time(text):
    return TIME.fullmatch(text) is not None


# ---- the shapes


def test_submit_takes_its_three_forms(api, stoker):
    stoker.run("queue", "pause", "work")
    assert api.post("/jobs", {"task": "work", "params": {"n": 1}, "priority": 3, "at": "+1h", "key": "k1"}) == {
        "first_id": 1, "last_id": 1, "count": 1, "existing": 0}
    assert api.post("/jobs", {"task": "work", "text_params": {"n": "2"}})["first_id"] == 2
    text = "".join(f'{{"n": {n}}}\n' for n in range(3, 2503))
    assert api.post("/jobs", {"task": "work", "file": {"name": "p.jsonl", "text": text}}) == {
        "first_id": 3, "last_id": 2502, "count": 2500, "existing": 0}
    assert api.post("/jobs", {"task": "work", "params": {"n": 1}, "key": "k1"})["existing"] == 1
    assert api.refused("POST", "/jobs", {"task": "work", "params": {"n": 9}, "key": "k1"})[:2] == (409, "CONFLICT")
    assert stoker.one("SELECT count(*), sum(priority) FROM jobs") == (2502, 3)


def test_a_job_has_the_columns_of_the_view(api, stoker):
    job = api.post("/jobs", {"task": "work", "params": {"n": 7}})["first_id"]
    stoker.wait_state(job, "completed")
    page = api.get("/jobs")
    assert sorted(page) == sorted(["jobs", "next"]) and page["next"] is None
    row = page["jobs"][0]
    assert sorted(row) == sorted(JOB)
    assert row["params"] == {"n": 7, "until": ""} and row["result"] == 7 and row["state"] == "completed"
    assert all(is_time(row[name]) for name in ("created_at", "started_at", "finished_at")) and row["ready_at"] is None
    for name in JOB:
        if name in ("params", "result", "retries", "key", "cancel_requested"):
            continue
        assert row[name] == stoker.one(f"SELECT {name} FROM jobs"), name

    whole = api.get(f"/jobs/{job}")
    assert sorted(whole) == sorted([*JOB, "remote", "why", "attempts"])
    assert forget_time(api.get("/jobs/last")) == forget_time(whole)
    attempt = whole["attempts"][0]
    assert {"attempt", "attempt_id", "outcome", "error", "exit_status", "tail", "worker", "started_at", "finished_at"} <= set(attempt)
    assert attempt["outcome"] == "completed" and attempt["worker"] == row["worker"]


def test_a_failed_attempt_has_its_id_status_and_tail(api, stoker):
    job = api.post("/jobs", {"task": "fails"})["first_id"]
    stoker.wait_state(job, "failed")
    attempt = api.get(f"/jobs/{job}")["attempts"][0]
    assert re.fullmatch("[0-9a-f]{16}", attempt["attempt_id"]) and attempt["exit_status"] == 1
    assert attempt["tail"] == "why\n" or attempt["tail"] == "why"
    why = api.get(f"/jobs/{job}/why")
    assert sorted(why) == sorted(["id", "state", "why"]) and why["state"] == "failed" and "why" in why["why"]


def test_pages_of_jobs_go_on_from_where_the_last_one_ended(api, stoker):
    stoker.run("queue", "pause", "work")
    api.post("/jobs", {"task": "work", "file": {"name": "f", "text": '{"n": 1}\n' * 25}})
    ids, before = [], ""
    while True:
        page = api.get(f"/jobs?limit=10&state=pending&task=work{before}")
        ids += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert ids == list(range(25, 0, -1))
    assert api.get("/jobs?state=completed")["jobs"] == []


def test_cancel_and_retry_count_what_they_did(api, stoker):
    stoker.run("queue", "pause", "work")
    api.post("/jobs", {"task": "work", "file": {"name": "f", "text": '{"n": 1}\n' * 5}})
    assert api.post("/jobs/cancel", {"selector": "2-3", "reason": "x"}) == {"changed": 2, "asked": 0, "skipped": 0}
    assert api.post("/jobs/cancel", {"selector": "1-5"}) == {"changed": 3, "asked": 0, "skipped": 2}
    assert api.post("/jobs/retry", {"selector": "last"}) == {"changed": 1, "asked": 0, "skipped": 0}
    assert api.refused("POST", "/jobs/cancel", {"selector": "99"})[:2] == (404, "NOT_FOUND")
    assert api.refused("POST", "/jobs/cancel", {})[:2] == (400, "INVALID")


def test_a_sweep_is_made_shown_extended_and_listed(api, stoker):
    made = api.post("/sweeps", {"task": "work", "name": "first", "axes": [["n", "1:4"]]})
    assert made == {"sweep_id": 1, "points": 4, "new": 4, "existing": 0, "filled": True}
    shown = api.get("/sweeps/1?wait=5s")
    assert sorted(shown) == sorted(["id", "name", "task", "points", "filled", "done", "new", "existing", "counts",
                                    "created_at", "finished_at", "per_s", "eta_s", "error", "recipe"])
    assert (shown["points"], shown["filled"], shown["done"]) == (4, True, 4) and sorted(shown["counts"]) == sorted(STATES)
    assert api.post("/sweeps/1/extend", {"axes": [["n", "3:6"]]})["new"] == 2
    preview = api.post("/sweeps", {"task": "work", "axes": [["n", "1:50"]], "dry_run": True})
    assert preview["points"] == 50 and len(preview["sample"]) == 10 and sorted(preview) == sorted(["points", "sample"])
    listed = api.get("/sweeps")
    assert sorted(listed) == sorted(["sweeps", "next"]) and len(listed["sweeps"]) == 1 and "recipe" not in listed["sweeps"][0]
    stoker.wait_counts(completed=6)
    results = api.get("/results?sweep=1&limit=4")
    assert [row["params"]["n"] for row in results["results"]] == [1, 2, 3, 4] and sorted(results["results"][0]) == sorted(["id", "params", "result"])
    assert [row["result"] for row in api.get(f"/results?sweep=1&after={results['next']}")["results"]] == [5, 6]


def test_status_has_at_least_what_is_promised(api, stoker):
    api.post("/jobs", {"task": "work", "params": {"n": 1, "until": "go"}})
    eventually(lambda: api.get("/status")["jobs"]["running"] == 1)
    status = api.get("/status")
    assert set(status) >= {"jobs", "tasks", "pools", "workers", "queues", "sessions", "limits", "problems", "eta_s", "store", "version"}
    assert sorted(status["jobs"]) == sorted(STATES)
    pool, = status["pools"]
    assert set(pool) >= {"pool", "host", "pid", "workers", "busy", "state", "reason", "started_at", "containment", "per_s", "late_answers"}
    assert (pool["busy"], pool["state"], pool["workers"]) == (1, "running", 4)
    busy, = [worker for worker in status["workers"] if worker["job"]]
    assert set(busy) >= {"pool", "worker", "state", "job", "task", "attempt", "since", "completed", "failed"}
    assert (busy["state"], busy["job"], busy["task"], busy["attempt"]) == ("running", 1, "work", 1) and is_time(busy["since"])
    assert {task["task"] for task in status["tasks"]} == {"work", "fails"}
    assert sorted(status["tasks"][0]) == sorted(["task", "queue", *STATES])


def test_queues_events_and_doctor(api, stoker):
    paused = api.post("/queues/work/pause", {"reason": "lunch"})
    assert paused["paused"] is True and paused["reason"] == "lunch" and paused["by"] == stoker.me
    queues = {queue["queue"]: queue for queue in api.get("/queues")["queues"]}
    assert queues["work"] == {"queue": "work", "paused": True, "reason": "lunch", "by": stoker.me, "pending": 0, "running": 0}
    assert any("lunch" in problem for problem in api.get("/status")["problems"])
    assert api.post("/queues/work/resume")["paused"] is False

    events = api.get("/events?limit=2")
    assert [event["kind"] for event in events["events"]] == ["queue.paused", "queue.resumed"]
    assert sorted(events["events"][0]) == sorted(["id", "at", "kind", "job", "sweep", "pool", "queue", "by", "text"])
    assert events["events"][0]["by"] == stoker.me and events["next"] == events["events"][-1]["id"]
    assert api.get(f"/events?after={events['next']}")["events"] == []

    findings = api.get("/doctor?deep=true")["findings"]
    assert {finding["level"] for finding in findings} <= {"ok", "warn"} and all(finding["text"] for finding in findings)


def test_logs_wait_for_new_lines(api, stoker):
    last = api.get("/logs?limit=1")["last"]
    job = api.post("/jobs", {"task": "fails"})["first_id"]
    answer = api.get(f"/logs?after={last}&job={job}&wait=15s")
    assert sorted(answer) == sorted(["lines", "last", "lost"])
    line = answer["lines"][0]
    assert sorted(line) == sorted(["seq", "at", "worker", "job", "kind", "text"]) and line["job"] == job
    stoker.wait_state(job, "failed")
    lines = api.get(f"/logs?job={job}")["lines"]
    assert ("stderr", "why") in [(line["kind"], line["text"]) for line in lines]


# ---- refusals


@pytest.mark.parametrize("method, path, body, status, code", [
    ("GET", "/nothing", None, 404, "NOT_FOUND"),
    ("GET", "/jobs/1/nothing", None, 404, "NOT_FOUND"),
    ("GET", "/jobs/99", None, 404, "NOT_FOUND"),
    ("GET", "/jobs/abc", None, 400, "INVALID"),
    ("GET", "/jobs/0", None, 400, "INVALID"),
    ("GET", "/sweeps/5", None, 404, "NOT_FOUND"),
    ("GET", "/jobs?stat=failed", None, 400, "INVALID"),
    ("GET", "/jobs?state=done", None, 400, "INVALID"),
    ("GET", "/jobs?limit=0", None, 400, "INVALID"),
    ("GET", "/jobs?limit=99999999", None, 400, "INVALID"),
    ("GET", "/jobs?state=failed&state=failed", None, 400, "INVALID"),
    ("GET", "/jobs?task=%zz", None, 400, "INVALID"),
    ("GET", "/logs?wait=1h", None, 400, "INVALID"),
    ("POST", "/status", None, 400, "INVALID"),
    ("GET", "/jobs/retry", None, 400, "INVALID"),
    ("POST", "/jobs", {"task": "wrok", "params": {"n": 1}}, 404, "NOT_FOUND"),
    ("POST", "/jobs", {"params": {"n": 1}}, 400, "INVALID"),
    ("POST", "/jobs", {"task": "work", "params": {"n": "1"}}, 400, "INVALID"),
    ("POST", "/jobs", {"task": "work", "params": [1]}, 400, "INVALID"),
    ("POST", "/jobs", {"task": "work", "parms": {"n": 1}}, 400, "INVALID"),
    ("POST", "/jobs", {"task": "work", "params": {"n": 1}, "text_params": {"n": "1"}}, 400, "INVALID"),
    ("POST", "/jobs", {"task": "work", "params": {"n": 1}, "priority": 1e10}, 400, "INVALID"),
    ("POST", "/jobs", {"task": "work", "file": {"name": "f", "text": "{"}}, 422, "BAD_DATA"),
    ("POST", "/jobs", ["work"], 400, "INVALID"),
    ("POST", "/sweeps", {"task": "work", "axes": [["n", "1:200001"]]}, 413, "TOO_LARGE"),
    ("POST", "/sweeps", {"task": "work", "axes": [["n", "1:5"]], "where": "x"}, 400, "INVALID"),
    ("POST", "/queues/nowhere/pause", {}, 404, "NOT_FOUND"),
    ("POST", "/queues/work/resume", {"reason": "x"}, 400, "INVALID"),
])
def test_it_is_refused_with_status_and_code(api, stoker, method, path, body, status, code):
    assert api.refused(method, path, body)[:2] == (status, code)
    assert stoker.one("SELECT count(*) FROM jobs") == 0


@pytest.mark.parametrize("path", ["/", "/api/v1", "/api/v2/status", "/status", "//api/v1/status", "/api/v1/../status", "/api/v1/status/"])
def test_an_unknown_path_is_404(api, path):
    status, text, _ = api.raw("GET", path)
    assert status == 404 and json.loads(text)["error"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "BREW"])
def test_other_methods_are_refused(api, method):
    status, _, answer = api.raw(method, "/api/v1/jobs")
    assert status in (405, 501) and (status == 501 or answer.getheader("Allow") == "GET, POST")


@pytest.mark.parametrize("body, content_type", [
    (b"{", "application/json"),
    (b"", "application/json"),
    (b"null", "application/json"),
    (b'"text"', "application/json"),
    (b'{"task": "work", "task": "fails"}', "application/json"),
    (b'{"task": "work\xff"}', "application/json"),
    (b'{"task": "work", "params": {"n": 1}} trailing', "application/json"),
    (b'[' * 100000, "application/json"),
    (b'{"task": "work", "params": {"n": 1}}', "text/plain"),
    (b'{"task": "work", "params": {"n": 1}}', None),
    (b'{"task": "work", "params": {"n": 1}}', "application/jsonx"),
])
def test_a_body_that_is_no_json_object_is_refused(api, stoker, body, content_type):
    status, text, _ = api.raw("POST", "/api/v1/jobs", body, {"Content-Type": content_type} if content_type else {})
    assert status == 400 and json.loads(text)["error"]["code"] == "INVALID"
    assert stoker.one("SELECT count(*) FROM jobs") == 0


def test_a_body_over_the_limit_is_refused_before_it_is_read(api, stoker):
    connection = api.connect()
    connection.putrequest("POST", "/api/v1/jobs")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(64 * 1024 * 1024 + 1))
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413 and json.loads(answer.read())["error"]["code"] == "TOO_LARGE"
    connection.close()


def test_a_chunked_body_over_the_limit_is_refused(api, stoker):
    connection = api.connect()
    connection.putrequest("POST", "/api/v1/jobs")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    block = b" " * (1 << 20)
    try:
        for _ in range(66):
            connection.send(b"%x\r\n%s\r\n" % (len(block), block))
        connection.send(b"0\r\n\r\n")
    except OSError:
        pass  # it has answered and closed already
    answer = connection.getresponse()
    assert answer.status == 413
    connection.close()
    assert api.get("/status")["jobs"]["pending"] == 0


def test_R_I8_malformed_http_does_no_harm(api, stoker):
    for text in (b"\0\0\0\0\r\n\r\n", b"GET\r\n\r\n", b"GET /api/v1/status HTTP/9.9\r\n\r\n", b"x" * 100000,
                 b"POST /api/v1/jobs HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
                 b"POST /api/v1/jobs HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                 b"GET /api/v1/status HTTP/1.1\r\n" + b"X: y\r\n" * 10000 + b"\r\n"):
        with socket.socket(socket.AF_UNIX) as one:
            one.settimeout(30)
            one.connect(api.path)
            try:
                one.sendall(text)
                one.shutdown(socket.SHUT_WR)
                while one.recv(65536):
                    pass
            except OSError:
                pass
    assert api.get("/status")["jobs"]["pending"] == 0


def test_R_H7_many_idle_connections_do_not_stop_the_pool_from_working(api, stoker):
    idle = []
    for _ in range(120):
        one = socket.socket(socket.AF_UNIX)
        one.connect(api.path)
        idle.append(one)
    job = stoker.submit("work", "n=1")
    for one in idle:
        one.close()
    assert stoker.wait_state(job, "completed")["result"] == 1


# ---- the socket


def test_only_the_owner_may_ask(api, stoker):
    info = os.stat(api.path)
    assert stat.S_ISSOCK(info.st_mode) and stat.S_IMODE(info.st_mode) == 0o600 and info.st_uid == os.getuid()


def test_the_call_of_the_page_works_with_curl(api, stoker):
    if shutil.which("curl") is None:
        pytest.skip("no curl")
    lines = re.findall(r"^curl .*$", (ROOT / "docs/api.md").read_text(), re.M)
    assert lines
    for line in lines:
        done = subprocess.run(["sh", "-c", line + " -sS"], cwd=stoker.folder, capture_output=True, text=True,
                              timeout=30, env=clean_environment(), check=False)
        assert done.returncode == 0 and json.loads(done.stdout)["pools"], done


def test_the_table_of_routes_is_the_one_of_the_source():
    source = (ROOT / "src/api/routes.c").read_text()
    routes = re.findall(r'X\("(GET|POST)",\s*"([^"]+)",\s*\w+,\s*(\w+)', source)
    page = re.findall(r"^\| (GET|POST) \| `([^`]+)` \| (\w+) \|", (ROOT / "docs/api.md").read_text(), re.M)
    assert len(routes) > 40
    assert sorted((method, re.sub(r":(\w+)", lambda m: m.group(1).upper(), path), role.lower()) for method, path, role in routes) == sorted(page)


def unread_bytes(sock):
    """How much of what was sent the other end has not read yet (SIOCOUTQ of a Unix socket)."""
    return struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0]


def test_a_stop_answers_those_who_wait(api, stoker):
    """Asked for lines that never come, it answers when the pool ends, long before the minute."""
    connection = api.connect()
    last = api.get("/logs?limit=1")["last"]
    connection.request("GET", f"/api/v1/logs?after={last + 1000}&job=999999&wait=60s")
    eventually(lambda: unread_bytes(connection.sock) == 0)  # a request that nobody has read is nobody's
    pool = stoker.pools[0]
    assert pool.stop(timeout=20) == 0
    answer = connection.getresponse()
    assert answer.status == 200 and json.loads(answer.read())["lines"] == []
    connection.close()


# ---- one API, two transports


def test_the_same_is_answered_with_and_without_a_pool(stoker):
    stoker.yaml(TASKS)
    stoker.run("sweep", "work", "n=1:8", "--name", "s")
    stoker.submit("fails")
    stoker.run("queue", "pause", "fails", "--reason", "r")
    stoker.drain()
    questions = [("jobs",), ("jobs", "--state", "completed", "--limit", "3"), ("job", "3"), ("results", "--sweep", "1"),
                 ("sweep", "show", "1"), ("sweep", "list"), ("queue", "list"), ("events", "--limit", "5", "--job", "3")]

    def ask():
        answers = [stoker.run(*question, json=True) for question in questions]
        status = stoker.status()
        return forget_time([*answers, status["jobs"], status["tasks"], status["queues"]])

    alone = ask()
    pool = stoker.start_pool()
    assert ask() == alone
    assert pool.stop() == 0
    assert ask() == alone


def forget_time(value):
    """Without what passes: `why` says how long ago, `per_s` how fast lately."""
    if isinstance(value, list):
        return [forget_time(item) for item in value]
    if isinstance(value, dict):
        return {name: forget_time(item) for name, item in value.items() if name not in ("why", "per_s", "eta_s")}
    return value


def test_submits_come_out_the_same_with_and_without_a_pool(stoker):
    stoker.yaml(TASKS)
    stoker.run("queue", "pause", "work")
    lines = '{"n": 1}\n{"n": 2, "until": "x"}\n'
    stoker.run("submit", "work", "--file", "-", "--priority", 4, input=lines)
    stoker.run("sweep", "work", "n=5:7")
    alone = stoker.sql("SELECT params, priority, state FROM jobs ORDER BY id")
    stoker.start_pool()
    stoker.run("submit", "work", "--file", "-", "--priority", 4, input=lines)
    stoker.run("sweep", "work", "n=5:7")
    both = stoker.sql("SELECT params, priority, state FROM jobs ORDER BY id")
    assert both == alone + alone


def test_a_client_that_goes_away_in_the_middle_does_no_harm(api, stoker):
    for _ in range(20):
        connection = api.connect()
        connection.putrequest("POST", "/api/v1/jobs")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "1000")
        connection.endheaders()
        connection.send(b'{"task": "work"')
        connection.close()
    process = stoker.spawn("sweep", "work", "n=1:20000", stdout=-3, stderr=-3)
    eventually(lambda: stoker.sql("SELECT 1 FROM sweeps"))
    process.send_signal(signal.SIGKILL)
    process.wait()
    stoker.run("queue", "pause", "work")
    eventually(lambda: stoker.one("SELECT filled FROM sweeps") == 1)
    assert stoker.one("SELECT count(*) FROM jobs") == 20000
