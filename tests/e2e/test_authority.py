# SPDX-License-Identifier: MIT
"""Sessions at a simulated authority: who signs in, how often, and what the workers notice of it."""
import json
import os
import sys
import time

import pytest

from conftest import ROOT, eventually

sys.path.insert(0, str(ROOT / "tests/support"))
from simulator import Simulator  # noqa: E402

# What a job does: one request with what its session shows; 77 when it is refused.
CALL = """\
import json, os, sys, time, urllib.request, urllib.error
secret = os.fdopen(int(os.environ["STOKER_SESSION_FD"])).read()
held = json.loads(secret) if secret.startswith("{") else {"access_token": secret}
if "cookies" in held:
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in held["cookies"].items())}
else:
    headers = {"Authorization": "Bearer " + held["access_token"]}
time.sleep(float(sys.argv[2]))
try:
    urllib.request.urlopen(urllib.request.Request(sys.argv[1] + "/tasks", headers=headers, method="OPTIONS"), timeout=10)
except urllib.error.HTTPError as error:
    sys.exit(77 if error.code == 401 else 1)
print(json.dumps({"shown": len(secret)}))
"""


@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


def set_up(stoker, sim, session, workers=8, sleep=0):
    stoker.write("call.py", CALL)
    for name, secret in (("password", sim.state()["knobs"]["password"]), ("client", sim.state()["knobs"]["client_secret"])):
        path = stoker.folder / name
        path.write_text(secret + "\n")
        os.chmod(path, 0o600)
    stoker.write("stoker.yaml", f"""\
key_file: stoker.key
workers: {workers}
tasks:
  call:
    command: [/usr/bin/python3, call.py, "{sim.url}", "{sleep}"]
    params: {{n: int}}
    session: lab
sessions:
  lab:
    url: {sim.url}
{session}
""")


CHALLENGE = """\
    provider: challenge-cookie
    login: /authentication
    check: /authentication
    expiry: /token/expiry
    user: ann
    password_file: password
    cookie: sid
    challenge: {poll: 1s, ask_ready: true}
"""
FORM = """\
    provider: form-cookie
    login: /login
    check: /home
    user: ann
    password_file: password
    cookie: session
    login_body: "user={user}&password={password}"
"""


def lab(stoker):
    return stoker.status()["sessions"][0]


def wait_state(stoker, state):
    return eventually(lambda: lab(stoker) if lab(stoker)["state"] == state else None, what=f"the session is {state}")


def sign_in(stoker, sim):
    stoker.run("session", "ready", "lab")
    row = wait_state(stoker, "challenge_open")
    assert row["link"].startswith(sim.url)
    sim.person(action="pass")
    stoker.run("session", "done", "lab", ok=False)  # refused when a poll was there first
    return wait_state(stoker, "valid")


