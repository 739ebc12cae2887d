# SPDX-License-Identifier: MIT
"""Requests and replies, as the flows see them."""
import base64
import email.utils
import http.cookies
import json
import urllib.parse

HANG_UP = object()  # instead of a reply


class Request:
    def __init__(self, method, target, headers, body):
        url = urllib.parse.urlsplit(target)
        self.method, self.path, self.headers, self.body = method, url.path, headers, body
        self.query = dict(urllib.parse.parse_qsl(url.query))

    def json(self):
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    def form(self):
        return dict(urllib.parse.parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))

    def cookies(self, name):
        """All values under that name: a careless client sends two."""
        pairs = (part.strip().partition("=") for part in self.headers.get("Cookie", "").split(";"))
        return [value for key, _, value in pairs if key == name]

    def basic(self):
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return None
        user, _, password = base64.b64decode(text).decode().partition(":")
        return user, password

    def bearer(self):
        kind, _, text = self.headers.get("Authorization", "").partition(" ")
        return text if kind.lower() == "bearer" else None


class Reply:
    def __init__(self, status, body=None, headers=(), content="application/json", delay_s=0):
        self.status, self.content, self.delay_s = status, content, delay_s
        self.headers = list(headers.items() if isinstance(headers, dict) else headers)
        if body is None:
            self.body = b""
        else:
            self.body = body.encode() if isinstance(body, str) else json.dumps(body).encode()


def set_cookie(name, value, path="/", max_age=None):
    cookie = http.cookies.SimpleCookie({name: value})
    cookie[name]["path"] = path
    if max_age is not None:
        cookie[name]["max-age"] = int(max_age)
    return "Set-Cookie", cookie[name].OutputString()


def retry_after(world, seconds=None):
    """The header in the form that the knob asks for; {}: none."""
    wait = world.knobs.retry_after_s if seconds is None else seconds
    forms = {
        "int": lambda: str(max(1, round(wait))),
        "float": lambda: f"{wait:.1f}",
        "date": lambda: email.utils.formatdate(world.now() + world.knobs.clock_skew_s + wait, usegmt=True),
        "0": lambda: "0",
        "huge": lambda: "99999999999",
        "garbage": lambda: "soon",
    }
    form = str(world.knobs.retry_after_form)
    return {"Retry-After": forms[form]()} if form in forms else {}


def jwt(**claims):
    """Not signed by anybody, but read like one."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join(texts) + ".c2lnbmF0dXJl"
