# SPDX-License-Identifier: MIT
"""A PostgreSQL server of the tests' own: in a temporary folder, on a Unix socket and a port of the loopback.

PostgreSQL refuses to run as root, so root steps down to `nobody`.
"""
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

STANDARD = {
    "fsync": "off",
    "max_connections": "300",
    "shared_buffers": "64MB",
    "log_min_messages": "warning",
    "deadlock_timeout": "200ms",
    "wal_level": "replica",
    "max_wal_senders": "4",
    "autovacuum_naptime": "5s",
}


def find_programs():
    """The folder of the newest server's programs, or None."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"),
                   key=lambda path: float(path.parts[-3]))
    return found[-1].parent if found else None


def free_port():
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One cluster. Databases are made by name; nobody but this machine may connect, and everybody of it."""

    def __init__(self, listen="127.0.0.1", **settings):
        self.programs = find_programs()
        assert self.programs, "no PostgreSQL server under /usr/lib/postgresql"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="stkpg-", dir="/tmp"))
        self.data = self.folder / "data"
        self.port = free_port()
        self.listen = listen
        self.settings = {**STANDARD, **settings}
        self.step_down = []
        if os.getuid() == 0:
            shutil.chown(self.folder, "nobody")
            self.step_down = ["setpriv", "--reuid=nobody", "--clear-groups", "--"]

    def program(self, name, *words, check=True, **kwargs):
        done = subprocess.run([*self.step_down, str(self.programs / name), *map(str, words)],
                              capture_output=True, text=True, cwd=self.folder, check=False,
                              stdin=subprocess.DEVNULL, **kwargs)
        if check:
            assert done.returncode == 0, f"{name} {words}: {done.stdout}{done.stderr}{self.log()[-2000:]}"
        return done

    def init(self):
        self.program("initdb", "-D", self.data, "-A", "trust", "-U", "stoker", "-N", "--no-instructions",
                     "-E", "UTF8", "--locale=C.UTF-8")
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n")
        return self

    def start(self):
        words = [f"-c {name}={value}" for name, value in self.settings.items()]
        words += [f"-k {self.folder}", f"-p {self.port}", f"-c listen_addresses={self.listen}"]
        # Its own files: a server that inherits our pipes would keep them open.
        with (self.folder / "start.log").open("w") as log:
            done = subprocess.run([*self.step_down, str(self.programs / "pg_ctl"), "-D", str(self.data), "-w",
                                   "-l", str(self.folder / "log"), "-s", "-o", " ".join(words), "start"],
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, check=False)
        assert done.returncode == 0, self.log()[-3000:]
        return self

    def stop(self, mode="fast"):
        self.program("pg_ctl", "-D", self.data, "-m", mode, "-s", "-w", "stop", check=False)

    def standby(self):
        """A new server that streams from this one."""
        other = type(self)(self.listen, **self.settings)
        other.program("pg_basebackup", "-D", other.data, "-h", self.folder, "-p", self.port, "-U", "stoker", "-R",
                      "-c", "fast")
        return other.start()

    def promote(self):
        self.program("pg_ctl", "-D", self.data, "-w", "promote")

    def remove(self):
        if self.data.exists():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        with contextlib.suppress(OSError):
            return (self.folder / "log").read_text(errors="replace")
        return ""

    def url(self, database, host=None):
        where = f"{host}:{self.port}" if host else ""
        more = "" if host else f"?host={self.folder}&port={self.port}"
        return f"postgresql://stoker@{where}/{database}{more}"

    def sql(self, database, text):
        """Rows of one statement, as lists of texts."""
        done = self.program("psql", "-X", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-p", self.port, "-U", "stoker",
                            "-At", "-F", "\x1f", "-d", database, "-c", text)
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def create(self, database):
        self.sql("postgres", f'CREATE DATABASE "{database}" TEMPLATE template0')

    def drop(self, database):
        self.sql("postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


if __name__ == "__main__":  # run a command beside a fresh server: postgres.py COMMAND...
    import sys

    server = Server().init().start()
    try:
        server.create("stoker")
        sys.exit(subprocess.run(sys.argv[1:], env={**os.environ, "STK_TEST_STORE": server.url("stoker")},
                                check=False).returncode)
    finally:
        server.remove()
