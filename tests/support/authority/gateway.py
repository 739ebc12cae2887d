# SPDX-License-Identifier: MIT
"""gateway-tickle: a local gateway with two layers, single sign-on outside and a session inside."""
from authority.wire import Reply

NO_SESSION = {"error": "no session"}


class Gateway:
    def __init__(self, world):
        self.world = world
        self.sso_until = self.last = 0
        self.inner = self.competing = False

    def answer(self, request):
        routes = {("POST", "/tickle"): self.tickle, ("GET", "/sso/validate"): self.validate,
                  ("POST", "/auth/status"): self.status, ("POST", "/auth/init"): self.init,
                  ("POST", "/reauthenticate"): self.reauth, ("POST", "/logout"): self.logout,
                  ("GET", "/sso/Login"): self.page, ("GET", "/portfolio"): self.business}
        route = routes.get((request.method, request.path))
        return route(request) if route else None

    def knows(self, _):
        return self.inner

    def seen(self):
        return {"gateway_inner": self.inner, "gateway_sso": self.has_sso(), "gateway_competing": self.competing}

    def person(self, act):
        if act.get("gateway") == "pass":
            self.sso_until = self.world.now() + self.world.knobs.gateway_sso_s
            self.last = self.world.now()
            self.competing = False
            self.inner = not self.world.knobs.gateway_stuck
            return "signed in"
        if act.get("gateway") == "compete":
            self.inner, self.competing = False, True
            return "taken"
        if act.get("gateway") == "drop":
            self.inner = False
            return "dropped"
        if act.get("gateway") == "end":
            self.inner, self.sso_until = False, 0
            return "ended"
        return None

    def has_sso(self):
        now = self.world.now()
        if self.last and now - self.last > self.world.knobs.idle_s:
            self.sso_until, self.inner = 0, False
        return now < self.sso_until

    def refuse(self):
        return Reply(401) if self.world.knobs.gateway_lost == "401" else Reply(200, NO_SESSION)

    def layer(self):
        return {"authenticated": self.inner, "competing": self.competing, "connected": True}

    def tickle(self, _):
        self.world.count("tickles")
        if not self.has_sso():
            return self.refuse()
        self.last = self.world.now()
        left = int((self.sso_until - self.world.now()) * 1000)
        answer = {"session": "5e551", "ssoExpires": left, "collission": False, "userId": 1, "iserver": {}}
        if not self.world.knobs.gateway_status_absent:
            answer["iserver"]["authStatus"] = self.layer()
        return Reply(200, answer)

    def validate(self, _):
        self.world.count("validates")
        if not self.has_sso():
            return self.refuse()
        return Reply(200, {"RESULT": True, "AUTH_TIME": 1, "expire": int(1000 * self.sso_until)})

    def status(self, _):
        return Reply(200, self.layer()) if self.has_sso() else self.refuse()

    def init(self, _):
        self.world.count("inits")
        if not self.has_sso():
            return self.refuse()
        if not self.world.knobs.gateway_stuck:
            self.inner, self.competing = True, False
        return Reply(200, self.layer())

    def reauth(self, request):
        """Frees a stuck one, when a logout came before."""
        self.world.count("reauths")
        if not self.has_sso():
            return self.refuse()
        self.inner = not self.world.knobs.gateway_stuck
        if self.inner:
            self.competing = False
        return Reply(200, {"message": "triggered"})

    def logout(self, _):
        self.world.count("logouts")
        self.inner = False
        self.world.knobs.gateway_stuck = False
        return Reply(200, {"status": True})

    def page(self, _):
        self.world.count("gateway_pages")
        return Reply(200, "<html>sign in</html>", content="text/html")

    def business(self, _):
        if not self.has_sso():
            return self.refuse()
        if not self.inner:
            return Reply(400, {"error": "Init session first", "statusCode": 400})
        return Reply(200, {"accounts": ["U1"]})
