# SPDX-License-Identifier: MIT
"""Pools on three machines, and a network that loses packets: nobody is told, nothing is reset.

The machines are network namespaces (support/network.py), the database is on a fourth. Locks and histories of the jobs
are files, which all see: so what two machines do at a time is seen, too (support/jobs/work.sh, history.py).
"""
import contextlib
import json
import subprocess
import time

import pytest

from conftest import BINARY, Databases, clean_environment, eventually, postgres, stoker_in
from history import begun, check_executions, check_history, read_history

import network  # of tests/support, as conftest has it on the path

WORK = """\
workers: 4
lease: {lease}s
limits:
  api: {{rate: 1000/s, burst: 100}}
tasks:
  work:
    command: [./work.sh, "{{n}}", "{{until}}"]
    params: {{n: int, until: {{type: text, default: ""}}}}
  limited:
    command: [./work.sh, "{{n}}"]
    params: {{n: int}}
    limits: [api]
"""
LEASE = 6
GRACE = LEASE / 6
SEEK = LEASE / 3 * 1.2          # how often a pool looks for others that are gone, at the most
SLACK = 8                       # of a machine that has other things to do


@pytest.fixture(scope="module")
def net():
    lacks = network.why_not() if postgres.find_programs() else "needs Debian's postgresql"
    if lacks:
        pytest.skip(lacks)
    with network.Network() as made:
        yield made


@pytest.fixture(scope="module")
def server(net):
    place = net.machine()
    made = Databases(listen=place.address)
    made.place = place
    made.step_down = [*place.within, *made.step_down]
    try:
        yield made.init().start()
    finally:
        made.remove()


@pytest.fixture(scope="module")
def machines(net, server):  # pylint: disable=unused-argument
    return [net.machine() for _ in range(3)]


class Fleet:
    """A store on the database's machine, and its pools on the others. The test itself comes by the Unix socket."""

    def __init__(self, stoker, server, machines):
        self.stoker, self.server, self.machines = stoker, server, machines
        self.env = {"STOKER_STORE": server.url(stoker.database, host=server.place.address)}

    def start(self, machine, *words):
        return self.stoker.start_pool(*words, env=self.env, within=machine.within)

    def be_hasty(self):
        """To find out early that nobody answers: the standard is 15 seconds, and 5 of a new connection."""
        self.env["STOKER_STORE"] += "?tcp_user_timeout=3000&connect_timeout=2"

    def run_on(self, machine, *words, **more):
        env = clean_environment(HOME=str(self.stoker.folder), **{**self.env, **more})
        done = subprocess.run([*machine.within, str(BINARY), *words], cwd=self.stoker.folder, capture_output=True,
                              text=True, timeout=60, env=env, check=False)
        assert done.returncode == 0, done.stderr
        return done

    def lives(self, pool):
        """The ids that it has had, and whether each has ended."""
        return self.stoker.sql("SELECT id, ended FROM pools WHERE pid = ? ORDER BY id", pool.pid)

    def running_on(self, pool):
        ids = tuple(f"p{number}" for number, _ in self.lives(pool))
        rows = self.stoker.sql("SELECT id, worker FROM jobs WHERE state = 'running'")
        return {job for job, worker in rows if worker.split("/")[0] in ids}

    def hold(self, count, file):
        """As many jobs as that, each with a worker until the file is there."""
        line = json.dumps({"n": 0, "until": file}) + "\n"
        first = self.stoker.submit("work", "--file", "-", input=line * count)
        return set(range(first, first + count))


@pytest.fixture
def fleet(short_folder, net, server, machines):
    net.heal()
    with stoker_in(short_folder, server) as stoker:
        stoker.write("stoker.yaml", WORK.format(lease=LEASE))
        try:
            yield Fleet(stoker, server, machines)
        finally:
            net.heal()


