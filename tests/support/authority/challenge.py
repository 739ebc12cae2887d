# SPDX-License-Identifier: MIT
"""challenge-cookie: a sign-in that may send a link which a person has to open."""
import secrets

from authority.wire import Reply, jwt, retry_after, set_cookie

LOGIN, CHALLENGE = "/authentication", "/authentication/challenge"


class ChallengeCookie:
    def __init__(self, world):
        self.world = world
        self.tokens = {}        # value -> end; only signed-in ones
        self.challenge = None   # the newest; the ones before are dead
        self.locked_until = 0
        self.minted = 0         # since the last lock-out
        self.logins = 0

    # --- what it is asked ---

    def answer(self, request):
        routes = {("POST", LOGIN): self.login, ("GET", LOGIN): self.check, ("POST", CHALLENGE): self.finish,
                  ("GET", CHALLENGE): self.open_page, ("DELETE", LOGIN): self.logout, ("GET", "/hosted"): self.page}
        route = routes.get((request.method, request.path))
        return route(request) if route else None

    def knows(self, request):
        """The first of several cookies counts, as with servers that keep a list."""
        values = request.cookies(self.world.knobs.cookie_name)
        return bool(values) and self.tokens.get(values[0], 0) > self.world.now()

    def seen(self):
        now = self.world.now()
        live = [end for end in self.tokens.values() if end > now]
        return {"challenge": self.challenge and self.challenge["id"], "locked_until": self.locked_until,
                "hosted": self.challenge and self.challenge["hosted"], "live_sessions": len(live)}

    def person(self, act):
        if act.get("action") == "evict":
            self.tokens.clear()
            return "evicted"
        is_mine = "code" not in act and "gateway" not in act and self.challenge is not None
        if not is_mine or act.get("action") not in ("pass", "fail", "ignore"):
            return None
        if act.get("challenge", self.challenge["id"]) != self.challenge["id"]:
            return None
        if act.get("hosted", self.challenge["hosted"]) != self.challenge["hosted"]:
            return None  # the page that the person has open was replaced
        if act["action"] != "ignore":
            self.challenge["act"] = act["action"]
        return act["action"]

    # --- sign-in ---

    def login(self, request):
        world, knobs, now = self.world, self.world.knobs, self.world.now()
        world.count("logins")
        if world.over_rate("auth", knobs.auth_rpm):
            return Reply(429, {"detail": "RATE"}, headers=retry_after(world))
        if now < self.locked_until:
            return self.refuse_locked()
        if request.basic() != (knobs.user, knobs.password):
            world.count("wrong_passwords")
            return Reply(401, {"detail": "INVALID_CREDENTIALS"})
        shown = request.cookies(knobs.cookie_name)
        if shown and not self.knows(request):
            world.count("dirty_jars")
            if self.challenge:
                return self.say_challenge(())
        if self.knows(request):
            return self.welcome() if knobs.renew_while_alive else self.dead_challenge()
        return self.mint() if knobs.challenge_due else self.welcome()

    def make_token(self):
        self.logins += 1
        now = self.world.now()
        token = jwt(exp=int(now + self.world.knobs.lifetime_s), amr=["pwd", "face"], jti=secrets.token_hex(8))
        path = "/" if not self.world.knobs.cookie_path_varies or self.logins % 2 else LOGIN
        return token, set_cookie(self.world.knobs.cookie_name, token, path)

    def admit(self, token):
        if self.world.knobs.single_active:
            self.world.count("evictions", sum(end > self.world.now() for end in self.tokens.values()))
            self.tokens.clear()
        self.tokens[token] = self.world.now() + self.world.knobs.lifetime_s

    def body(self, token):
        left = self.tokens[token] - self.world.now()
        return {"user": {"id": self.world.knobs.user}, "token": {"expiry": round(left, 2)}, "permissions": ["MULTI"]}

    def welcome(self):
        self.world.count("sessions")
        token, cookie = self.make_token()
        self.admit(token)
        return Reply(201, self.body(token), headers=[cookie])

    def mint(self):
        knobs = self.world.knobs
        if knobs.mint_limit and self.minted >= knobs.mint_limit:
            self.minted = 0
            self.locked_until = self.world.now() + knobs.lockout_s
            return self.refuse_locked()
        self.world.count("mints")
        self.minted += 1
        token, cookie = self.make_token()
        self.challenge = {"id": secrets.token_hex(8), "token": token, "act": None, "done": False,
                          "hosted": secrets.token_hex(6), "ends": self.world.now() + knobs.challenge_ttl_s}
        return self.say_challenge([cookie])

    def say_challenge(self, cookies):
        name = self.challenge["id"]
        headers = [("WWW-Authenticate", "challenge"), ("Location", f"{self.world.knobs.challenge_at}{CHALLENGE}?id={name}"),
                   *cookies]
        return Reply(401, {"challenge": name}, headers=headers)

    def dead_challenge(self):
        self.world.count("dead_mints")
        return Reply(401, {"challenge": "dead"}, headers=[("WWW-Authenticate", "challenge"),
                                                          ("Location", f"{CHALLENGE}?id=dead")])

    def refuse_locked(self):
        knobs = self.world.knobs
        self.world.count("while_locked")
        if knobs.lockout_extends:
            self.locked_until = self.world.now() + knobs.lockout_s
        headers = {"Retry-After": str(int(knobs.lockout_s))} if knobs.lockout_retry_after else {}
        return Reply(429, {"detail": "CHALLENGE_THROTTLED"}, headers=headers)

    def check(self, request):
        self.world.count("checks")
        if not self.knows(request):
            return self.world.lost()
        return Reply(200, self.body(request.cookies(self.world.knobs.cookie_name)[0]))

    def logout(self, request):
        for value in request.cookies(self.world.knobs.cookie_name):
            self.tokens.pop(value, None)
        return Reply(204)

    # --- the challenge ---

    def open_page(self, request):
        self.world.count("challenge_gets")
        if self.challenge is None or request.query.get("id") != self.challenge["id"]:
            return Reply(404, {"detail": "Not found."})
        if self.world.knobs.get_challenge_side_effect:
            self.challenge["hosted"] = secrets.token_hex(6)
        return Reply(302, headers={"Location": f"/hosted?id={self.challenge['hosted']}"})

    def page(self, _):
        return Reply(200, "<html>show your face</html>", content="text/html")

    def finish(self, request):
        world, knobs, challenge = self.world, self.world.knobs, self.challenge
        world.count("finishes")
        name = request.query.get("id") or (request.json() or {}).get("challenge")
        if knobs.challenge_429 > 0:
            knobs.challenge_429 -= 1
            return Reply(429, {"detail": "CHALLENGE_THROTTLED"}, headers=retry_after(world))
        if challenge is None or name != challenge["id"]:
            return Reply(404, {"detail": "Not found."})
        if challenge["done"]:
            return Reply(410, {"detail": "Gone."})
        if world.now() >= challenge["ends"] or challenge["act"] == "fail":
            return Reply(400, {"detail": "CHALLENGE_EXPIRED"})
        is_bound = challenge["token"] in request.cookies(knobs.cookie_name)
        if knobs.challenge_requires_cookie and not is_bound:
            world.count("finishes_without_cookie")
            return Reply(403, {"detail": "CHALLENGE_INCOMPLETE"})
        if challenge["act"] != "pass":
            return Reply(403, {"detail": "CHALLENGE_INCOMPLETE"})
        return self.land()

    def land(self):
        """It lands although the client has gone meanwhile, unless the knob says that it does not."""
        knobs, challenge, cookies = self.world.knobs, self.challenge, []
        if knobs.finalize_delay_s and not knobs.finalize_lands_after_timeout:
            return Reply(504, {"detail": "late"}, delay_s=knobs.finalize_delay_s)
        if knobs.finalize_sets_cookie:
            challenge["token"], cookie = self.make_token()
            cookies = [cookie]
        challenge["done"] = True
        self.world.count("sessions")
        self.admit(challenge["token"])
        return Reply(201, self.body(challenge["token"]), headers=cookies, delay_s=knobs.finalize_delay_s)
