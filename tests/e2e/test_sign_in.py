# SPDX-License-Identifier: MIT
"""Sign-ins over HTTP: the whole program against the simulated authority."""
import json

import pytest

from conftest import eventually
from simulator import Simulator

# Shows its credential to the authority, as a job of a user does, and says 77 when it is refused.
JOB = """#!/usr/bin/python3
import json, os, sys, urllib.error, urllib.request
given = json.loads(os.fdopen(int(os.environ["STOKER_SESSION_FD"])).read())
headers = {"Authorization": "Bearer " + given.get("access_token", "")}
if "cookies" in given:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in given["cookies"].items())}
request = urllib.request.Request(sys.argv[1] + "/tasks", method="OPTIONS", headers=headers)
try:
    urllib.request.urlopen(request, timeout=20).read()
except urllib.error.HTTPError as refusal:
    sys.exit(77 if refusal.code == 401 else 1)
"""

CHALLENGE = "provider: challenge-cookie, login: /authentication, check: /authentication, expiry: /token/expiry, cookie: sid, " \
    "user: ann, password_file: password, challenge: {poll: 1s}"
FORM = "provider: form-cookie, login: /login, check: /home, cookie: session, user: ann, password_file: password, " \
    "login_body: 'user={user}&password={password}'"
DEVICE = "provider: oauth-device, device: /device_authorization, token: /token, check: /userinfo, client_id: stoker, " \
    "challenge: {poll: 1s}"


@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


def lab(stoker, sim, keys, password="correct horse"):
    stoker.write("job.py", JOB, executable=True)
    (stoker.folder / "password").write_text(password + "\n")
    (stoker.folder / "password").chmod(0o600)
    stoker.write("stoker.yaml", f"key_file: stoker.key\nworkers: 4\ntasks:\n"
                 f"  t: {{command: [./job.py, '{sim.url}'], params: {{n: int}}, session: lab}}\n"
                 f"sessions:\n  lab: {{url: '{sim.url}', {keys}}}\n")


def session(stoker):
    return next(row for row in stoker.status()["sessions"] if row["name"] == "lab")


def is_in(stoker, *states):
    return eventually(lambda: session(stoker)["state"] in states and session(stoker), what=f"{states}")


def sign_in(stoker, sim):
    """A person says that they are there, opens the link, and passes."""
    stoker.run("session", "ready", "lab")
    is_in(stoker, "challenge_open")
    assert sim.state()["challenge"] in json.dumps(session(stoker)), "the link is shown"
    sim.person(action="pass")
    is_in(stoker, "valid", "expiring")


def test_a_link_is_made_when_a_person_is_there_and_all_goes_on_when_they_have_passed(stoker, sim):
    lab(stoker, sim, CHALLENGE)
    stoker.run("sweep", "t", "n=1:8:1")
    stoker.start_pool()
    stoker.run("session", "renew", "lab")
    is_in(stoker, "challenge_open", "await_ready")
    if session(stoker)["state"] == "await_ready":
        stoker.run("session", "ready", "lab")
    is_in(stoker, "challenge_open")
    sim.person(action="pass")
    stoker.wait_counts(completed=8)
    assert 14000 < session(stoker)["expires_in"] <= 14400
    counters = sim.state()["counters"]
    assert counters["mints"] == 1 and counters.get("challenge_gets", 0) == 0 and counters.get("dirty_jars", 0) == 0

    sim.person(action="evict")
    stoker.run("sweep", "t", "n=9:16:1")
    is_in(stoker, "await_ready", "needs_human")
    assert sim.counter("mints") == 1, "nobody has said ready: a challenge is scarce"
    sign_in(stoker, sim)
    stoker.wait_counts(completed=16)
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)], "a lost session costs no attempt"


def test_an_open_link_outlives_a_killed_pool(stoker, sim):
    lab(stoker, sim, CHALLENGE)
    stoker.submit("t", "n=1")
    pool = stoker.start_pool()
    stoker.run("session", "renew", "lab")
    is_in(stoker, "challenge_open")
    pool.kill9()
    sim.person(action="pass")
    stoker.start_pool()
    stoker.wait_counts(completed=1)
    assert sim.counter("mints") == 1


def test_a_wrong_password_is_tried_once(stoker, sim):
    lab(stoker, sim, CHALLENGE, password="wrong horse")
    stoker.submit("t", "n=1")
    stoker.start_pool()
    stoker.run("session", "renew", "lab")
    row = is_in(stoker, "rejected")
    assert "does not take user and password" in row["reason"]
    assert sim.counter("logins") == 1
    found = [path for path in stoker.folder.rglob("*") if path.is_file() and b"wrong horse" in path.read_bytes()]
    assert found == [stoker.folder / "password"]


def test_a_form_is_posted_again_when_its_session_is_lost_and_nobody_is_asked(stoker, sim):
    lab(stoker, sim, FORM)
    stoker.run("sweep", "t", "n=1:8:1")
    stoker.start_pool()
    stoker.wait_counts(completed=8)
    assert sim.counter("form_logins") == 1
    sim.person(action="evict-form")
    stoker.run("sweep", "t", "n=9:16:1")
    stoker.wait_counts(completed=16)
    assert sim.counter("form_logins") == 2, "one for all, however many were refused"
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]


def test_a_refresh_token_that_rotates_is_used_once_each(stoker, sim):
    sim.set(lifetime_s=4)
    lab(stoker, sim, DEVICE)
    stoker.start_pool()
    stoker.run("session", "renew", "lab")
    is_in(stoker, "challenge_open", "await_ready")
    if session(stoker)["state"] == "await_ready":
        stoker.run("session", "ready", "lab")
    row = is_in(stoker, "challenge_open")
    code = sim.state()["user_code"]
    assert code in json.dumps(row)
    sim.person(code=code, action="pass")
    eventually(lambda: session(stoker)["generation"] >= 3, what="renewed twice without a person")
    stoker.run("sweep", "t", "n=1:8:1")
    stoker.wait_counts(completed=8)
    counters = sim.state()["counters"]
    assert counters["refreshes"] >= 2 and counters.get("reuses", 0) == 0 and counters["mints"] == 1
