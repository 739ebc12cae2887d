# SPDX-License-Identifier: MIT
"""A real nginx before the authority: its limit_req says 429 without Retry-After, its auth_request 401 with a page."""
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from conftest import clean_environment, eventually
from simulator import Simulator
from test_http import ADOPT, assert_once, yaml

PROGRAM = shutil.which("nginx", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs nginx")

CONF = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/access.log;
{temporary}
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    upstream authority {{ server 127.0.0.1:{behind}; }}

    map $request_method $submits {{ default ""; POST here; }}
    limit_req_zone $submits zone=submits:1m rate={rate}r/s;
    limit_req_status 429;

    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://authority; }}
        location /tasks {{
            limit_req zone=submits burst={burst} nodelay;
            {guard}
            proxy_pass http://authority;
        }}
        location = /guard {{
            internal;
            proxy_pass http://authority/authentication;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ordinary_user():
    """Who runs a server that needs no rights, for Popen."""
    if os.getuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


class Nginx:
    """One instance of its own, which nobody else's configuration reaches."""

    def __init__(self, folder, behind, rate=20, burst=5, guarded=False):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        (folder / "nginx.conf").write_text(CONF.format(
            folder=folder, behind=behind, port=self.port, rate=rate, burst=burst,
            temporary="\n".join(f"    {kind}_temp_path {folder}/{kind};" for kind in kinds),
            guard="auth_request /guard;" if guarded else ""))
        self.process = subprocess.Popen(
            [PROGRAM, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"],
            cwd=folder, env=clean_environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **ordinary_user())
        eventually(self.answers, what="nginx listens")

    def answers(self):
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def statuses(self, method, path):
        """What it answered to such requests, in order."""
        lines = (self.folder / "access.log").read_text()
        return [int(status) for status in re.findall(rf'"{method} {path}\S* HTTP/1.1" (\d+)', lines)]

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def lab():
    with Simulator(tasks_auth=False, slots=0) as simulator:
        yield simulator


@pytest.fixture
def before(lab):
    """Starts an nginx before the authority."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stk-nginx-", dir="/tmp"))
    user = ordinary_user()
    if user:
        os.chown(folder, user["user"], user["group"])
    started = []

    def start(**how):
        started.append(Nginx(folder, lab.port, **how))
        return started[-1]

    yield start
    for server in started:
        server.stop()
    shutil.rmtree(folder)


def throttles(stoker):
    return stoker.one("SELECT sum(throttles) FROM jobs")


def test_a_rate_that_fits_meets_no_429(stoker, lab, before):
    nginx = before(rate=20, burst=20)  # half of the jobs: room for a slow machine, not for all at once
    yaml(stoker, nginx, more="limits: [submit]", rest="limits: {submit: {rate: 20/s, burst: 1}}\n", workers=8)
    stoker.run("sweep", "sim", "n=1:40:1")
    stoker.drain()
    assert_once(stoker, lab, 40)
    assert nginx.statuses("POST", "/tasks") == [201] * 40
    assert throttles(stoker) == 0


def test_a_rate_that_is_too_high_is_slowed_down_and_costs_no_attempt(stoker, lab, before):
    nginx = before(rate=10, burst=2)
    yaml(stoker, nginx, more="limits: [submit]",
         rest="limits: {submit: {rate: 40/s, burst: 5, cooldown: 1s}}\n", workers=8)
    stoker.run("sweep", "sim", "n=1:30:1")
    stoker.drain()
    assert_once(stoker, lab, 30)
    seen = nginx.statuses("POST", "/tasks")
    assert set(seen) == {201, 429} and seen.count(201) == 30
    assert throttles(stoker) == seen.count(429)
    assert seen.count(429) < 20, "fewer refusals than jobs: one closes the gate for all, and it opens without a wave"


def test_without_a_limit_each_429_is_waited_for_all_the_same(stoker, lab, before):
    nginx = before(rate=10, burst=9)
    yaml(stoker, nginx, workers=8)
    stoker.run("sweep", "sim", "n=1:18:1")
    stoker.drain()
    assert_once(stoker, lab, 18)
    seen = nginx.statuses("POST", "/tasks")
    assert set(seen) == {201, 429} and seen.count(201) == 18
    assert throttles(stoker) == seen.count(429)


SESSION = """\
sessions:
  lab: {{provider: challenge-cookie, url: "{url}", login: /authentication, check: /authentication, expiry: /token/expiry,
        user: ann, password_file: lab.password, cookie: sid, challenge: {{poll: 1s, ask_ready: true}}}}
"""


def wait_session(stoker, state):
    def there():
        row = stoker.status()["sessions"][0]
        return row if row["state"] == state else None

    return eventually(there, what=f"the session is {state}")


def sign_in(stoker, lab, nginx):
    stoker.run("session", "ready", "lab")
    assert wait_session(stoker, "challenge_open")["link"].startswith(nginx.url)
    lab.person(action="pass")
    return wait_session(stoker, "valid")


def test_a_session_lost_at_the_door_parks_what_runs_there_until_a_person_is_back(stoker, lab, before):
    nginx = before(rate=1000, burst=100, guarded=True)
    stoker.write("lab.password", "correct horse\n").chmod(0o600)
    yaml(stoker, nginx, more="session: lab", rest=SESSION.format(url=nginx.url))
    stoker.run("sweep", "sim", "n=1:8:1", "wait=2")
    stoker.start_pool()
    sign_in(stoker, lab, nginx)
    eventually(lambda: lab.counter("submits") == 8)
    lab.person(action="evict")
    row = eventually(lambda: (row := stoker.status()["sessions"][0])["needs_person"] and row)
    assert not row["open"] and 401 in nginx.statuses("GET", "/tasks/")
    stoker.run("sweep", "sim", "n=9:12:1")
    assert 'session "lab"' in stoker.why(9)
    assert sign_in(stoker, lab, nginx)["generation"] == 2
    stoker.wait_counts(completed=12)
    assert_once(stoker, lab, 12)


def test_an_authority_that_is_away_behind_the_door_fails_no_job_that_it_has(stoker, lab, before):
    nginx = before()
    yaml(stoker, nginx)
    stoker.run("sweep", "sim", "n=1:4:1", "wait=1")
    stoker.start_pool()
    eventually(lambda: lab.counter("submits") == 4)
    lab.set(fault_path="/tasks", fault_method="GET", rst=6)
    stoker.wait_counts(completed=4)
    assert_once(stoker, lab, 4)
    assert 502 in nginx.statuses("GET", "/tasks/")


def test_a_502_to_a_submit_is_not_tried_again(stoker, lab, before):
    """The authority took it and hung up; nginx does not know that either."""
    nginx = before()
    lab.set(submit_lost_rate=1.0)
    yaml(stoker, nginx, attempts=3)
    job = stoker.submit("sim", "n=1")
    stoker.drain()
    assert nginx.statuses("POST", "/tasks") == [502] and lab.counter("submits") == 1
    row = stoker.job(job)
    assert row["state"] == "failed" and "nobody knows whether the authority accepted it" in row["error"]


def test_a_502_to_a_submit_is_found_in_the_list(stoker, lab, before):
    nginx = before()
    lab.set(submit_lost_rate=1.0)
    yaml(stoker, nginx, http=ADOPT)
    stoker.run("sweep", "sim", "n=1:4:1")
    stoker.drain()
    assert_once(stoker, lab, 4)
    assert nginx.statuses("POST", "/tasks") == [502] * 4
