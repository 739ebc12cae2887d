# SPDX-License-Identifier: MIT
"""form-cookie: user and password in a form, or in JSON; the answer sets a cookie."""
import secrets

from authority.wire import Reply, set_cookie

PAGE = "<html><form action='/login'><input name='user'><input type='password' name='password'></form></html>"


class FormLogin:
    def __init__(self, world):
        self.world = world
        self.tokens = {}

    def answer(self, request):
        routes = {("POST", "/login"): self.login, ("GET", "/login"): self.page, ("GET", "/home"): self.home,
                  ("POST", "/form/logout"): self.logout}
        route = routes.get((request.method, request.path))
        return route(request) if route else None

    def knows(self, request):
        values = request.cookies(self.world.knobs.form_cookie)
        return bool(values) and self.tokens.get(values[0], 0) > self.world.now()

    def seen(self):
        return {"form_sessions": sum(end > self.world.now() for end in self.tokens.values())}

    def person(self, act):
        if act.get("action") != "evict-form":
            return None
        self.tokens.clear()
        return "evicted"

    def page(self, _):
        return Reply(200, PAGE, content="text/html")

    def login(self, request):
        world, knobs = self.world, self.world.knobs
        world.count("form_logins")
        is_json = "json" in request.headers.get("Content-Type", "")
        given = (request.json() if is_json else request.form()) or {}
        if (given.get("user"), given.get("password")) != (knobs.user, knobs.password):
            world.count("wrong_passwords")
            return self.refuse()
        token = secrets.token_urlsafe(18)
        self.tokens[token] = world.now() + knobs.lifetime_s
        age = knobs.lifetime_s if knobs.form_max_age else None
        cookies = [set_cookie(knobs.form_cookie, token, max_age=age), set_cookie("theme", "dark")]
        if is_json:
            return Reply(200, {"user": knobs.user}, headers=cookies)
        return Reply(302, headers=[("Location", "/home"), *cookies])

    def refuse(self):
        status = str(self.world.knobs.form_wrong_status)
        if status == "200-html":
            return self.page(None)
        if status == "302":
            return Reply(302, headers={"Location": "/login?error=1"})
        return Reply(int(status), {"detail": "wrong user or password"})

    def home(self, request):
        self.world.count("checks")
        if not self.knows(request):
            return Reply(302, headers={"Location": "/login"})
        left = self.tokens[request.cookies(self.world.knobs.form_cookie)[0]] - self.world.now()
        return Reply(200, {"user": self.world.knobs.user, "expires_in": round(left, 1)})

    def logout(self, request):
        for value in request.cookies(self.world.knobs.form_cookie):
            self.tokens.pop(value, None)
        return Reply(204)