def up():
    """Seconds since the machine started, as the jobs write them down."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def test_jobs_of_a_machine_that_is_cut_off_are_taken_over_and_it_comes_back_by_itself(fleet):
    stoker, apart = fleet.stoker, fleet.machines[0]
    fleet.be_hasty()
    lonely = fleet.start(apart)
    jobs = fleet.hold(4, "go")
    eventually(lambda: fleet.running_on(lonely) == jobs and len(begun(stoker.folder)) == 4)
    others = [fleet.start(machine) for machine in fleet.machines[1:]]

    apart.cut()
    cut_at = up()
    eventually(lambda: len(begun(stoker.folder)) == 8, timeout=LEASE + GRACE + SEEK + SLACK)
    check_executions(stoker.folder)  # who came second found the lock free
    assert max(line.up for line in begun(stoker.folder)) - cut_at < LEASE + GRACE + SEEK + SLACK
    eventually(lambda: fleet.running_on(others[0]) | fleet.running_on(others[1]) == jobs)

    apart.heal()
    eventually(lambda: [ended for _, ended in fleet.lives(lonely)] == ["lost", None])
    assert ": its attempts are killed, what they were doing is given to others" in lonely.log()
    more = fleet.hold(8, "go")
    eventually(lambda: stoker.counts() == {"running": 12})
    assert fleet.running_on(lonely) <= more and len(fleet.running_on(lonely)) == 4
    stoker.touch("go")
    stoker.wait_counts(completed=12)
    check_history(stoker, {job: 0 for job in jobs | more})
    assert stoker.one("SELECT sum(interruptions) FROM jobs") == 4
    assert stoker.one("SELECT count(*) FROM events WHERE kind = 'pool.lost'") == 1


def test_a_cut_that_is_shorter_than_the_lease_costs_nothing(fleet):
    stoker, apart, lease = fleet.stoker, fleet.machines[0], 15
    stoker.write("stoker.yaml", WORK.format(lease=lease))
    pools = [fleet.start(machine) for machine in fleet.machines]
    jobs = fleet.hold(12, "go")
    eventually(lambda: len(begun(stoker.folder)) == 12)
    mine = fleet.running_on(pools[0])
    apart.cut()
    stoker.touch("go")  # they end while their pool can tell nobody
    silent = ("SELECT extract(epoch FROM clock_timestamp() - beat_at::timestamptz) > ? FROM pools WHERE pid = ?",
              lease / 3 + 0.3, pools[0].pid)
    eventually(lambda: stoker.one(*silent))
    assert fleet.running_on(pools[0]) == mine and len(mine) == 4
    apart.heal()
    stoker.wait_counts(completed=12)
    check_history(stoker, {job: 0 for job in jobs})
    assert len(begun(stoker.folder)) == 12
    assert [len(fleet.lives(pool)) for pool in pools] == [1, 1, 1]
    assert all(pool.is_alive() for pool in pools)


def test_cuts_under_many_short_jobs_lose_none_and_run_none_twice_at_a_time(fleet):
    stoker = fleet.stoker
    fleet.be_hasty()
    pools = [fleet.start(machine, "--workers", workers)
             for machine, workers in zip(fleet.machines, (20, 4, 4))]
    acked = {}

    def feed(count):
        job = stoker.run("submit", "work", "n=5", json=True)["first_id"]
        acked[job] = 5
        first = len(acked)
        stoker.run("sweep", "work", f"n={first}:{first + count}")

    def lives(number):
        return [ended for _, ended in fleet.lives(pools[number])]

    for number, vanish in enumerate(("cut", "hear_nothing")):
        feed(400)
        eventually(lambda number=number: fleet.running_on(pools[number]))
        getattr(fleet.machines[number], vanish)()
        eventually(lambda number=number: lives(number) == ["lost"])
        feed(100)
        fleet.machines[number].heal()
        eventually(lambda number=number: lives(number) == ["lost", None])
    eventually(lambda: set(stoker.counts()) == {"completed"})
    assert sum(stoker.counts().values()) == 2 * (400 + 100 + 2 + 2)
    assert stoker.one("SELECT sum(interruptions) FROM jobs") > 0
    assert all(pool.is_alive() for pool in pools)
    check_history(stoker, acked)


def connections(fleet, machine, what):
    return fleet.server.sql("postgres", "SELECT client_port FROM pg_stat_activity WHERE datname = "
                            f"'{fleet.stoker.database}' AND client_addr = '{machine.address}' AND {what}")


@contextlib.contextmanager
def holding(fleet, table):
    """All rows of it, while its block lasts."""
    with fleet.server.begin(fleet.stoker.database) as db, db.cursor() as cursor:
        cursor.execute(f"SELECT FROM stoker.{table} FOR UPDATE")
        yield


@pytest.mark.parametrize("table", ["pool", "limiter"])
def test_a_machine_that_is_cut_off_inside_a_transaction_holds_nobody_up(fleet, table):
    """Its locks stay with the server, which goes on waiting for it: only its own patience ends that."""
    stoker, apart = fleet.stoker, fleet.machines[0]
    lonely = fleet.start(apart)
    warm = stoker.submit("limited", "n=2")  # from now on the limit has a row
    stoker.wait_state(warm, "completed")
    with holding(fleet, table):
        first = stoker.submit("limited", "n=0")
        eventually(lambda: connections(fleet, apart, "wait_event_type = 'Lock'"))
        apart.cut()
    eventually(lambda: connections(fleet, apart, "state = 'idle in transaction'"))
    other = fleet.start(fleet.machines[1])
    second = stoker.submit("limited", "n=1")
    stoker.wait_state(second, "completed", timeout=LEASE / 4 + SLACK)
    eventually(lambda: [ended for _, ended in fleet.lives(lonely)] == ["lost"], timeout=LEASE + GRACE + SEEK + SLACK)
    stoker.wait_state(first, "completed")
    assert [ended for _, ended in fleet.lives(other)] == [None]
    check_history(stoker, {first: 0, second: 1, warm: 2})


def waits(fleet, machine, count):
    """Seconds from each job's submit until it began."""
    found = []
    for _ in range(count):
        before = len(begun(fleet.stoker.folder))
        fleet.run_on(machine, "submit", "work", "n=1")
        submitted = up()
        eventually(lambda before=before: len(begun(fleet.stoker.folder)) > before)
        found.append(max(0.0, read_history(fleet.stoker.folder)[-1].up - submitted))
        eventually(lambda: set(fleet.stoker.counts()) == {"completed"})
    return found


