# SPDX-License-Identifier: MIT
"""The OpenID provider of tests/support/oidc, installed where it stays, and a person with a browser before it."""
import hashlib
import html.parser
import http.cookiejar
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent / "oidc"
FILES = ("package.json", "package-lock.json", "server.js")
NODE_NEEDED = 18
SECONDS_TO_INSTALL = 180
# What npm says when there is no way to a registry; all else is a fault of ours.
NO_WAY = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "ENETUNREACH", "EHOSTUNREACH",
          "ERR_SOCKET_TIMEOUT", "E403", "E404", "E502", "E503", "ENOTCACHED",
          # somebody in between whom this machine does not trust
          "SELF_SIGNED_CERT_IN_CHAIN", "DEPTH_ZERO_SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER_CERT",
          "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "UNABLE_TO_VERIFY_LEAF_SIGNATURE", "CERT_HAS_EXPIRED")
SYSTEM_AUTHORITIES = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")  # Node.js brings its own list and knows no other


class Missing(Exception):
    """Why there is no provider on this machine."""


# ---- installing


def node_version():
    if not (shutil.which("node") and shutil.which("npm")):
        raise Missing("needs node and npm")
    text = subprocess.run(["node", "--version"], capture_output=True, text=True, timeout=60, check=True).stdout
    version = int(re.match(r"v(\d+)", text).group(1))
    if version < NODE_NEEDED:
        raise Missing(f"needs node {NODE_NEEDED} or newer, this is {version}")
    return version


def folder_of_this_version():
    """In the cache of the user, named by all that decides about its content."""
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    digest = hashlib.sha256(b"".join((HERE / name).read_bytes() for name in FILES)).hexdigest()
    return cache / "stoker-tests" / f"oidc-{digest[:16]}"


def environment():
    """Whom the machine trusts, npm may trust too."""
    more = {} if not SYSTEM_AUTHORITIES.exists() else {"NODE_EXTRA_CA_CERTS": str(SYSTEM_AUTHORITIES)}
    return {**more, **os.environ}


def npm_ci(folder):
    words = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=30000"]
    try:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=SECONDS_TO_INSTALL, check=False,
                              env=environment())
    except subprocess.TimeoutExpired:
        raise Missing(f"npm ci did not end within {SECONDS_TO_INSTALL} s") from None
    if done.returncode == 0:
        return
    code = re.search(r"code (\w+)", done.stderr)
    if code and code.group(1) in NO_WAY:
        raise Missing(f"the npm registry cannot be reached ({code.group(1)})")
    raise AssertionError(f"npm ci failed:\n{done.stdout}{done.stderr}")


def install():
    """The folder to start it in; made beside and renamed, so that it is whole or not there."""
    node_version()
    folder = folder_of_this_version()
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as made:
        for name in FILES:
            shutil.copy(HERE / name, made)
        npm_ci(made)
        try:
            os.rename(made, folder)
        except OSError:
            if not folder.is_dir():  # else another run was faster
                raise
        pathlib.Path(made).mkdir(exist_ok=True)  # what the with statement takes away
    return folder


# ---- the server


class OpenId:
    """Runs as long as the with statement."""

    def __init__(self, folder, **settings):
        self.process = subprocess.Popen(["node", "server.js", json.dumps(settings)], cwd=folder, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = self.process.stdout.readline().strip()
        assert self.url, f"the provider did not start (exit {self.process.wait(30)})"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()

    def call(self, path, data=None):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=data), timeout=30) as reply:
            return json.load(reply)

    def revoke(self):
        self.call("/_test/revoke", b"")

    def seen(self, grant):
        return self.call("/_test/seen").get(grant, 0)


# ---- the person


class FirstForm(html.parser.HTMLParser):
    """Where a page's first form goes, its fields, and whether it has some."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields, self.is_over = None, {}, False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = attrs["action"]
        elif tag == "input" and self.action is not None and not self.is_over:
            self.fields[attrs["name"]] = attrs.get("value") or ""

    def handle_endtag(self, tag):
        self.is_over = self.is_over or tag == "form" and self.action is not None


class Browser:
    """Fills in form after form until a page has none: `typed` says what goes into the empty fields."""

    def __init__(self):
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()),
                                                  urllib.request.ProxyHandler({}))

    def load(self, url, fields=None):
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        with self.opener.open(url, data, timeout=30) as reply:
            return reply.url, reply.read().decode()

    def go_through(self, link, typed, pages=10):
        """The text of the last page, and how many forms there were."""
        url, page = self.load(link)
        for count in range(pages):
            form = FirstForm(page)
            if form.action is None:
                return page, count
            fields = {name: value or typed[name] for name, value in form.fields.items()}
            if "confirm" in fields and "abort" in typed:
                fields["abort"] = typed["abort"]
                return self.load(urllib.parse.urljoin(url, form.action), fields)[1], count + 1
            url, page = self.load(urllib.parse.urljoin(url, form.action), fields)
        raise AssertionError(f"still forms after {pages} pages:\n{page}")
