# SPDX-License-Identifier: MIT
"""The real program in a folder of its own: run commands, start and kill pools, read the views."""
import contextlib
import decimal
import functools
import json as json_module
import os
import pathlib
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
import time

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("STOKER_BUILD", "build")
BINARY = BUILD / "stoker"
JOBS = ROOT / "tests" / "support" / "jobs"
sys.path.insert(0, str(ROOT / "tests" / "support"))

import postgres  # noqa: E402  (found by the line above)

# The whole suite runs on either engine: STOKER_TEST_ENGINE=pg makes each test a database of its own.
ENGINE = os.environ.get("STOKER_TEST_ENGINE", "sqlite")

# A shell's background job ignores Ctrl-C, and so would every program that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

# One worker process may be slow on a loaded machine: a deadline, not a wait.
DEADLINE = float(os.environ.get("STOKER_TEST_DEADLINE", "30"))


def eventually(fn, timeout=DEADLINE, what=None):
    """Waits until fn() is true and returns what it gave."""
    end = time.monotonic() + timeout
    while True:
        value = fn()
        if value:
            return value
        if time.monotonic() > end:
            said = what() if callable(what) else what or fn.__doc__ or fn.__name__
            raise AssertionError(f"not within {timeout} s: {said}: {value!r}")
        time.sleep(0.01)


def has_faults():
    return BINARY.exists() and b"no such point" in BINARY.read_bytes()


on_sqlite = pytest.mark.skipif(ENGINE != "sqlite", reason="about the file of a SQLite store")
on_postgres = pytest.mark.skipif(ENGINE != "pg", reason="about a shared store: STOKER_TEST_ENGINE=pg")
needs_faults = pytest.mark.skipif(not has_faults(), reason="needs a build with -Dfaults=true")


def clean_environment(**extra):
    env = {name: value for name, value in os.environ.items() if not name.startswith(("STOKER", "STK_"))}
    env.pop("NO_COLOR", None)
    return {**env, "LC_ALL": "C.UTF-8", **extra}


def marked_processes(folder, by_cwd=False):
    """Pids of a pool, its helpers, its jobs: their HOME is the test's folder. by_cwd: or they stand in it."""
    marker = f"HOME={folder}".encode()
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        pid = int(path.name)
        if pid == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if b"Z" == (path / "stat").read_bytes().rpartition(b") ")[2][:1]:
                continue
            if marker in (path / "environ").read_bytes().split(b"\0"):
                found.append(pid)
            elif by_cwd and "/".join(str(folder).split("/")[:4]) in os.readlink(path / "cwd"):
                found.append(pid)
    return found


def describe(pids):
    lines = []
    for pid in pids:
        with contextlib.suppress(OSError):
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            lines.append(f"{pid}: {words}")
    return lines