def test_a_job_submitted_on_another_machine_starts_without_a_poll(fleet):
    fleet.start(fleet.machines[0])
    took = waits(fleet, fleet.machines[1], 5)
    assert sorted(took)[3] < 1, f"a poll comes every five seconds, these took {took}"


def listeners(fleet, machine):
    """Ports of the connections that wait for hints there."""
    return {int(port) for port, in connections(fleet, machine, "application_name = 'stoker listener'")}


def test_a_job_starts_with_the_next_poll_when_no_hint_comes_through(fleet):
    deaf, other = fleet.machines[:2]
    fleet.start(deaf)
    waits(fleet, other, 1)  # it hears
    port, = listeners(fleet, deaf)
    deaf.hear_nothing(port)
    fleet.server.place.hear_nothing(port)
    assert max(waits(fleet, other, 1)) < 6 + SLACK  # a poll comes every five seconds, or six
    eventually(lambda: listeners(fleet, deaf) - {port})
    took = waits(fleet, other, 5)
    assert sorted(took)[3] < 1, f"it hears again, but these took {took}"


def test_of_several_hosts_one_that_swallows_packets_is_passed_over(fleet):
    here, gone = fleet.machines[:2]
    gone.cut()
    address, port = fleet.server.place.address, fleet.server.port
    hosts = f"postgresql://stoker@{gone.address}:{port},{address}:{port}/{fleet.stoker.database}"
    fleet.run_on(here, "submit", "work", "n=1", STOKER_STORE=hosts)
    assert fleet.stoker.counts() == {"pending": 1}
