#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""An authority to test against: one loopback server that plays every sign-in flow, and the jobs behind it.

    python3 tests/support/simulator.py [--set NAME=JSON ...]      prints its URL, runs until stdin ends

    with Simulator(slots=2) as sim:                               in a test
        sim.set(auth_rpm=5)
        sim.person(challenge=sim.state()["challenge"], action="pass")
        assert sim.state()["counters"]["mints"] == 1

    GET  /_sim/state      counters, knobs, and what a person would see (the open challenge, the code)
    POST /_sim/set        {"slots": 1}            knobs: authority/knobs.py says what each does
    POST /_sim/person     {"action": "pass"}      what a person does: see person() of each flow
    POST /_sim/reset      {"slots": 1}            a new authority that knows nobody, with these knobs
"""
import argparse
import collections
import http.server
import json
import pathlib
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from authority.challenge import ChallengeCookie  # noqa: E402
from authority.form import FormLogin  # noqa: E402
from authority.gateway import Gateway  # noqa: E402
from authority.knobs import Knobs  # noqa: E402
from authority.oauth import OAuth  # noqa: E402
from authority.tasks import Tasks  # noqa: E402
from authority.wire import HANG_UP, Reply, Request, retry_after  # noqa: E402


class World:
    """What the flows share: knobs, counters, a clock that can be moved, and who is signed in."""

    def __init__(self, **knobs):
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.knobs = Knobs(**knobs)
        self.counters = collections.Counter()
        self.rates = collections.defaultdict(collections.deque)
        self.challenge, self.form = ChallengeCookie(self), FormLogin(self)
        self.oauth, self.gateway, self.tasks = OAuth(self), Gateway(self), Tasks(self)
        self.flows = [self.challenge, self.form, self.oauth, self.gateway, self.tasks]

    def now(self):
        return time.time() + self.knobs.clock_shift_s

    def count(self, name, by=1):
        self.counters[name] += by

    def over_rate(self, what, per_minute):
        """True when this request is one too many in the last minute; only admitted ones count."""
        if not per_minute:
            return False
        times, now = self.rates[what], self.now()
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= per_minute:
            self.count("throttled_" + what)
            return True
        times.append(now)
        return False

    def signed_in(self, request):
        """Whether any of the flows takes what the request shows."""
        return any(flow.knows(request) for flow in (self.challenge, self.form, self.oauth))

    def lost(self):
        """How this authority says that a session is over; there is more than one way."""
        status = str(self.knobs.expired_status)
        if status == "200-html":
            return Reply(200, "<html><form action='/login'><input type='password'></form></html>", content="text/html")
        if status == "200-json":
            return Reply(200, {"error": "no session"})
        if status == "302":
            return Reply(302, headers={"Location": "/login"})
        return Reply(int(status), None if status == "204" else {"detail": "Incorrect authentication credentials."})

    def faults(self, request):
        """The knobs that come before everything else."""
        knobs = self.knobs
        if knobs.fault_path and not request.path.startswith(knobs.fault_path):
            return None
        if knobs.fault_method and request.method != knobs.fault_method:
            return None
        for name, answer in (("rst", HANG_UP), ("burst_5xx", Reply(knobs.burst_status, {"detail": "down"})),
                             ("burst_429", Reply(429, {"detail": "RATE"}, headers=retry_after(self)))):
            if getattr(knobs, name) > 0:
                setattr(knobs, name, getattr(knobs, name) - 1)
                self.count(name)
                return answer
        return None

    def hold(self, request):
        """Until the knob no longer holds this request: so a test can have many under way at a time."""
        def is_held():
            path, method = self.knobs.hold_path, self.knobs.hold_method
            return path and request.path.startswith(path) and method in ("", request.method)

        with self.changed:
            if is_held():
                self.count("held")
                self.changed.wait_for(lambda: not is_held(), timeout=60)

    def answer_in_time(self, request):
        if self.knobs.hold_judged:
            reply = self.answer(request)
            self.hold(request)
            return reply
        self.hold(request)
        return self.answer(request)

    def answer(self, request):
        with self.lock:
            self.count("requests")
            fault = self.faults(request)
            if fault:
                return fault
            for flow in self.flows:
                reply = flow.answer(request)
                if reply is not None:
                    return reply
        return Reply(404, {"detail": "Not found."})

    def person(self, act):
        with self.lock:
            for flow in self.flows:
                said = flow.person(act)
                if said is not None:
                    return Reply(200, {"done": said})
        return Reply(409, {"detail": "nothing here for that person to do"})

    def state(self):
        with self.lock:
            seen = {name: value for flow in self.flows for name, value in flow.seen().items()}
            return {"counters": dict(self.counters), "knobs": vars(self.knobs), "now": self.now(), **seen}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "Authority", ""
    disable_nagle_algorithm = True

    def log_message(self, *_):
        """Quiet: counters tell what happened."""

    def setup(self):
        super().setup()
        self.last = time.monotonic()

    def handle_any(self):
        world = self.server.world
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        idle, self.last = time.monotonic() - self.last, time.monotonic()
        request = Request(self.command, self.path, self.headers, body)
        if request.path.startswith("/_sim/"):
            return self.send(control(self.server, request))
        if 0 < world.knobs.eof_after_idle_s < idle:
            return self.hang_up()
        reply = world.answer_in_time(request)
        if reply is HANG_UP:
            return self.hang_up()
        if reply.delay_s:
            time.sleep(reply.delay_s)
        return self.send(reply)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_HEAD = handle_any

    def hang_up(self):
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def send(self, reply):
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status != 204:
            self.send_header("Content-Type", reply.content)
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD" and reply.status != 204:
            self.wfile.write(reply.body)

    def date_time_string(self, timestamp=None):
        world = self.server.world
        return super().date_time_string(world.now() + world.knobs.clock_skew_s)


def control(server, request):
    world = server.world
    if request.path == "/_sim/state":
        return Reply(200, world.state())
    if request.path == "/_sim/set":
        with world.lock:
            unknown = world.knobs.change(request.json() or {})
            world.changed.notify_all()
        return Reply(200, {}) if unknown is None else Reply(400, {"detail": f"no knob {unknown}"})
    if request.path == "/_sim/reset":
        server.world = World(**(request.json() or {}))
        return Reply(200, {})
    if request.path == "/_sim/person":
        return world.person(request.json() or {})
    return Reply(404, {"detail": "no such control"})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """A client that went away in the middle is what some tests are about; a bug is not."""
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


class Simulator:
    """The server on a thread of its own."""

    def __init__(self, **knobs):
        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.world = World(**knobs)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def call(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=data), timeout=30) as reply:
            return json.load(reply)

    def set(self, **knobs):
        self.call("/_sim/set", knobs)

    def person(self, **act):
        return self.call("/_sim/person", act)

    def state(self):
        return self.call("/_sim/state")

    def counter(self, name):
        return self.state()["counters"].get(name, 0)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", action="append", default=[], metavar="NAME=JSON")
    knobs = {}
    for text in parser.parse_args().set:
        name, _, value = text.partition("=")
        knobs[name] = json.loads(value)
    with Simulator(**knobs) as simulator:
        print(simulator.url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
