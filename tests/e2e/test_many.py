# SPDX-License-Identifier: MIT
"""Many jobs over many workers. Ten thousand no-ops are the business of tests/pool."""
import collections
import os
import pathlib

from conftest import on_sqlite
from history import check_counters


@on_sqlite
def test_two_thousand_programs_over_64_workers_run_once_each(stoker):
    stoker.script("once.sh", 'echo "$1" >>ran\necho "$1"\n')
    stoker.yaml("once: {command: [./once.sh, '{n}'], params: {n: int}}", workers=64)
    lines = "".join(f'{{"n": {n}}}\n' for n in range(2000))
    assert stoker.run("submit", "once", "--file", "-", input=lines, json=True)["count"] == 2000
    stoker.drain(timeout=120)
    ran = collections.Counter((stoker.folder / "ran").read_text().split())
    assert len(ran) == 2000 and set(ran.values()) == {1}
    assert stoker.one("SELECT count(*) FROM jobs WHERE state = 'completed' AND result = params->>'n' AND attempt = 1") == 2000
    check_counters(stoker)
    stoker.nothing_lives()


def test_R_D3_F57_no_worker_starves_and_none_sees_a_locked_database(stoker):
    stoker.yaml("quick: {command: [/bin/sleep, '0.01'], params: {n: int}}", workers=16)
    stoker.run("sweep", "quick", "n=1:800")
    pool = stoker.drain(timeout=120)
    shares = [count for _, count in stoker.sql("SELECT worker, count(*) FROM jobs GROUP BY 1")]
    assert len(shares) == 16 and min(shares) >= 0.2 * sorted(shares)[8], shares
    assert "locked" not in pool.log() and stoker.one("SELECT count(*) FROM attempts WHERE outcome <> 'completed'") == 0


def test_R_E13_many_short_jobs_leave_no_zombie_and_no_descriptor(stoker):
    stoker.yaml("quick: {command: [/bin/true], params: {n: int}}", workers=4)
    pool = stoker.start_pool()
    stoker.run("sweep", "quick", "n=1:50")
    stoker.wait_counts(completed=50)
    before = len(os.listdir(f"/proc/{pool.pid}/fd"))
    stoker.run("sweep", "quick", "n=1:500")
    stoker.wait_counts(completed=550, timeout=60)
    assert len(os.listdir(f"/proc/{pool.pid}/fd")) <= before + 4
    assert not zombies_of(pool.pid)
    assert pool.stop() == 0


def zombies_of(pool):
    """Dead children of the pool and of its helpers that nobody has waited for."""
    parents, states = {}, {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        parents[int(path.parent.name)], states[int(path.parent.name)] = int(parent), state

    def is_of(pid):
        while pid in parents:
            if pid == pool:
                return True
            pid = parents[pid]
        return False

    return [pid for pid, state in states.items() if state == "Z" and is_of(pid)]
