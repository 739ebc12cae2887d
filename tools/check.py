#!/usr/bin/python3
"""Run every check of the tree and count: called by ./check.

A step is a command with a way to count what it ran. A step that ends badly
without having counted a failure counts as one, so nothing can pass silently.
"""
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build-check"
CASES = re.compile(r"\[  (PASSED|FAILED)  \] (\d+) test\(s\)")
PYTEST = re.compile(r"(\d+) (passed|failed|error|errors)\b")

GCC = {"CC": "gcc"}
CLANG = {"CC": "clang-14"}
TSAN = {"TSAN_OPTIONS": "halt_on_error=1 second_deadlock_stack=1"}
ASAN = {"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1 halt_on_error=1"}


def log(text):
    print(text, flush=True)


class Tally:
    def __init__(self):
        self.passed = self.failed = 0

    def add(self, name, passed, failed, seconds):
        self.passed += passed
        self.failed += failed
        log(f"== {name}: {passed} passed, {failed} failed ({seconds:.0f} s)")


def run(command, env=None, quiet=True):
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **(env or {})}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, errors="replace")
    if done.returncode != 0 or not quiet:
        log(done.stdout[-12000:])
    return done


def count_plain(done):
    return (1, 0) if done.returncode == 0 else (0, 1)


def count_pytest(done):
    passed = failed = 0
    for line in done.stdout.splitlines()[-3:]:
        for number, word in PYTEST.findall(line):
            if word == "passed":
                passed += int(number)
            else:
                failed += int(number)
    if done.returncode != 0 and failed == 0:
        failed = 1
    return passed, failed


def count_cases(build):
    """The cases of the cmocka programs, out of meson's log of their output."""
    passed = failed = 0
    for kind, number in CASES.findall((build / "meson-logs" / "testlog.txt").read_text(errors="replace")):
        if kind == "PASSED":
            passed += int(number)
        else:
            failed += int(number)
    return passed, failed


def step(tally, name, command, env=None, count=count_plain):
    log(f"-- {name}")
    begin = time.monotonic()
    done = run(command, env)
    passed, failed = count(done)
    tally.add(name, passed, failed, time.monotonic() - begin)
    return done.returncode == 0


def build(tally, name, compiler, options):
    where = OUT / name
    setup = ["meson", "setup", str(where), "-Dwerror=true", *options]
    if (where / "build.ninja").exists():
        setup.append("--reconfigure")
    return (step(tally, f"{name}: configure", setup, compiler)
            and step(tally, f"{name}: build without warnings", ["ninja", "-C", str(where)]))


def unit(tally, name, suites=(), env=None):
    where = OUT / name
    command = ["meson", "test", "-C", str(where), "--print-errorlogs", "--no-rebuild", "-t", "4"]
    for suite in suites:
        command += ["--suite", suite]

    def count(done):
        passed, failed = count_cases(where)
        if done.returncode != 0 and failed == 0:
            failed = 1
        return passed, failed

    step(tally, f"{name}: unit and conformance tests", command, env, count)


# Most of a test's time is waiting, so several run at a time; who waits longer for a processor gets a longer deadline.
SIDE_BY_SIDE = ("-n", "4", "--dist", "loadfile")


def pytest(tally, title, name, tests, **env):
    step(tally, title,
         ["/usr/bin/python3", "-m", "pytest", *SIDE_BY_SIDE, "-q", "--tb=short", "-p", "no:cacheprovider", *tests],
         {"STOKER_BUILD": str(OUT / name), "STOKER_TEST_DEADLINE": "90", **env}, count_pytest)


def end_to_end(tally, name):
    pytest(tally, "end-to-end tests", name, ["tests"])


# What is the same on either engine, once more on PostgreSQL; test_postgres.py is in the run above. The others run
# with STOKER_TEST_ENGINE=pg, too: they are left out for the time that they take.
ON_POSTGRES = ("stories_remote", "stories", "life", "sweep", "limits", "wake", "people", "fleet", "http", "stop", "kill",
               "console", "notify", "authority", "many", "sessions", "slurm")


def on_postgres(tally, name):
    files = [f"tests/e2e/test_{topic}.py" for topic in ON_POSTGRES]
    pytest(tally, "end-to-end tests on PostgreSQL", name, files, STOKER_TEST_ENGINE="pg")


def style(tally):
    step(tally, "style: layers, banned calls, names", ["/usr/bin/python3", "tools/tidy.py"])
    sources = sorted(str(path) for folder in ("src", "tests", "bench", "examples")
                     for path in (ROOT / folder).rglob("*.[ch]") if "node_modules" not in path.parts)
    step(tally, "style: format", ["clang-format-14", "--dry-run", "--Werror", *sources])


def main():
    quick = "--quick" in sys.argv[1:]
    tally = Tally()
    begin = time.monotonic()
    style(tally)
    if build(tally, "gcc", GCC, ["-Dfaults=true"]):
        unit(tally, "gcc")
        end_to_end(tally, "gcc")
        on_postgres(tally, "gcc")
    if not quick:
        if build(tally, "asan", CLANG, ["-Dfaults=true", "-Db_sanitize=address,undefined", "-Db_lundef=false"]):
            unit(tally, "asan", env=ASAN)
        if build(tally, "tsan", GCC, ["-Dfaults=true", "-Db_sanitize=thread"]):
            unit(tally, "tsan", ("pool", "exec", "api", "session"), TSAN)
        build(tally, "analyzer", GCC, ["-Dc_args=-fanalyzer", "-Dtests=false"])
        build(tally, "release", GCC, ["--buildtype=release"])
    log(f"took {(time.monotonic() - begin) / 60:.1f} minutes")
    log(f"{tally.passed} passed, {tally.failed} failed")
    sys.exit(1 if tally.failed else 0)


main()
