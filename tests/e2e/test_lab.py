# SPDX-License-Identifier: MIT
"""The walk through examples/lab, as docs/lab.md has it, with somebody who presses the button on the page."""
import re
import shutil
import subprocess
import threading
import time
import urllib.request

import pytest

from conftest import BUILD, ROOT, clean_environment, eventually
from test_docs import blocks, run_script

PAGE = ROOT / "docs/lab.md"


def free_port_of(lab):
    """The laboratory's address, once it says so."""
    return re.search(r"http://127\.0\.0\.1:(\d+)", lab.stdout.readline()).group(1)


class Person(threading.Thread):
    """Looks at the session now and then, opens the link, presses the button."""

    def __init__(self, stoker):
        super().__init__(daemon=True)
        self.stoker, self.pressed, self.over = stoker, set(), threading.Event()

    def run(self):
        while not self.over.is_set():
            for row in self.stoker.status()["sessions"]:
                if row["link"] and row["link"] not in self.pressed:
                    self.press(row["link"])
            self.over.wait(0.1)

    def press(self, link):
        page = urllib.request.urlopen(link, timeout=10).read().decode()
        action = re.search(r'<form method="post" action="([^"]+)"', page).group(1)
        base = re.match(r"https?://[^/]+", link).group(0)
        urllib.request.urlopen(urllib.request.Request(base + action, data=b"", method="POST"), timeout=10)
        self.pressed.add(link)


@pytest.fixture
def lab(stoker):
    for name in ("lab.py", "stoker.yaml"):
        shutil.copy(ROOT / "examples/lab" / name, stoker.folder)
    process = subprocess.Popen(["/usr/bin/python3", "lab.py", "--port", "0", "--lifetime", "4", "--seconds", "0.4", "--per-minute", "600"],
                               cwd=stoker.folder, stdout=subprocess.PIPE, text=True, env=clean_environment(HOME=str(stoker.folder)))
    try:
        port = free_port_of(process)
        config = stoker.folder / "stoker.yaml"
        config.write_text(config.read_text().replace("8765", port).replace("60/min", "600/min").replace("every: 1s", "every: 100ms"))
        stoker.store = stoker.folder / "lab.db"
        stoker.port = port
        yield stoker
    finally:
        process.kill()
        process.wait()


def test_the_walk_through_the_laboratory(lab):
    parts = blocks(PAGE)
    assert [part.split()[0] for part in parts] == ["cd", "stoker", "stoker", "stoker", "stoker"]
    pool = lab.start_pool()
    person = Person(lab)
    person.start()
    lines = [line for part in parts[2:] for line in part.strip().splitlines()]
    for line in lines:
        if line.startswith("stoker results"):
            eventually(lambda: renew_when_needed(lab) or lab.counts().get("completed") == 30, timeout=120)
        if line.startswith("stoker session renew"):
            eventually(lambda: not lab.status()["sessions"][0]["open"] or lab.counts().get("completed") == 30, timeout=60)
        run_script(line + (" || true" if "session status" in line else ""), lab.folder, BUILD, **lab.env)
    person.over.set()
    person.join()
    page = urllib.request.urlopen(f"http://127.0.0.1:{lab.port}/", timeout=10).read().decode()
    assert re.search(r"<td>submits</td><td>30</td>", page), "as many simulations as jobs"
    assert lab.sql("SELECT DISTINCT attempt, state FROM jobs") == [(1, "completed")]
    assert pool.stop() == 0


def renew_when_needed(lab):
    if lab.status()["sessions"][0]["needs_person"]:
        lab.run("session", "renew", "lab", ok=False)
    time.sleep(0.2)
    return False
