# SPDX-License-Identifier: MIT
"""A PostgreSQL server of the benchmark's own: durable, on the disk that is measured."""
import os
import pathlib
import pwd
import shutil
import subprocess
import sys
import tempfile

SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "300",
    "listen_addresses": "''",
    "log_min_messages": "warning",
}
# What two pools must not do to each other; see pg-pools.
QUARRELS = ("deadlock detected", "could not serialize")


def programs():
    """The folder of the newest server installed here; None without one."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return found[-1].parent if found else None


class Server:
    """Started when made, gone with all its data at stop. Reached over its Unix socket only."""

    def __init__(self, parent):
        self.bin = programs()
        if self.bin is None:
            sys.exit("no PostgreSQL server under /usr/lib/postgresql: apt-get install postgresql")
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="stoker-bench-pg-", dir=parent))
        self.dir.chmod(0o755)
        # PostgreSQL refuses to run as root, so root steps down.
        self.user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
        self.made = 0
        if os.getuid() == 0:
            shutil.chown(self.dir, self.user)
        self.call("initdb", "-D", self.dir / "data", "-A", "trust", "-U", "stoker", "--no-instructions")
        with open(self.dir / "data" / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
            conf.write(f"unix_socket_directories = '{self.dir}'\n")
        self.call("pg_ctl", "-D", self.dir / "data", "-l", self.log, "-s", "-w", "start")

    @property
    def log(self):
        return self.dir / "log"

    def call(self, program, *words):
        user = self.user if os.getuid() == 0 else None
        done = subprocess.run([str(self.bin / program), *map(str, words)], cwd=self.dir, user=user,
                              extra_groups=[] if user else None, stdout=subprocess.DEVNULL)
        if done.returncode != 0:
            sys.exit(f"{program}: status {done.returncode}; see {self.log}")

    def psql(self, database, sql):
        done = subprocess.run([str(self.bin / "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", str(self.dir),
                               "-U", "stoker", "-d", database, "-c", sql], capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"psql: {done.stderr}")
        return done.stdout.strip()

    def database(self):
        """The URL of a fresh database."""
        self.made += 1
        name = f"bench{self.made}"
        self.psql("postgres", f"CREATE DATABASE {name}")
        return f"postgresql://stoker@/{name}?host={self.dir}"

    def drop(self, url):
        name = url.split("/")[3].split("?")[0]
        self.psql("postgres", f"DROP DATABASE {name} WITH (FORCE)")
        self.psql("postgres", "CHECKPOINT")  # of what is gone, not within the next run

    def quarrels(self):
        text = self.log.read_text(encoding="utf-8", errors="replace")
        return sum(text.count(words) for words in QUARRELS)

    def stop(self):
        self.call("pg_ctl", "-D", self.dir / "data", "-m", "immediate", "-s", "stop")
        shutil.rmtree(self.dir)
