# SPDX-License-Identifier: MIT
"""Notices: a person hears of a session that needs them, once, on every channel, and nothing waits for it."""
import email
import email.policy
import http.server
import json
import sys
import threading
import time

import pytest

from conftest import ROOT, eventually

sys.path.insert(0, str(ROOT / "tests/support"))
from simulator import Simulator  # noqa: E402

TELL = "desk: {hook: [./tell]}"


class Webhook:
    """Keeps the bodies; answers `status`, or not at all while it is None."""

    def __init__(self):
        self.status = 204
        self.requests = []
        self.ending = threading.Event()
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                sink.requests.append((self.path, dict(self.headers), body))
                if sink.status is None:
                    sink.ending.wait(60)
                    return
                self.send_response(sink.status)
                self.end_headers()

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.ending.set()
        self.server.shutdown()
        self.server.server_close()

    def events(self):
        return [json.loads(body)["event"] for _, _, body in self.requests]


@pytest.fixture
def webhook():
    sink = Webhook()
    yield sink
    sink.stop()


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, message))
        return "250 kept"


@pytest.fixture
def mailbox():
    box = Mailbox()
    smtp = pytest.importorskip("aiosmtpd.controller")

    class Controller(smtp.Controller):
        def _trigger_server(self):
            self.port = self.server.sockets[0].getsockname()[1]  # 0 was the system's choice
            super()._trigger_server()

    controller = Controller(box, hostname="127.0.0.1", port=0)
    controller.start()
    box.port = controller.port
    yield box
    controller.stop()


def set_up(stoker, notify, session="provider: operator, lifetime: 1h", task='command: ["true"]'):
    rows = "".join(f"  {line}\n" for line in notify.strip().splitlines())
    stoker.write("stoker.yaml", f"key_file: stoker.key\nworkers: 4\ntasks:\n  t: {{{task}, params: {{n: int}}, session: duty}}\n"
                                f"sessions:\n  duty: {{{session}}}\nnotify:\n{rows}")
    stoker.script("tell", "cat >> told.json\n")


def told(stoker):
    path = stoker.folder / "told.json"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def events(stoker):
    return [notice["event"] for notice in told(stoker)]


def secret(stoker, name, text):
    path = stoker.write(name, text)
    path.chmod(0o600)


def test_a_program_hears_of_the_whole_life_of_a_session(stoker):
    set_up(stoker, TELL, "provider: operator, lifetime: 4s, remind: 2s")
    stoker.run("sweep", "t", "n=1:30:1")
    stoker.start_pool()
    first = eventually(lambda: told(stoker))[0]
    assert first["event"] == "session.action_required" and first["subject"] == "session duty"
    assert first["text"] == ('session "duty" was never signed in: stoker session renew duty. 30 jobs wait, 4 workers are idle.')
    assert first["facts"]["pending"] == 30 and first["facts"]["repeat"] is False
    stoker.run("session", "renew", "duty")
    eventually(lambda: "session.renewed" in events(stoker))
    renewed = told(stoker)[1]
    assert renewed["text"].startswith(f'session "duty" is open, renewed by {stoker.me}, for ')
    assert renewed["facts"]["renewed_by"] == stoker.me
    eventually(lambda: "session.expiring" in events(stoker))
    assert "only a person renews it: stoker session renew duty." in told(stoker)[2]["text"]
    eventually(lambda: any(notice["facts"]["repeat"] for notice in told(stoker)))
    again = [notice for notice in told(stoker) if notice["event"] == "session.action_required"][1:]
    assert "has ended and needs a person" in again[0]["text"] and not again[0]["facts"]["repeat"]
    assert "still needs a person, since " in again[1]["text"] and again[1]["facts"]["repeat"]
    keys = [notice["key"] for notice in told(stoker)]
    assert len(set(keys)) == len(keys)


def test_a_killed_pool_tells_nothing_twice(stoker):
    set_up(stoker, TELL)
    for _ in range(3):
        pool = stoker.start_pool()
        eventually(lambda: stoker.one("SELECT count(*) FROM notice WHERE next_at IS NULL") == 1)
        pool.kill9()
    assert events(stoker) == ["session.action_required"]


def test_a_mail_comes_with_what_a_person_needs(stoker, mailbox):
    set_up(stoker, f"ops: {{mail: \"smtp://127.0.0.1:{mailbox.port}\", from: stoker@example.org, "
                   "to: [anna@example.org, ben@example.org]}")
    stoker.start_pool()
    sender, to, mail = eventually(lambda: mailbox.mails)[0]
    assert sender == "stoker@example.org" and to == ["anna@example.org", "ben@example.org"]
    assert mail["Subject"] == "[stoker] session.action_required: session duty"
    assert mail["To"] == "anna@example.org, ben@example.org"
    assert mail["Auto-Submitted"] == "auto-generated" and mail["Message-ID"]
    assert abs(mail["Date"].datetime.timestamp() - time.time()) < 60
    assert mail.get_content().strip() == 'session "duty" was never signed in: stoker session renew duty.'