class Pool:
    """A `stoker up` of its own process group."""

    def __init__(self, stoker, args, env, stdout=None, within=()):
        self.stoker = stoker
        self.log_path = stoker.folder / f"up-{len(stoker.pools)}.log"
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*within, str(BINARY), "up", *map(str, args)], cwd=stoker.folder, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=stdout or log, stderr=log,
                env=clean_environment(HOME=str(stoker.folder), **{**stoker.env, **env}))

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_alive(self):
        return self.process.poll() is None

    def wait_ready(self, timeout=DEADLINE):
        def ready():
            """the pool answers"""
            if not self.is_alive():
                raise AssertionError(f"stoker up ended with {self.process.returncode}:\n{self.log()}")
            done = self.stoker.run("status", "--json", ok=False)
            pools = json_module.loads(done.stdout)["pools"] if done.returncode == 0 else []
            return [pool for pool in pools if pool["pid"] == self.pid]

        self.wait_owner()
        eventually(ready, timeout)
        return self

    def wait_owner(self):
        """Until it has the store, or has ended. A shared store has no owner."""
        if self.stoker.database:
            return self

        def owns():
            with contextlib.suppress(OSError, ValueError):
                return json_module.loads(pathlib.Path(f"{self.stoker.store}.lock").read_text())["pid"] == self.pid

        eventually(lambda: owns() or not self.is_alive(), what="the pool owns the store")
        return self

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=DEADLINE):
        """The exit status; negative when a signal ended it."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"stoker up did not end within {timeout} s:\n{self.log()[-4000:]}") from None

    def stop(self, timeout=DEADLINE):
        """SIGTERM, and again after a while: how a service manager stops it."""
        self.signal(signal.SIGTERM)
        return self.wait(timeout)

    def kill9(self, keeps_lease=False):
        """kill -9, and everything of it is gone within a second (R-E1, R-E2, INV-10)."""
        self.signal(signal.SIGKILL)
        assert self.wait() == -signal.SIGKILL
        self.stoker.nothing_lives()
        if not keeps_lease:
            self.end_leases()

    def end_leases(self):
        """A pool that is dead is taken for gone at once, not a lease later as test_postgres.py has it."""
        if not self.stoker.database:
            return
        earlier = "lease_until = lease_until - 3600 * 1000000000::bigint"
        run = functools.partial(self.stoker.server.execute, self.stoker.database)
        run(f"UPDATE stoker.session SET {earlier} WHERE keeper IN "
            "(SELECT format('p%%s on %%s', id, host) FROM stoker.pool WHERE pid = %s)", self.pid)
        run(f"UPDATE stoker.pool SET {earlier}, beat_at = beat_at - 3600 * 1000000000::bigint "
            "WHERE pid = %s AND stopped_at IS NULL", self.pid)


class Stoker:
    def __init__(self, folder):
        self.folder = folder
        self.store = folder / "stoker.db"
        self.pools = []
        self.others = []
        self.env = {}
        self.database = None
        (folder / "locks").mkdir()
        for job in JOBS.iterdir():
            shutil.copy(job, folder)

    # ---- set-up

    def write(self, name, text, executable=False):
        path = self.folder / name
        path.write_text(textwrap.dedent(text))
        if executable:
            path.chmod(0o755)
        return path

    def yaml(self, text, workers=4, name="stoker.yaml", lease="6s"):
        """The tasks of stoker.yaml, or the whole file when it has a line `tasks:`."""
        text = textwrap.dedent(text)
        if "tasks:" not in text:
            text = f"store: sqlite:stoker.db\nworkers: {workers}\ntasks:\n" + textwrap.indent(text, "  ")
        if self.database:
            text = text.rstrip() + f"\nlease: {lease}\n"
        store = re.search(r"^store: sqlite:(\S+)$", text, re.M)
        if store:
            self.store = self.folder / store.group(1)
        return self.write(name, text)

    def script(self, name, body):
        """A program for jobs: sh, or what its first line says."""
        text = textwrap.dedent(body).lstrip()
        return self.write(name, text if text.startswith("#!") else "#!/bin/sh\n" + text, True)

    def touch(self, name):
        (self.folder / name).touch()

    @property
    def logs(self):
        """The folder of the consoles."""
        return self.folder / "stoker.logs" if self.database else pathlib.Path(f"{self.store}.logs")

    # ---- commands

    def run(self, *args, ok=True, json=False, env=None, input=None, timeout=60, cwd=None):
        """Runs one command to its end. With json its answer, parsed."""
        words = [str(BINARY), *map(str, args)] + (["--json"] if json else [])
        done = subprocess.run(words, cwd=cwd or self.folder, input=input, capture_output=True, text=True,
                              timeout=timeout, env=clean_environment(**{**self.env, **(env or {})}), check=False)
        if ok:
            assert done.returncode == 0, f"{' '.join(words[1:])}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        return json_module.loads(done.stdout) if json else done

    def submit(self, *args, **kwargs):
        """Submits and gives the first id."""
        return self.run("submit", *args, json=True, **kwargs)["first_id"]

    def job(self, job):
        return self.run("job", job, json=True)

    def why(self, job):
        return self.run("why", job, json=True)["why"]

    def status(self):
        return self.run("status", json=True)

    def counts(self):
        """How many jobs are in which state, without those that are in none."""
        return {state: number for state, number in self.status()["jobs"].items() if number}

    def wait_state(self, job, *states, timeout=DEADLINE):
        def there():
            row = self.job(job)
            return row if row["state"] in states else None

        return eventually(there, timeout, f"job {job} is {' or '.join(states)}")

    def wait_counts(self, timeout=DEADLINE, **counts):
        eventually(lambda: self.counts() == counts, timeout, f"the counts are {counts}")

    # ---- pools

    def start_pool(self, *args, env=None, ready=True, stdout=None, within=()):
        pool = Pool(self, args, env or {}, stdout, within)
        self.pools.append(pool)
        return pool.wait_ready() if ready else pool

    def drain(self, *args, timeout=60, status=0):
        """up --drain to its end."""
        pool = self.start_pool("--drain", *args, ready=False)
        assert pool.wait(timeout) == status, pool.log()
        return pool

    def spawn(self, *args, **kwargs):
        """A command that goes on until the test ends."""
        process = subprocess.Popen([str(BINARY), *map(str, args)], cwd=self.folder,
                                   env=clean_environment(**self.env), **kwargs)
        self.others.append(process)
        return process

    def nothing_lives(self, timeout=1, by_cwd=False):
        """No process of a pool or a job is left."""
        left = []

        def gone():
            left[:] = marked_processes(self.folder, by_cwd)
            return not left

        try:
            eventually(gone, timeout)
        except AssertionError:
            raise AssertionError(f"still alive after {timeout} s: {describe(left)}") from None

    def clean_up(self):
        for process in self.others:
            process.kill()
            process.wait()
        for pool in self.pools:
            if pool.is_alive():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pool.pid, signal.SIGKILL)
                pool.process.wait()
        try:
            self.nothing_lives(timeout=5, by_cwd=True)
        finally:
            for pid in marked_processes(self.folder, by_cwd=True):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    # ---- SQL

    def sql(self, query, *values):
        """Rows of the documented views, by another program, read-only."""
        if self.database:
            return self.server.query(self.database, query, values)
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=10)) as db:
            return db.execute(query, values).fetchall()

    def one(self, query, *values):
        rows = self.sql(query, *values)
        assert len(rows) == 1, rows
        return rows[0][0] if len(rows[0]) == 1 else rows[0]

    def columns(self, view):
        if self.database:
            return [name for name, in self.sql(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'stoker' AND table_name = ? "
                "ORDER BY ordinal_position", view)]
        return [row[1] for row in self.sql(f"PRAGMA table_info({view})")]

    @property
    def me(self):
        return pwd.getpwuid(os.getuid()).pw_name


class Databases(postgres.Server):
    """The server of a whole run."""

    made = 0

    def begin(self, database):
        """A session of its own inside a transaction, which the end of the block rolls back."""
        import psycopg2

        connection = psycopg2.connect(host=str(self.folder), port=self.port, user="stoker", dbname=database,
                                      options="-c search_path=stoker,public")
        return contextlib.closing(connection)

    @contextlib.contextmanager
    def connect(self, database):
        with self.begin(database) as connection:
            connection.autocommit = True
            yield connection

    def execute(self, database, statement, *values):
        with self.connect(database) as db, db.cursor() as cursor:
            cursor.execute(statement, values or None)

    def query(self, database, query, values):
        import psycopg2.extensions

        as_text = psycopg2.extensions.new_type((114, 3802), "JSON_TEXT", lambda value, _cursor: value)
        with self.connect(database) as db:
            psycopg2.extensions.register_type(as_text, db)
            with db.cursor() as cursor:
                cursor.execute(query.replace("%", "%%").replace("?", "%s"), values)
                from_json = ["->>" in query and column.type_code == 25 for column in cursor.description]
                return [tuple(map(self.as_sqlite, row, from_json)) for row in cursor.fetchall()]

    def create(self, database):
        """One that has SQLite's julianday, from a template: a program for each statement would be slow."""
        if not self.made:
            self.execute("postgres", "CREATE DATABASE tested TEMPLATE template0")
            self.execute("tested", "CREATE FUNCTION public.julianday(at text) RETURNS double precision LANGUAGE sql "
                         "AS 'SELECT (extract(epoch FROM at::timestamptz) / 86400)::double precision'")
        self.made += 1
        self.execute("postgres", f"CREATE DATABASE {database} TEMPLATE tested")

    def drop(self, database):
        self.execute("postgres", f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")

    @staticmethod
    def as_sqlite(value, from_json):
        """What SQLite gives: 0 and 1 for booleans, numbers for numbers in JSON."""
        if isinstance(value, bool):
            return int(value)
        if isinstance(value, decimal.Decimal):
            return int(value) if value == value.to_integral_value() else float(value)
        if from_json and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d+)?", value):
            return json_module.loads(value)
        return value


