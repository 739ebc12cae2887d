# SPDX-License-Identifier: MIT
"""R-D11: the disk of the store is full. Nothing acknowledged is lost, and it goes on by itself."""
import json
import os
import signal
import subprocess

import pytest

from conftest import eventually, on_sqlite
from history import begun, ended

pytestmark = on_sqlite

BUSY = """\
store: sqlite:disk/stoker.db
logs: logs
workers: 4
tasks:
  work:
    command: [./work.sh, "{n}", "{until}"]
    params: {n: int, until: {type: text, default: ""}, pad: {type: text, default: ""}}
"""


@pytest.fixture
def disk(stoker):
    """A disk of 4 MiB at ./disk."""
    if os.getuid() != 0:
        pytest.skip("needs root to mount a small disk")
    folder = stoker.folder / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"could not mount a small disk: {done.stderr.strip()}")
    yield folder
    stoker.clean_up()
    subprocess.run(["umount", "-l", str(folder)], check=False)


def fill(disk):
    """Takes the last block."""
    with (disk / "ballast").open("ab", buffering=0) as file:
        for size in (65536, 4096, 512, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue


def pad(n):
    return f"pad={'p' * 3900}{n}"


def submit_until_full(stoker, acked):
    for n in range(1000, 9000):
        done = stoker.run("submit", "work", f"n={n}", pad(n), "--json", ok=False)
        if done.returncode != 0:
            return done
        acked[json.loads(done.stdout)["first_id"]] = n
    raise AssertionError("the disk did not fill")


def test_R_D11_a_full_disk_pauses_the_pool_with_a_reason_and_it_recovers_by_itself(stoker, disk):
    stoker.yaml(BUSY)
    pool = stoker.start_pool()
    acked = {stoker.submit("work", f"n={n}", "until=go"): n for n in range(4)}
    eventually(lambda: len(begun(stoker.folder)) == 4)
    fill(disk)

    refused = submit_until_full(stoker, acked)
    assert refused.returncode == 74, refused
    assert "full" in refused.stderr.lower() or "no room" in refused.stderr.lower()
    stoker.touch("go")  # outcomes come, and cannot be stored

    def paused():
        status = stoker.status()
        return status["pools"][0]["state"] == "paused" and status

    status = eventually(paused)
    assert status["pools"][0]["reason"] and any("paused itself" in text for text in status["problems"])
    assert stoker.run("submit", "work", "n=1", pad(1), ok=False).returncode == 74
    waiting = stoker.run("jobs", "--state", "pending", json=True)["jobs"]
    if waiting:
        assert "paused itself" in stoker.why(waiting[0]["id"])
    assert pool.is_alive()

    (disk / "ballast").unlink()
    eventually(lambda: stoker.status()["pools"][0]["state"] == "running", 60)
    eventually(lambda: not {"pending", "running"} & stoker.counts().keys(), 120)
    check(stoker, acked)
    kinds = [event["kind"] for event in stoker.run("events", "--limit", 1000, json=True)["events"]]
    assert kinds.count("pool.paused") == kinds.count("pool.resumed") == 1
    assert pool.stop() == 0


def test_a_pool_on_a_full_disk_can_be_stopped_and_its_jobs_are_given_back(stoker, disk):
    stoker.yaml(BUSY)
    pool = stoker.start_pool()
    acked = {stoker.submit("work", f"n={n}", "until=go"): n for n in range(4)}
    eventually(lambda: len(begun(stoker.folder)) == 4)
    fill(disk)
    submit_until_full(stoker, acked)
    stoker.touch("go")
    eventually(lambda: stoker.status()["pools"][0]["state"] == "paused")
    pool.signal(signal.SIGTERM)
    eventually(lambda: stoker.status()["pools"][0]["state"] == "stopping")
    pool.signal(signal.SIGTERM)
    pool.wait(20)
    stoker.nothing_lives()
    (disk / "ballast").unlink()
    stoker.drain(timeout=120)
    check(stoker, acked)


def test_without_a_pool_a_submit_on_a_full_disk_is_refused(stoker, disk):
    stoker.yaml(BUSY)
    acked = {}
    acked[stoker.submit("work", "n=1")] = 1
    fill(disk)
    refused = submit_until_full(stoker, acked)
    assert refused.returncode == 74, refused
    (disk / "ballast").unlink()
    stoker.drain(timeout=120)
    check(stoker, acked)


def check(stoker, acked):
    rows = {job: (state, n, result) for job, state, n, result in
            stoker.sql("SELECT id, state, params->>'n', result FROM jobs")}
    outcomes = dict(stoker.sql("SELECT job_id, count(*) FROM attempts WHERE outcome = 'completed' GROUP BY 1"))
    for job, n in acked.items():
        assert rows[job] == ("completed", n, str(n)), (job, n, rows.get(job))
        assert outcomes[job] == 1
    assert {line.job for line in ended(stoker.folder)} == rows.keys()
    findings = json.loads(stoker.run("doctor", "--deep", "--json", ok=False).stdout)["findings"]
    bad = [finding["text"] for finding in findings if finding["level"] == "bad"]
    assert findings and all("room are left on its disk" in text for text in bad), bad