def test_test_says_of_each_channel_whether_it_works(stoker, webhook, mailbox):
    set_up(stoker, f"""\
{TELL}
dead: {{hook: [./missing]}}
sour: {{hook: [sh, -c, "echo no paper >&2; exit 3"]}}
team: {{webhook: "{webhook.url}/in", events: [limit.long]}}
gone: {{webhook: "http://127.0.0.1:1/x"}}
ops: {{mail: "smtp://127.0.0.1:{mailbox.port}", from: a@example.org, to: [b@example.org]}}""")
    stoker.start_pool()
    done = stoker.run("notify", "test", "--json", ok=False)
    assert done.returncode == 69
    rows = {row["name"]: row for row in json.loads(done.stdout)["channels"]}
    assert {name for name, row in rows.items() if row["ok"]} == {"desk", "team", "ops"}
    assert "missing" in rows["dead"]["error"] and "no paper" in rows["sour"]["error"]
    assert "refused" in rows["gone"]["error"]
    assert webhook.events() == ["notify.test"] and "notify.test" in events(stoker)
    assert mailbox.mails[-1][2]["Subject"].startswith("[stoker] ")

    assert stoker.run("notify", "test", "team").stdout.startswith("sent    team")
    wrong = stoker.run("notify", "test", "taem", ok=False)
    assert wrong.returncode == 66 and 'did you mean "team"?' in wrong.stderr
    assert "limit.long" in stoker.run("notify", "list").stdout


def test_without_a_pool_all_channels_can_be_tested(stoker, webhook):
    set_up(stoker, f"{TELL}\nteam: {{webhook: \"{webhook.url}/in\"}}")
    done = stoker.run("notify", "test")
    assert "sent    team" in done.stdout and "sent    desk" in done.stdout
    assert "notify.test" in events(stoker)
    stoker.nothing_lives()


def test_no_channels_is_said(stoker):
    stoker.yaml('t: {command: ["true"]}')
    assert "stoker.yaml names them under notify:" in stoker.run("notify", "test").stdout


def test_a_receiver_that_hangs_holds_up_nothing(stoker, webhook):
    webhook.status = None
    set_up(stoker, f"team: {{webhook: \"{webhook.url}/in\", timeout: 5m}}")
    pool = stoker.start_pool()
    eventually(lambda: webhook.requests)
    stoker.run("session", "renew", "duty")
    stoker.run("sweep", "t", "n=1:20:1")
    stoker.wait_counts(completed=20)
    assert pool.stop(timeout=20) == 0
    assert stoker.one("SELECT count(*) FROM notice WHERE next_at IS NOT NULL") == 2
    webhook.status = 200
    stoker.start_pool()
    eventually(lambda: stoker.one("SELECT count(*) FROM notice WHERE next_at IS NOT NULL") == 0)


def test_a_link_reaches_a_person_and_only_where_it_may(stoker, webhook):
    with Simulator() as sim:
        secret(stoker, "password", sim.state()["knobs"]["password"] + "\n")
        set_up(stoker, f"{TELL}\nplain: {{webhook: \"{webhook.url}/topic\", body: ntfy}}\n"
                       f"wall: {{webhook: \"{webhook.url}/wall\", link: false}}",
               f"provider: challenge-cookie, url: \"{sim.url}\", login: /authentication, check: /authentication, "
               "user: ann, password_file: password, cookie: sid")
        stoker.start_pool()
        eventually(lambda: events(stoker) == ["session.action_required"])
        stoker.run("session", "ready", "duty")
        eventually(lambda: "session.challenge" in events(stoker))
        notice = told(stoker)[-1]
        link = notice["facts"]["link"]
        assert link.startswith("http") and link not in notice["text"]
        eventually(lambda: sum(path == "/topic" for path, _, _ in webhook.requests) == 2)
        eventually(lambda: sum(path == "/wall" for path, _, _ in webhook.requests) == 2)
        bodies = {path: body for path, _, body in webhook.requests}
        assert f"\nlink: {link}" in bodies["/topic"]
        assert "session.challenge" in bodies["/wall"] and link not in bodies["/wall"]


def test_a_secret_address_is_nowhere_but_in_its_file(stoker, webhook):
    set_up(stoker, "team: {webhook_file: team.url, body: slack}")
    secret(stoker, "team.url", f"{webhook.url}/T0/hidden-path\n")
    webhook.status = 404
    pool = stoker.start_pool()
    eventually(lambda: webhook.requests)
    assert webhook.requests[0][0] == "/T0/hidden-path"
    eventually(lambda: "did not take it" in stoker.run("logs").stdout)
    shown = stoker.run("notify", "test", ok=False).stdout + stoker.run("notify", "list", "--json").stdout
    assert "answered 404" in shown
    pool.stop()
    (stoker.folder / "team.url").unlink()
    assert "hidden-path" not in shown + pool.log()
    for path in stoker.folder.rglob("*"):
        if path.is_file():
            assert b"hidden-path" not in path.read_bytes(), path


def test_wrong_notify_stops_the_pool_and_says_where(stoker):
    set_up(stoker, "team: {webhook: \"http://127.0.0.1:1/\", token: abc}")
    done = stoker.run("up", ok=False)
    assert done.returncode == 78 and "notify.team.token: secrets only from files: token_file" in done.stderr