@pytest.fixture(scope="session")
def databases():
    """The PostgreSQL server, started when the first test wants one. A test may move its clock."""
    server = Databases().init()
    server.moved = server.folder / "moved"
    server.moved.write_text("0")
    with pytest.MonkeyPatch.context() as env:
        env.setenv("LD_PRELOAD", str(BUILD / "tests/moved_clock.so"))
        env.setenv("MOVED_CLOCK", str(server.moved))
        server.start()
    yield server
    server.remove()


@pytest.fixture(scope="module")
def server():
    """A server of the module's own, whatever engine the suite runs on: it may stop and break it."""
    made = Databases().init().start()
    yield made
    made.remove()


def give_database(stoker, server):
    """The test's store is a fresh database of that server."""
    stoker.server = server
    stoker.database = f"t{server.made}"
    server.create(stoker.database)
    stoker.env["STOKER_STORE"] = server.url(stoker.database)


@contextlib.contextmanager
def stoker_in(folder, server=None):
    stoker = Stoker(folder)
    try:
        if server:
            give_database(stoker, server)
        yield stoker
    finally:
        stoker.clean_up()
        if stoker.database:
            stoker.server.drop(stoker.database)  # where it is by now: a standby may have taken over


@pytest.fixture
def short_folder():
    """Names of Unix sockets are limited to 107 bytes."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stk-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def stoker(short_folder, request):
    assert BINARY.exists(), f"no {BINARY}: build it first, or name the build folder in STOKER_BUILD"
    server = request.getfixturevalue("databases") if ENGINE == "pg" else None
    with stoker_in(short_folder, server) as made:
        yield made
