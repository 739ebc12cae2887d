#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A small laboratory with an HTTP API, to try stoker against: its session has to be renewed by a person who opens a
page in a browser, it takes so many simulations at a time, throttles, and takes its time.

    python3 lab.py [--port 8765] [--lifetime 120] [--slots 3] [--per-minute 60] [--seconds 4]

A simulation estimates pi from the first n points of a Halton sequence in the unit square.
"""
import argparse
import base64
import html
import http.server
import json
import pathlib
import secrets
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
USER = "researcher"
CHALLENGE_LIFE = 1800


def halton(index, base):
    value, fraction = 0.0, 1.0
    while index > 0:
        fraction /= base
        value += fraction * (index % base)
        index //= base
    return value


def estimate_pi(n):
    inside = sum(halton(i, 2) ** 2 + halton(i, 3) ** 2 <= 1 for i in range(1, n + 1))
    return 4 * inside / n


class Lab:
    """What the laboratory knows; one lock for all of it."""

    def __init__(self, options, password):
        self.options, self.password = options, password
        self.lock = threading.Lock()
        self.tokens = {}      # cookie -> it ends at; one lives at a time
        self.challenges = {}  # id -> {"cookie", "passed", "ends"}
        self.jobs = {}        # id -> {"n", "ends", "state"}
        self.starts = []      # when the last simulations were taken
        self.counts = {"sign-ins": 0, "challenges": 0, "submits": 0, "throttled": 0, "refused": 0}

    def is_known(self, cookie):
        return self.tokens.get(cookie, 0) > time.time()

    def left(self, cookie):
        return max(0.0, self.tokens.get(cookie, 0) - time.time())

    def new_challenge(self):
        """A new one kills the one before it."""
        self.counts["challenges"] += 1
        self.challenges.clear()
        name = secrets.token_hex(8)
        self.challenges[name] = {"cookie": secrets.token_hex(24), "passed": False, "ends": time.time() + CHALLENGE_LIFE}
        return name

    def finish_challenge(self, name):
        challenge = self.challenges.get(name)
        if challenge is None or challenge["ends"] < time.time():
            return None
        if not challenge["passed"]:
            return False
        del self.challenges[name]
        self.counts["sign-ins"] += 1
        self.tokens = {challenge["cookie"]: time.time() + self.options.lifetime}
        return True

    def running(self):
        now = time.time()
        return [job for job in self.jobs.values() if job["state"] == "RUNNING" and job["ends"] > now]

    def throttle(self):
        """Seconds to wait before the next start, 0: none."""
        now = time.time()
        self.starts = [at for at in self.starts if at > now - 60]
        if len(self.starts) < self.options.per_minute:
            return 0
        return max(1.0, self.starts[0] + 60 - now)

    def submit(self, n):
        self.counts["submits"] += 1
        self.starts.append(time.time())
        name = secrets.token_hex(8)
        took = self.options.seconds * (0.5 + secrets.randbelow(1000) / 1000)
        self.jobs[name] = {"n": n, "begun": time.time(), "ends": time.time() + took, "state": "RUNNING"}
        return name


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    lab = None

    def log_message(self, *args):
        pass

    # --- small parts

    def answer(self, status, body=None, headers=(), kind="application/json"):
        data = b"" if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def cookie(self):
        for part in self.headers.get("Cookie", "").split(";"):
            name, _, value = part.strip().partition("=")
            if name == "t":
                return value
        return ""

    def has_password(self):
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        try:
            return kind == "Basic" and base64.b64decode(value).decode() == f"{USER}:{self.lab.password}"
        except ValueError:
            return False

    def body(self):
        length = int(self.headers.get("Content-Length") or 0)
        return self.rfile.read(min(length, 65536))

    def is_signed_in(self):
        if self.lab.is_known(self.cookie()):
            return True
        self.lab.counts["refused"] += 1
        self.answer(401, {"detail": "Incorrect authentication credentials."})
        return False

    # --- methods

    def route(self, method):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        parts = [part for part in url.path.split("/") if part]
        data = self.body()
        with self.lab.lock:
            return self.dispatch(method, parts, query, data)

    def dispatch(self, method, parts, query, data):
        if parts == []:
            return self.front_page()
        if parts == ["authentication"]:
            return self.sign_in() if method == "POST" else self.check()
        if parts == ["authentication", "challenge"]:
            return self.finish_sign_in(query.get("id", "")) if method == "POST" else self.challenge_page(query.get("id", ""))
        if parts == ["authentication", "challenge", "pass"] and method == "POST":
            return self.passed(query.get("id", ""))
        if parts == ["simulations"] and method == "POST":
            return self.submit(data)
        if len(parts) == 2 and parts[0] == "simulations":
            return self.cancel(parts[1]) if method == "DELETE" else self.poll(parts[1])
        if len(parts) == 2 and parts[0] == "results":
            return self.result(parts[1])
        return self.answer(404, {"detail": "there is no such thing here"})

    def do_GET(self):
        self.route("GET")

    def do_POST(self):
        self.route("POST")

    def do_DELETE(self):
        self.route("DELETE")

    # --- the session

    def sign_in(self):
        if not self.has_password():
            return self.answer(401, {"detail": "INVALID_CREDENTIALS"})
        name = self.lab.new_challenge()
        cookie = self.lab.challenges[name]["cookie"]
        return self.answer(401, {"challenge": name}, [
            ("WWW-Authenticate", "challenge"), ("Location", f"/authentication/challenge?id={name}"),
            ("Set-Cookie", f"t={cookie}; Path=/; HttpOnly")])

    def check(self):
        if not self.is_signed_in():
            return None
        return self.answer(200, {"user": {"id": USER}, "token": {"expiry": self.lab.left(self.cookie())}})

    def finish_sign_in(self, name):
        known = self.lab.challenges.get(name)
        if known is not None and known["cookie"] != self.cookie():
            return self.answer(403, {"detail": "CHALLENGE_INCOMPLETE"})
        done = self.lab.finish_challenge(name)
        if done is None:
            return self.answer(404, {"detail": "no such challenge"})
        if not done:
            return self.answer(403, {"detail": "CHALLENGE_INCOMPLETE"})
        return self.answer(201, {"user": {"id": USER}, "token": {"expiry": float(self.lab.options.lifetime)}})

    def challenge_page(self, name):
        if name not in self.lab.challenges:
            return self.answer(404, page("This link is over", "<p>Ask for a new one: <code>stoker session renew lab</code></p>"), kind="text/html; charset=utf-8")
        return self.answer(200, page("Is it you?", f"""<p>Somebody asks to go on with simulations in the name of <b>{USER}</b>
            for the next {self.lab.options.lifetime:.0f} seconds.</p>
            <form method="post" action="/authentication/challenge/pass?id={html.escape(name)}"><button>Yes, let it run</button></form>"""),
            kind="text/html; charset=utf-8")

    def passed(self, name):
        if name in self.lab.challenges:
            self.lab.challenges[name]["passed"] = True
        return self.answer(200, page("Thank you", "<p>The processing goes on by itself now. You may close this page.</p>"), kind="text/html; charset=utf-8")

    # --- simulations

    def submit(self, data):
        if not self.is_signed_in():
            return None
        try:
            n = json.loads(data)["n"]
            if not isinstance(n, int) or not 1 <= n <= 1000000:
                raise ValueError
        except (ValueError, KeyError, TypeError):
            return self.answer(400, {"n": ["must be a whole number from 1 to 1000000"]})
        wait = self.lab.throttle()
        if wait:
            self.lab.counts["throttled"] += 1
            return self.answer(429, {"detail": "RATE_LIMIT_EXCEEDED"}, [("Retry-After", f"{wait:.1f}")])
        if len(self.lab.running()) >= self.lab.options.slots:
            self.lab.counts["throttled"] += 1
            return self.answer(429, {"detail": "CONCURRENT_LIMIT_EXCEEDED"}, [("Retry-After", "2")])
        name = self.lab.submit(n)
        return self.answer(201, None, [("Location", f"/simulations/{name}"), ("Retry-After", "1.0")])

    def find(self, name):
        if not self.is_signed_in():
            return None
        job = self.lab.jobs.get(name)
        if job is None:
            self.answer(404, {"detail": "no such simulation"})
        return job

    def poll(self, name):
        job = self.find(name)
        if job is None:
            return None
        if job["state"] == "CANCELLED":
            return self.answer(200, {"id": name, "status": "CANCELLED"})
        took, left = job["ends"] - job["begun"], job["ends"] - time.time()
        if left > 0:
            return self.answer(200, {"progress": round(1 - left / took, 2)}, [("Retry-After", "1.0")])
        job["state"] = "COMPLETE"
        return self.answer(200, {"id": name, "status": "COMPLETE", "result": name})

    def cancel(self, name):
        job = self.find(name)
        if job is None:
            return None
        job["state"] = "CANCELLED"
        return self.answer(200, {"id": name, "status": "CANCELLED"})

    def result(self, name):
        job = self.find(name)
        if job is None:
            return None
        if job["state"] != "COMPLETE":
            return self.answer(200, {}, [("Retry-After", "1.0")])
        if "pi" not in job:
            job["pi"] = estimate_pi(job["n"])
        return self.answer(200, {"n": job["n"], "pi": job["pi"], "error": abs(job["pi"] - 3.141592653589793)})

    # --- for people

    def front_page(self):
        lab = self.lab
        left = max([lab.left(cookie) for cookie in lab.tokens] or [0])
        counts = "".join(f"<tr><td>{name}</td><td>{count}</td></tr>" for name, count in lab.counts.items())
        state = f"open for {left:.0f} s" if left else "closed: a person has to sign in"
        return self.answer(200, page("The laboratory", f"""<p>Session: <b>{state}</b></p>
            <p>Simulations: <b>{len(lab.running())}</b> of {lab.options.slots} running, {len(lab.jobs)} taken</p>
            <table>{counts}</table>""", refresh=True), kind="text/html; charset=utf-8")


def read_password():
    """Made when it is missing: a file that only its owner may read cannot come out of a repository."""
    path = HERE / "lab.password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(12) + "\n")
    return path.read_text().strip()


def page(title, text, refresh=False):
    again = '<meta http-equiv="refresh" content="2">' if refresh else ""
    return f"""<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>{again}
<meta name="viewport" content="width=device-width"><style>
:root {{ color-scheme: light dark }} body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem }}
button {{ font: inherit; padding: .6rem 1.2rem }} td {{ padding-right: 2rem }}
</style></head><body><h1>{title}</h1>{text}</body></html>"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8765, help="0: any that is free")
    parser.add_argument("--lifetime", type=float, default=120, help="of a session, in seconds")
    parser.add_argument("--slots", type=int, default=3, help="simulations at a time")
    parser.add_argument("--per-minute", type=int, default=60, help="starts a minute")
    parser.add_argument("--seconds", type=float, default=4, help="mean time of a simulation")
    options = parser.parse_args()
    Handler.lab = Lab(options, read_password())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", options.port), Handler)
    print(f"the laboratory is at http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
