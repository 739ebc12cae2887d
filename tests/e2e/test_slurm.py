# SPDX-License-Identifier: MIT
"""A real Slurm of one node runs examples/fleet/pool.slurm: what it does to pools and their jobs."""
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile

import pytest
from conftest import BINARY, ROOT, clean_environment, eventually, on_postgres

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch")
CONF = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
pytestmark = [on_postgres,
              pytest.mark.skipif(os.getuid() != 0, reason="slurmd starts jobs as other users: needs root"),
              pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason="no slurmd, slurmctld, munge here")]


def free_ports(count):
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(contextlib.closing(socket.socket())) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


class Slurm:
    def __init__(self, folder):
        self.folder = folder
        self.env = {"SLURM_CONF": str(folder / "slurm.conf")}
        self.servers = []

    def start(self):
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        host = socket.gethostname().split(".")[0]
        (self.folder / "slurm.conf").write_text(CONF.format(host=host, folder=self.folder, ports=free_ports(2),
                                                            cpus=os.cpu_count()))
        (self.folder / "cgroup.conf").write_text("CgroupPlugin=autodetect\nIgnoreSystemd=yes\n")
        place = [f"--{what}={self.folder}/munge.{end}" for what, end in (
            ("key-file", "key"), ("socket", "sock"), ("pid-file", "pid"), ("log-file", "log"), ("seed-file", "seed"))]
        self.serve("munged", "--foreground", *place, "--force")
        self.serve("slurmctld", "-D")
        self.serve("slurmd", "-D", "-N", host)

    def serve(self, name, *words):
        with (self.folder / f"{name}.out").open("wb") as out:
            self.servers.append(subprocess.Popen([name, *words], env=clean_environment(**self.env), stdout=out, stderr=out,
                                                 stdin=subprocess.DEVNULL, start_new_session=True))

    def run(self, *words, cwd=None, check=True, **env):
        return subprocess.run(list(map(str, words)), cwd=cwd, env=clean_environment(**self.env, **env), check=check,
                              capture_output=True, text=True, timeout=60).stdout

    def is_idle(self):
        return "idle" in self.run("sinfo", "-h", "-o", "%T", check=False)

    def runs_nothing(self):
        return self.run("squeue", "-h", "-r") == ""

    def stop(self):
        for server in reversed(self.servers):
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()


@pytest.fixture(scope="module")
def slurm():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stkslurm-", dir="/tmp"))
    made = Slurm(folder)
    try:
        made.start()
        try:
            eventually(made.is_idle, 30)
        except AssertionError:
            pytest.skip(f"slurmd does not run on this host: {(folder / 'slurmd.out').read_text()[-300:]}")
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def fleet(slurm, stoker):
    """Pools of one worker each, as many as are asked for; their jobs run until the file `go` is there."""
    stoker.yaml("t: {command: [./t], params: {n: int}}")
    stoker.script("t", "until [ -e go ]; do sleep 0.05; done")
    script = (ROOT / "examples/fleet/pool.slurm").read_text()
    (stoker.folder / "pool.slurm").write_text(script.replace("--idle-exit 10m", "--idle-exit 3s"))

    def submit(pools):
        path = f"{BINARY.resolve().parent}:{os.environ['PATH']}"
        said = slurm.run("sbatch", f"--array=1-{pools}", "--cpus-per-task=1", "--time=10", "pool.slurm", cwd=stoker.folder,
                         **stoker.env, HOME=str(stoker.folder), PATH=path)
        return re.search(r"job (\d+)", said)[1]

    yield submit
    slurm.run("scancel", "--user=root", "--signal=KILL", "--full", check=False)
    slurm.run("scancel", "--user=root", check=False)
    eventually(slurm.runs_nothing)


def output(stoker):
    return "".join(path.read_text() for path in stoker.folder.glob("stoker-*.out"))


def test_pools_of_an_array_share_the_work_and_leave_when_there_is_none(slurm, fleet, stoker):
    stoker.run("sweep", "t", "n=1:6:1")
    fleet(2)
    stoker.wait_counts(running=2, pending=4)
    stoker.touch("go")
    stoker.wait_counts(completed=6)
    eventually(slurm.runs_nothing, what=lambda: output(stoker))
    assert output(stoker).count("(--idle-exit)") == 2


def test_a_pool_that_is_told_to_end_lets_its_job_finish(slurm, fleet, stoker):
    """What Slurm does two minutes before the time limit: SIGTERM to the script alone."""
    stoker.run("sweep", "t", "n=1:2:1")
    job = fleet(1)
    stoker.wait_counts(running=1, pending=1)
    slurm.run("scancel", "--batch", "--signal=TERM", job)
    eventually(lambda: "stopping: 1 running job may finish" in output(stoker), what=lambda: output(stoker))
    stoker.touch("go")
    eventually(slurm.runs_nothing)
    assert stoker.counts() == {"completed": 1, "pending": 1}


def test_a_cancelled_allocation_costs_its_jobs_no_attempt(slurm, fleet, stoker):
    """SIGTERM to every process of it, the jobs' too."""
    number = stoker.submit("t", "n=1")
    job = fleet(1)
    stoker.wait_state(number, "running")
    slurm.run("scancel", job)
    eventually(slurm.runs_nothing, what=lambda: output(stoker))
    row = stoker.wait_state(number, "pending") and stoker.job(number)
    assert (row["attempt"], row["interruptions"]) == (0, 1)
