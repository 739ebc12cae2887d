# SPDX-License-Identifier: MIT
"""oauth: device flow (RFC 8628), refresh tokens that rotate or not, client credentials."""
import secrets
import urllib.parse

from authority.wire import Reply

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"


class OAuth:
    def __init__(self, world):
        self.world = world
        self.codes = {}      # device code -> its life
        self.access = {}     # token -> end
        self.refresh = {}    # token -> {family, spent_at, ends}
        self.revoked = set()

    def answer(self, request):
        routes = {("POST", "/device_authorization"): self.device, ("POST", "/token"): self.token,
                  ("GET", "/userinfo"): self.userinfo, ("GET", "/device"): self.page}
        route = routes.get((request.method, request.path))
        return route(request) if route else None

    def knows(self, request):
        return self.access.get(request.bearer(), 0) > self.world.now()

    def seen(self):
        codes = [code["user_code"] for code in self.codes.values() if code["act"] is None]
        return {"user_code": codes[-1] if codes else None, "live_access": self.live()}

    def live(self):
        return sum(end > self.world.now() for end in self.access.values())

    def person(self, act):
        if act.get("action") == "revoke":
            self.access.clear()
            self.revoked.update(row["family"] for row in self.refresh.values())
            return "revoked"
        for code in self.codes.values():
            if code["user_code"] == act.get("code"):
                code["act"] = act["action"]
                return act["action"]
        return None

    def page(self, _):
        return Reply(200, "<html>type the code</html>", content="text/html")

    # --- device flow ---

    def device(self, request):
        knobs = self.world.knobs
        self.world.count("mints")
        form = request.form()
        if form.get("client_id") != knobs.client_id or not self.is_client(request, form, knobs.device_wants_secret):
            return Reply(401, {"error": "invalid_client"})
        code, user_code = secrets.token_urlsafe(16), secrets.token_hex(4).upper()
        self.codes[code] = {"user_code": user_code, "act": None, "ends": self.world.now() + knobs.device_expires_s}
        page = f"http://{request.headers['Host']}/device"
        answer = {"device_code": code, "user_code": user_code, "verification_uri": page,
                  "expires_in": knobs.device_expires_s}
        if knobs.device_interval_s:
            answer["interval"] = knobs.device_interval_s
        if knobs.device_complete_uri:
            answer["verification_uri_complete"] = f"{page}?user_code={user_code}"
        return Reply(200, answer)

    def token(self, request):
        form, grant = request.form(), request.form().get("grant_type")
        if not self.is_client(request, form, grant == "client_credentials"):
            return Reply(401, {"error": "invalid_client"})
        routes = {DEVICE_GRANT: self.by_code, "refresh_token": self.by_refresh, "client_credentials": self.by_client}
        if grant not in routes:
            return Reply(400, {"error": "unsupported_grant_type"})
        reply = routes[grant](form)
        reply.delay_s = self.world.knobs.token_delay_s
        return reply

    def is_client(self, request, form, needs_secret):
        knobs, basic = self.world.knobs, request.basic()
        given = basic and tuple(map(urllib.parse.unquote_plus, basic))
        given = given or (form.get("client_id"), form.get("client_secret"))
        if given[0] != knobs.client_id:
            return False
        return given[1] == knobs.client_secret if needs_secret or given[1] else True

    def by_code(self, form):
        knobs = self.world.knobs
        self.world.count("code_polls")
        code = self.codes.get(form.get("device_code"))
        if code is None:
            return Reply(400, {"error": "invalid_grant"})
        if knobs.slow_down > 0:
            knobs.slow_down -= 1
            return Reply(400, {"error": "slow_down"})
        if self.world.now() >= code["ends"]:
            return Reply(400, {"error": "invalid_grant" if knobs.device_invalid_grant else "expired_token"})
        if code["act"] is None:
            return Reply(400, {"error": "authorization_pending"})
        if code["act"] != "pass":
            return Reply(400, {"error": "access_denied"})
        del self.codes[form["device_code"]]
        return self.grant(secrets.token_hex(6))

    # --- tokens ---

    def grant(self, family):
        knobs, now = self.world.knobs, self.world.now()
        self.world.count("sessions")
        access = secrets.token_urlsafe(24)
        self.access[access] = now + knobs.lifetime_s
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": knobs.lifetime_s}
        if family is not None:
            answer["refresh_token"] = secrets.token_urlsafe(24)
            self.refresh[answer["refresh_token"]] = {"family": family, "spent_at": None,
                                                     "ends": now + knobs.refresh_lifetime_s}
        return Reply(200, answer)

    def by_refresh(self, form):
        knobs, now = self.world.knobs, self.world.now()
        self.world.count("refreshes")
        row = self.refresh.get(form.get("refresh_token"))
        if row is None or row["family"] in self.revoked or now >= row["ends"]:
            return Reply(400, {"error": "invalid_grant"})
        if row["spent_at"] is not None and now - row["spent_at"] >= knobs.reuse_grace_s:
            self.world.count("reuses")
            if knobs.reuse_revokes_family:
                self.revoked.add(row["family"])
            return Reply(400, {"error": "invalid_grant"})
        if not knobs.rotate:
            return self.grant(None)
        row["spent_at"] = row["spent_at"] or now
        return self.grant(row["family"])

    def by_client(self, _):
        self.world.count("client_grants")
        return self.grant(None)

    def userinfo(self, request):
        self.world.count("checks")
        if not self.knows(request):
            return self.world.lost()
        return Reply(200, {"sub": self.world.knobs.user, "expires_in": self.access[request.bearer()] - self.world.now()})
