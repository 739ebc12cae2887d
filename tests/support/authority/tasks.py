# SPDX-License-Identifier: MIT
"""The jobs behind the sign-in: submit, poll, fetch, cancel; slots, rates, a daily allowance."""
import hashlib
import itertools
import json

from authority.wire import HANG_UP, Reply, retry_after

TYPES = ("REGULAR", "SUPER")
ZONES = ("north", "south", "east", "west")


class Every:
    """A rate without dice: 0.25 is every fourth."""

    def __init__(self):
        self.sum = 0.0

    def hit(self, rate):
        before, self.sum = int(self.sum), self.sum + rate
        return int(self.sum) > before


class Job:
    def __init__(self, name, item, now, duration, parent=None):
        self.name, self.item, self.started, self.ends = name, item, now, now + duration
        self.parent, self.children, self.status = parent, [], None
        self.polls = self.reads = 0
        self.submitted_at = None  # of the second phase

    def settings(self):
        return self.item.get("settings") or {}


class Tasks:
    def __init__(self, world):
        self.world = world
        self.jobs = {}
        self.ids = itertools.count(1)
        self.signatures = {}
        self.used_today = 0
        self.refusals = 0
        self.drops, self.losses = Every(), Every()
        self.blocked_until = {}  # class of request -> what the last Retry-After said

    def answer(self, request):
        parts = request.path.strip("/").split("/")
        if parts[0] not in ("tasks", "results", "me"):
            return None
        blocked = self.guard(request, "poll" if request.method == "GET" else "submit")
        if blocked:
            return blocked
        routes = {("POST", "tasks", 1): self.submit, ("GET", "tasks", 2): self.poll, ("DELETE", "tasks", 2): self.cancel,
                  ("OPTIONS", "tasks", 1): lambda request: Reply(200), ("GET", "results", 2): self.result,
                  ("POST", "results", 3): self.promote, ("GET", "results", 3): self.promoted,
                  ("GET", "me", 2): self.listing}
        route = routes.get((request.method, parts[0], len(parts)))
        return route(request) if route else None

    def knows(self, _):
        return False

    def seen(self):
        self.settle()
        return {"jobs": {job.name: self.describe(job) for job in self.jobs.values()}, "used_today": self.used_today,
                "in_use": self.in_use(), "polls": {job.name: job.polls for job in self.jobs.values()},
                "reads": {job.name: job.reads for job in self.jobs.values()}}

    def person(self, act):
        if act.get("action") == "new-day":
            self.used_today = 0
            return "a new day"
        if act.get("action") == "purge":
            self.jobs.clear()
            return "purged"
        return None

    # --- what every request passes ---

    def guard(self, request, kind):
        """Rate, then session: the order of section 2.1 of the notes this was written from."""
        world, knobs = self.world, self.world.knobs
        world.count("polls" if kind == "poll" else "posts")
        if world.now() < self.blocked_until.get(kind, 0):
            world.count("while_blocked")
        if world.over_rate(kind, knobs.rate_rpm if kind == "submit" else knobs.poll_rpm):
            return self.throttle(kind, "RATE_LIMIT_EXCEEDED")
        if knobs.tasks_auth and not world.signed_in(request):
            world.count("unauthorized")
            if world.challenge.tokens or world.form.tokens or world.oauth.live():
                world.count("stale_requests")
            return world.lost()
        return None

    def throttle(self, kind, detail, status=429):
        headers = retry_after(self.world)
        if headers and self.world.knobs.retry_after_form in ("int", "float", "date"):
            self.blocked_until[kind] = self.world.now() + self.world.knobs.retry_after_s * 0.9
        return Reply(status, {"detail": detail}, headers=headers)

    # --- submit ---

    def submit(self, request):
        given = request.json()
        items = given if isinstance(given, list) else [given]
        refusal = self.validate(given, items) or self.allow(given, items) or self.take(items)
        if refusal:
            return refusal
        self.world.count("submits")
        self.note_signature(request.body)
        return self.accepted(request, self.start(given, items))

    def validate(self, given, items):
        errors = [self.errors_of(item) for item in items]
        if not any(errors):
            return None
        self.world.count("invalid")
        return Reply(400, errors if isinstance(given, list) else errors[0])

    @staticmethod
    def errors_of(item):
        if not isinstance(item, dict):
            return {"detail": ["an object is needed"]}
        settings = item.get("settings", {})
        if item.get("type") not in TYPES:
            return {"type": [f"\"{item.get('type')}\" is not a valid choice."]}
        if not isinstance(settings, dict):
            return {"settings": ["an object is needed"]}
        if settings.get("zone", ZONES[0]) not in ZONES:
            return {"settings": {"zone": [f"\"{settings['zone']}\" is not a valid choice."]}}
        return {}

    def allow(self, given, items):
        if any(item["type"] == "SUPER" for item in items):
            return Reply(400, {"type": ["Not permissioned for SUPER"]})
        if not isinstance(given, list):
            return None
        if not self.world.knobs.multi:
            return Reply(403, {"detail": "You do not have permission to perform this action."})
        if not 2 <= len(items) <= self.world.knobs.children_max:
            return Reply(400, {"detail": ["a list has 2 to 10 items"]})
        return None

    def take(self, items):
        """Attempts count against the day, not results."""
        knobs = self.world.knobs
        if knobs.daily_limit and self.used_today + len(items) > knobs.daily_limit:
            self.refusals += 1
            self.world.count("over_daily")
            lies = knobs.daily_body_lies and self.refusals % 4 != 1
            return self.throttle("submit", "CONCURRENT_LIMIT_EXCEEDED" if lies else "DAILY_LIMIT_EXCEEDED")
        self.settle()
        if knobs.slots and self.in_use() >= knobs.slots:
            self.world.count("over_slots")
            return self.throttle("submit", knobs.slots_body, int(knobs.slots_status))
        self.used_today += len(items)
        return None

    def note_signature(self, body):
        signature = hashlib.sha256(body).hexdigest()
        if signature in self.signatures:
            self.world.count("duplicate_submits")
        self.signatures[signature] = True

    def make(self, item, parent=None):
        knobs = self.world.knobs
        duration = (item.get("settings") or {}).get("duration_s", knobs.job_duration_s)
        job = Job(f"t{next(self.ids)}", item, self.world.now(), duration, parent)
        self.jobs[job.name] = job
        return job

    def start(self, given, items):
        if not isinstance(given, list):
            job = self.make(given)
        else:
            job = self.make({"type": "MULTI", "settings": {}})
            job.children = [self.make(item, job) for item in items]
            job.ends = max(child.ends for child in job.children)
        self.world.counters["max_concurrent"] = max(self.world.counters["max_concurrent"], self.in_use())
        return job

    def accepted(self, request, job):
        knobs = self.world.knobs
        if self.losses.hit(knobs.submit_lost_rate):
            self.world.count("submits_lost")
            return HANG_UP
        headers = [*retry_after(self.world).items()]
        if knobs.daily_limit:
            left = max(0, knobs.daily_limit - self.used_today)
            headers += [("X-Ratelimit-Limit", str(knobs.daily_limit)), ("X-Ratelimit-Remaining", str(left)),
                        ("X-Ratelimit-Reset", "3600")]
        if self.drops.hit(knobs.drop_location_rate):
            self.world.count("locations_dropped")
        else:
            place = "" if knobs.relative_location else f"http://{request.headers['Host']}"
            headers.append(("Location", f"{place}/tasks/{job.name}"))
        return Reply(201, headers=headers, content="text/html")

    # --- jobs by the clock ---

    def in_use(self):
        return sum(job.status is None and job.parent is None for job in self.jobs.values())

    def settle(self):
        for job in self.jobs.values():
            if job.status is None and self.world.now() >= job.ends:
                job.status = job.settings().get("end", self.world.knobs.job_status)
        for job in self.jobs.values():
            bad = [child for child in job.children if child.status not in (None, "COMPLETE", "WARNING")]
            if bad and self.world.knobs.cancel_siblings:
                job.status = "ERROR"
                for child in job.children:
                    child.status = child.status or "CANCELLED"

    def describe(self, job):
        return {"type": job.item.get("type"), "settings": job.settings(), "status": job.status}

    def find(self, request):
        self.settle()
        return self.jobs.get(request.path.strip("/").split("/")[1].removeprefix("r-"))

    def poll(self, request):
        knobs, job = self.world.knobs, self.find(request)
        if knobs.read_404 > 0:
            knobs.read_404 -= 1
            return Reply(404, {"detail": "Not found."})
        if job is None:
            return Reply(404, {"detail": "Not found."})
        job.polls += 1
        if job.status is None or knobs.zombie:
            return self.running(job)
        if job.children:
            return Reply(200, {"children": [child.name for child in job.children], "status": job.status})
        answer = {"id": job.name, "type": job.item["type"], "status": job.status}
        if job.status in ("COMPLETE", "WARNING"):
            answer["result"] = f"r-{job.name}"
        else:
            answer["message"] = f"{job.name} ended as {job.status}"
        return Reply(200, answer)

    def running(self, job):
        age = self.world.now() - job.started
        life = max(job.ends - job.started, 0.001)
        body = {} if age < self.world.knobs.queue_silence_s else {"progress": round(min(age / life, 0.99), 2)}
        return Reply(200, body, headers=retry_after(self.world) or {"Retry-After": "1.0"})

    def cancel(self, request):
        job = self.find(request)
        if job is None:
            return Reply(404, {"detail": "Not found."})
        if job.status is not None:
            return Reply(400, {"detail": "it is complete"})
        self.world.count("cancels")
        for one in (job, *job.children):
            one.status = one.status or "CANCELLED"
        return Reply(204)

    # --- results ---

    @staticmethod
    def value_of(job):
        """The same for the same settings, so that a test can compute what it must be."""
        text = json.dumps(job.settings(), sort_keys=True)
        return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)

    def result_of(self, job):
        return {"id": f"r-{job.name}", "task": job.name, "settings": job.settings(), "value": self.value_of(job)}

    def result(self, request):
        job = self.find(request)
        if job is None or job.status not in ("COMPLETE", "WARNING"):
            return Reply(404, {"detail": "Not found."})
        job.reads += 1
        if self.world.now() < job.ends + self.world.knobs.result_delay_s:
            return Reply(200, None, headers=retry_after(self.world) or {"Retry-After": "1.0"})
        return Reply(200, self.result_of(job))

    def listing(self, request):
        """GET /me/results, GET /me/tasks: newest first."""
        self.settle()
        count = int(request.query.get("limit", 100))
        jobs = list(reversed(self.jobs.values()))
        if request.path == "/me/results":
            return Reply(200, {"results": [self.result_of(job) for job in jobs if job.status == "COMPLETE"][:count]})
        return Reply(200, {"results": [{"id": job.name, **self.describe(job)} for job in jobs][:count]})

    def promote(self, request):
        job = self.find(request)
        if job is None or job.status != "COMPLETE":
            return Reply(404, {"detail": "Not found."})
        job.submitted_at = self.world.now()
        return Reply(201, headers=retry_after(self.world))

    def promoted(self, request):
        job = self.find(request)
        if job is None or job.submitted_at is None:
            return Reply(404, {"detail": "Not found."})
        if self.world.now() < job.submitted_at + self.world.knobs.job_duration_s:
            return Reply(200, headers=retry_after(self.world))
        checks = job.settings().get("failed_checks")
        return Reply(403, {"failed": checks}) if checks else Reply(200, {"id": f"r-{job.name}", "stage": "SUBMITTED"})
