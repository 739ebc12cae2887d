# SPDX-License-Identifier: MIT
"""stoker on PostgreSQL beside its yardsticks: one server of the benchmark's own, a fresh database for each run."""
import contextlib
import pathlib
import shutil
import statistics
import subprocess

import pg_server

HERE = pathlib.Path(__file__).resolve().parent
# What a session of an old report does to a queue: nothing that died since can be removed.
HOLD = "BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT count(*) FROM pg_class;\n\\echo held\n"


@contextlib.contextmanager
def database(bench):
    server = bench.server()
    url = server.database()
    yield url
    server.drop(url)


def stoker(bench, name, *words):
    with database(bench) as url:
        return bench.stoker_at(url, name, *words)


def loop(bench, *words):
    with database(bench) as url:
        return bench.run(bench.build / "bench" / "pg_loop", "--url", url, *words)


def peer(bench, name, *words):
    """What runs on node: at the versions of its package-lock, with the node that is one of them."""
    folder = HERE / name
    if not (folder / "node_modules").exists():
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with database(bench) as url:
        return bench.run(folder / "node_modules" / ".bin" / "node", folder / "run.mjs", "--url", url, *words)


def lacks(what):
    programs = {"server": pg_server.programs, "npm": lambda: shutil.which("npm")}
    if programs[what]():
        return False
    print(f"  no {'PostgreSQL server' if what == 'server' else what} here, left out")
    return True


def per_s(bench, workers, many, *words):
    return lambda: stoker(bench, "noop", "--jobs", bench.jobs(many), "--workers", workers, *words)["jobs_per_s"]


# --- the comparisons ---------------------------------------------------------

def noop(bench):
    for workers, many in ((32, 100000), (128, 200000)):
        bench.ratios(f"PostgreSQL: no-op jobs, {workers} workers : bare loop", ">= 0.8 x", 0.8,
                     per_s(bench, workers, many),
                     lambda: loop(bench, "--jobs", bench.jobs(many), "--workers", workers)["jobs_per_s"])


def graphile(bench):
    if lacks("npm"):
        return
    for workers, many, bound in ((32, 100000, 1.1), (128, 200000, 2)):
        bench.ratios(f"PostgreSQL: no-op jobs, {workers} workers : graphile-worker", f">= {bound} x", bound,
                     per_s(bench, workers, many),
                     lambda: peer(bench, "graphile", "--jobs", bench.jobs(many), "--workers", workers)["jobs_per_s"])


def boss(bench):
    if lacks("npm"):
        return
    bench.ratios("PostgreSQL: no-op jobs, 128 workers : pg-boss", ">= 3 x", 3, per_s(bench, 128, 200000),
                 lambda: peer(bench, "pgboss", "--jobs", bench.jobs(50000))["jobs_per_s"])


def latency(bench):
    jobs = 50 if bench.quick else 200
    runs = [stoker(bench, "latency", "--jobs", jobs) for _ in range(bench.rounds)]
    for p, bound in ((50, 2), (99, 3)):
        started = statistics.median(run[f"started_p{p}_us"] for run in runs)
        commit = statistics.median(run[f"commit_p{p}_us"] for run in runs)
        bench.row(f"PostgreSQL: submit to start, p{p} : one commit", f"<= {bound} x",
                  [run[f"ratio_p{p}"] for run in runs], lambda ratio, bound=bound: ratio <= bound,
                  f"{started:.0f} us : {commit:.0f} us")
    if lacks("npm"):
        return
    theirs = [peer(bench, "graphile", "--latency", "--jobs", jobs, "--workers", 4) for _ in runs]
    pairs = [(run["started_p50_us"], other["started_p50_us"]) for run, other in zip(runs, theirs)]
    bench.row("PostgreSQL: submit to start, p50, graphile-worker : stoker", ">= 2 x",
              [other / ours for ours, other in pairs], lambda ratio: ratio >= 2,
              f"{statistics.median(pair[1] for pair in pairs):.0f} us : "
              f"{statistics.median(pair[0] for pair in pairs):.0f} us")


def submit(bench):
    words = ("--workers", 32, "--jobs", bench.jobs(50000))
    bench.ratios("PostgreSQL: submits, 32 clients, pools told : not told", ">= 0.9 x", 0.9,
                 lambda: stoker(bench, "submit", *words)["submits_per_s"],
                 lambda: stoker(bench, "submit", *words, "--silent")["submits_per_s"])


@contextlib.contextmanager
def snapshot(bench, url):
    """A transaction that looked at the database before the run and ends after it."""
    command = [str(bench.server().bin / "psql"), "-XqAt", url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
        psql.stdin.write(HOLD)
        psql.stdin.flush()
        while psql.stdout.readline() != "held\n":
            if psql.poll() is not None:
                raise SystemExit("no snapshot could be held")
        yield
        psql.stdin.close()


def held(bench):
    seconds = max(int(bench.minutes * 60), 10)
    words = ("--seconds", seconds, "--workers", 128)

    def under_snapshot():
        with database(bench) as url, snapshot(bench, url):
            return bench.stoker_at(url, "steady", *words)

    free, ours = stoker(bench, "steady", *words), under_snapshot()
    bench.row(f"PostgreSQL: snapshot held for {seconds / 60:.1f} min, at its end : none", ">= 0.8 x",
              [ours["last_per_s"] / free["last_per_s"]], lambda ratio: ratio >= 0.8,
              f"{ours['last_per_s']:,.0f}/s (first {ours['first_per_s']:,.0f}/s) : {free['last_per_s']:,.0f}/s")


def scale(bench):
    with database(bench) as large, database(bench) as small:
        run = bench.stoker_at(large, "scale", "--jobs", bench.jobs(10000000), "--beside", small)
    for p, suffix in ((50, ""), (99, "_p99")):
        bench.row(f"PostgreSQL: claim p{p}, {run['jobs']:,} pending : 10,000", "<= 1.1 x",
                  [run[f"claim_ratio{suffix}"]], lambda ratio: ratio <= 1.1,
                  f"{run[f'claim_us_large{suffix}']:.1f} us : {run[f'claim_us_small{suffix}']:.1f} us a job")


def pools(bench):
    before = bench.server().quarrels()
    bench.ratios("PostgreSQL: no-op jobs, 2 pools of 64 workers : 1", ">= 1 x", 1,
                 per_s(bench, 64, 200000, "--pools", 2), per_s(bench, 64, 200000))
    bench.row("PostgreSQL: deadlocks, serialisation errors", "0", [bench.server().quarrels() - before],
              lambda count: count == 0)


def wake(bench):
    runs = [stoker(bench, "wake", "--pools", 8, "--workers", 8, "--jobs", 10 if bench.quick else 100)
            for _ in range(bench.rounds)]
    bench.row("PostgreSQL: renewal to the last of 8 pools of 8, p99: ms", "< 100",
              [run["last_p99_us"] / 1000 for run in runs], lambda ms: ms < 100,
              f"the renewal's own commit p50 {statistics.median(run['renewed_p50_us'] for run in runs):.0f} us")


BENCHES = {f"pg-{f.__name__}": f for f in (noop, graphile, boss, latency, submit, held, scale, pools, wake)}
