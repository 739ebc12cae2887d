# SPDX-License-Identifier: MIT
"""A certified OpenID provider, written by others: codes, refresh tokens that rotate, client credentials."""
import os

import pytest

from conftest import eventually
from openid import Browser, Missing, OpenId, install

SECRET = "open sesame: 100%+/=&?"  # each of these means something where it is not escaped
WORK = """\
import json, os, sys, urllib.request, urllib.error
held = json.loads(os.fdopen(int(os.environ["STOKER_SESSION_FD"])).read())
request = urllib.request.Request(sys.argv[1], headers={"Authorization": "Bearer " + held["access_token"]})
try:
    print(urllib.request.urlopen(request, timeout=10).read().decode())
except urllib.error.HTTPError as error:
    sys.exit(77 if error.code == 401 else 1)
"""
DEVICE = """\
provider: oauth-device
device: /device/auth
token: /token
check: /me
scope: openid offline_access
challenge: {{poll: 1s}}
client_id: {client}
"""
CLIENT = """\
provider: oauth-client
token: /token
check: /work
client_id: robot
client_secret_file: secret
scope: work
"""


@pytest.fixture(scope="module")
def folder():
    try:
        return install()
    except Missing as why:
        pytest.skip(str(why))


@pytest.fixture
def openid(folder):
    """Starts the provider with settings of server.js."""
    started = []

    def start(**settings):
        started.append(OpenId(folder, clientSecret=SECRET, **settings))
        return started[-1]

    yield start
    for provider in started:
        provider.__exit__()


def set_up(stoker, provider, session, path="/me", more=""):
    stoker.write("work.py", WORK)
    stoker.write("secret", SECRET + "\n").chmod(0o600)
    lines = "".join(f"    {line}\n" for line in (session + more).splitlines())
    stoker.write("stoker.yaml", f"""\
key_file: stoker.key
workers: 4
tasks:
  work:
    command: [/usr/bin/python3, work.py, "{provider.url}{path}"]
    params: {{n: int}}
    session: lab
sessions:
  lab:
    url: {provider.url}
{lines}""")


def lab(stoker):
    return stoker.status()["sessions"][0]


def wait_session(stoker, *states):
    return eventually(lambda: (row := lab(stoker))["state"] in states and row, what=f"the session is {states}")


def open_code(stoker):
    stoker.run("session", "ready", "lab")
    row = wait_session(stoker, "challenge_open")
    assert row["code"] and row["code"].replace("-", "") in row["link"].replace("-", "")
    return row


def sign_in(stoker, browser=None):
    row = open_code(stoker)
    page, forms = (browser or Browser()).go_through(row["link"], {"login": "ada", "password": "x"})
    assert "Sign-in Success" in page and forms >= 2
    stoker.run("session", "done", "lab")
    return wait_session(stoker, "valid", "expiring")


def test_a_person_types_the_code_and_jobs_work_with_the_token(stoker, openid):
    provider = openid()
    set_up(stoker, provider, DEVICE.format(client="stoker"))
    stoker.run("sweep", "work", "n=1:10:1")
    stoker.start_pool()
    row = sign_in(stoker)
    assert row["generation"] == 1 and 3500 < row["expires_in"] <= 3600
    stoker.wait_counts(completed=10)
    results = {result for (result,) in stoker.sql("SELECT result FROM jobs")}
    assert len(results) == 1 and '"sub": "ada"' in results.pop().replace('":"', '": "')
    assert stoker.sql("SELECT DISTINCT attempt, session_waits FROM jobs") == [(1, 0)]


def test_the_code_is_not_taken_before_the_person_has_passed(stoker, openid):
    provider = openid()
    set_up(stoker, provider, DEVICE.format(client="stoker"))
    stoker.start_pool()
    open_code(stoker)
    waiting = "urn:ietf:params:oauth:grant-type:device_code authorization_pending"
    eventually(lambda: provider.seen(waiting) >= 1, what="it asks by itself")
    assert lab(stoker)["state"] == "challenge_open"


def test_a_person_who_says_no_ends_the_sign_in(stoker, openid):
    provider = openid()
    set_up(stoker, provider, DEVICE.format(client="stoker"))
    stoker.start_pool()
    row = open_code(stoker)
    page, _ = Browser().go_through(row["link"], {"abort": "yes"})
    assert "interrupted" in page
    stoker.run("session", "done", "lab")
    row = wait_session(stoker, "await_ready")
    assert not row["open"] and "said no" in row["reason"]
    sign_in(stoker)


@pytest.mark.parametrize("client", ["stoker", "desk"])
def test_refresh_tokens_rotate_until_they_are_taken_back(stoker, openid, client):
    provider = openid(accessTokenSeconds=3)
    more = "client_secret_file: secret\n" if client == "desk" else ""
    set_up(stoker, provider, DEVICE.format(client=client), more=more + "renew_before: 1500ms\n")
    stoker.start_pool()
    browser = Browser()
    sign_in(stoker, browser)
    stoker.run("sweep", "work", "n=1:8:1")
    eventually(lambda: lab(stoker)["generation"] >= 3, what="it is refreshed without a person")
    assert provider.seen("refresh_token") >= 2 and provider.seen("refresh_token invalid_grant") == 0
    stoker.wait_counts(completed=8)

    provider.revoke()
    row = wait_session(stoker, "await_ready")
    assert not row["open"] and "invalid_grant" in row["reason"]
    assert provider.seen("refresh_token invalid_grant") == 1, "what is refused once is not sent again"
    late = stoker.submit("work", "n=9")
    assert 'session "lab"' in stoker.why(late)
    sign_in(stoker, browser)
    assert stoker.wait_state(late, "completed")["attempt"] == 1


def test_a_refresh_token_survives_the_pool(stoker, openid):
    provider = openid(accessTokenSeconds=6)
    set_up(stoker, provider, DEVICE.format(client="stoker"), more="renew_before: 3s\n")
    pool = stoker.start_pool()
    sign_in(stoker)
    eventually(lambda: lab(stoker)["generation"] >= 2)
    pool.kill9()
    before = lab(stoker)["generation"]
    stoker.start_pool()
    eventually(lambda: lab(stoker)["generation"] > before, what="the next pool goes on from the kept token")
    assert provider.seen("refresh_token invalid_grant") == 0


def test_a_client_signs_in_by_itself(stoker, openid):
    provider = openid(accessTokenSeconds=3)
    set_up(stoker, provider, CLIENT, path="/work", more="renew_before: 1s\n")
    stoker.run("sweep", "work", "n=1:10:1")
    stoker.start_pool()
    stoker.wait_counts(completed=10)
    assert '"robot"' in stoker.one("SELECT DISTINCT CAST(result AS text) FROM jobs")
    eventually(lambda: lab(stoker)["generation"] >= 2, what="a new token before the end of the old one")
    assert provider.seen("client_credentials invalid_client") == 0


def test_a_client_with_a_wrong_secret_is_denied_and_does_not_ask_again(stoker, openid):
    provider = openid()
    set_up(stoker, provider, CLIENT, path="/work")
    stoker.write("secret", "something else\n")
    os.chmod(stoker.folder / "secret", 0o600)
    stoker.start_pool()
    row = wait_session(stoker, "rejected")
    assert row["needs_person"] and "invalid_client" in row["reason"]
    stoker.write("secret", SECRET + "\n")
    stoker.run("session", "login", "lab")
    wait_session(stoker, "valid")