def test_a_person_opens_the_link_and_every_worker_goes_on(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    stoker.run("sweep", "call", "n=1:40:1")
    stoker.start_pool()
    wait_state(stoker, "none")
    assert sim.counter("logins") == 0, "no challenge is made before somebody is there"
    assert stoker.run("session", "status", ok=False).returncode == 77
    row = sign_in(stoker, sim)
    assert row["generation"] == 1 and 14000 < row["expires_in"] <= 14400
    stoker.wait_counts(completed=40)
    assert (sim.counter("mints"), sim.counter("logins")) == (1, 1)
    assert stoker.sql("SELECT DISTINCT attempt, session_waits FROM jobs") == [(1, 0)]


def test_a_poll_finds_out_by_itself_that_the_person_has_passed(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    stoker.start_pool()
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    sim.person(action="pass")
    wait_state(stoker, "valid")


def test_an_open_link_survives_the_pool_and_is_not_made_again(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    pool = stoker.start_pool()
    stoker.run("session", "ready", "lab")
    link = wait_state(stoker, "challenge_open")["link"]
    pool.kill9()
    stoker.start_pool()
    assert wait_state(stoker, "challenge_open")["link"] == link
    sim.person(action="pass")
    wait_state(stoker, "valid")
    assert sim.counter("mints") == 1


def test_one_expiry_under_64_busy_workers_is_one_renewal(stoker, sim):
    set_up(stoker, sim, FORM, workers=64, sleep=0.3)
    stoker.run("sweep", "call", "n=1:192:1")
    stoker.start_pool()
    wait_state(stoker, "valid")
    before = sim.counter("form_logins")
    assert before == 1
    eventually(lambda: stoker.counts().get("running", 0) == 64)
    sim.person(action="evict-form")
    stoker.wait_counts(completed=192, timeout=120)
    assert lab(stoker)["generation"] == 2
    assert sim.counter("form_logins") - before == 1
    assert stoker.sql("SELECT DISTINCT attempt, state FROM jobs") == [(1, "completed")]


def test_a_lock_out_is_waited_for_also_by_the_next_pool(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    sim.set(mint_limit=1, lockout_s=300, lockout_extends=True)
    pool = stoker.start_pool()
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    stoker.run("session", "cancel", "lab")
    stoker.run("session", "ready", "lab")
    row = wait_state(stoker, "auth_locked")
    assert row["blocked_until"] is not None
    tries = sim.counter("logins")
    pool.kill9()
    stoker.start_pool()
    stoker.run("session", "login", "lab", ok=False)
    assert lab(stoker)["state"] == "auth_locked" and sim.counter("logins") == tries, "every path is shut"


def test_a_wrong_password_is_not_tried_again(stoker, sim):
    set_up(stoker, sim, FORM)
    sim.set(password="another one")
    stoker.start_pool()
    row = wait_state(stoker, "rejected")
    assert row["needs_person"]
    assert sim.counter("wrong_passwords") <= 1
    sim.set(password="correct horse")
    stoker.run("session", "login", "lab")
    wait_state(stoker, "valid")


def test_the_authority_is_away_for_a_while(stoker, sim):
    set_up(stoker, sim, FORM + "    check_every: 1s\n")
    stoker.start_pool()
    wait_state(stoker, "valid")
    sim.set(burst_5xx=1000)
    wait_state(stoker, "unreachable")
    sim.set(burst_5xx=0)
    row = wait_state(stoker, "valid")
    assert row["generation"] == 1, "nothing was lost, so nothing was renewed"


def test_device_code_then_refresh_tokens(stoker, sim):
    set_up(stoker, sim, """\
    provider: oauth-device
    device: /device_authorization
    token: /token
    client_id: stoker
    challenge: {poll: 1s, ask_ready: true}
    renew_before: 2s
""")
    sim.set(device_interval_s=1, lifetime_s=3)
    stoker.start_pool()
    stoker.run("session", "ready", "lab")
    row = wait_state(stoker, "challenge_open")
    assert row["code"] and row["link"].startswith(sim.url)
    sim.person(code=row["code"], action="pass")
    wait_state(stoker, "valid")
    eventually(lambda: lab(stoker)["generation"] >= 3, what="it is refreshed without a person")
    assert sim.counter("reuses") == 0


def test_a_limit_of_class_auth_spaces_the_questions_of_a_keeper(stoker, sim):
    set_up(stoker, sim, FORM + "    check_every: 10ms\n    limits: [door]\n")
    with (stoker.folder / "stoker.yaml").open("a") as file:
        file.write("limits:\n  door: {class: auth, rate: 2/s, burst: 2}\n")
    stoker.start_pool()
    wait_state(stoker, "valid")
    before, at = sim.counter("checks"), time.monotonic()
    eventually(lambda: sim.counter("checks") >= before + 6)
    assert time.monotonic() - at > 1.8, "without it there would be a hundred a second"


@pytest.mark.parametrize("key,sentence", [
    ("limits: [nosuch]", 'there is no limit "nosuch"'),
    ("limits: [starts]", "a session's are of class auth"),
])
def test_a_limit_of_another_class_is_refused(stoker, sim, key, sentence):
    set_up(stoker, sim, FORM + f"    {key}\n")
    with (stoker.folder / "stoker.yaml").open("a") as file:
        file.write("limits:\n  starts: {rate: 2/s}\n")
    done = stoker.run("status", ok=False)
    assert done.returncode == 78 and sentence in done.stderr and "sessions.lab.limits" in done.stderr


def test_what_is_pasted_is_checked_at_once(stoker, sim):
    set_up(stoker, sim, "    provider: manual\n    lifetime: 1h\n    check: /userinfo\n")
    stoker.start_pool()
    stoker.run("session", "import", "lab", input="no such token\n")
    row = eventually(lambda: lab(stoker) if lab(stoker)["needs_person"] else None)
    assert row["generation"] == 1 and "401" in row["reason"]


def test_secrets_of_an_authority_are_nowhere(stoker, sim):
    set_up(stoker, sim, FORM)
    pool = stoker.start_pool()
    wait_state(stoker, "valid")
    stoker.submit("call", "n=1")
    stoker.wait_counts(completed=1)
    secret = sim.state()["knobs"]["password"].encode()
    files = [path for path in stoker.folder.rglob("*") if path.is_file() and path.name != "password"]
    assert [path for path in files if secret in path.read_bytes()] == []
    assert secret not in open(f"/proc/{pool.pid}/environ", "rb").read()
