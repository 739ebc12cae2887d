# SPDX-License-Identifier: MIT
"""What a person can get wrong: each is refused with its exit code, in words that help, and changes nothing."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import tempfile

import pytest

from conftest import ROOT, eventually, on_sqlite, stoker_in

YAML = """\
store: sqlite:stoker.db
sweep_confirm: 1000
tasks:
  backtest:
    command: [/bin/true, "{fast}", "{slow}", "{kind}"]
    params:
      fast: {type: int, min: 1, max: 500}
      slow: int
      cost: {type: float, default: 1}
      kind: {type: text, default: plain}
      mode: {enum: [quick, exact], default: quick}
      flag: {type: bool, default: false}
  other: {command: [/bin/true]}
"""
GOOD = ["fast=5", "slow=20"]

# what, command, exit code, words that must be on stderr
CASES = [
    # commands and options
    ("an unknown command", ["submti", "backtest"], 64, ['"submti"', "did you mean", "submit"]),
    ("an unknown command that is near to none", ["zzzzzz"], 64, ['"zzzzzz"', "--help"]),
    ("an unknown option", ["jobs", "--stat", "failed"], 64, ["--stat", "did you mean --state"]),
    ("an unknown short option", ["jobs", "-x"], 64, ["-x"]),
    ("an option without its value", ["jobs", "--state"], 64, ["--state", "needs a value"]),
    ("a value that is not among the choices", ["jobs", "--state", "done"], 64, ["--state", "completed", '"done"']),
    ("a number that is none", ["jobs", "--limit", "many"], 64, ["--limit", "whole number", '"many"']),
    ("a number out of its bounds", ["jobs", "--limit", "0"], 64, ["--limit", '"0"']),
    ("a value for an option that takes none", ["status", "--json=yes"], 64, ["--json", "no value"]),
    ("a word too many", ["why", "1", "2"], 64, ['"2"', "too many"]),
    ("a word that is missing", ["why"], 64, ["usage: stoker why ID"]),
    ("no command at all with an option", ["--quiet"], 64, ["which command"]),
    ("workers out of bounds", ["up", "--workers", "0"], 64, ["--workers"]),
    ("too many workers", ["up", "--workers", "100000"], 64, ["--workers"]),
    # tasks
    ("an unknown task", ["submit", "bactest", *GOOD], 66, ['"bactest"', 'did you mean "backtest"']),
    ("an unknown task that is near to none", ["submit", "zzz"], 66, ['"zzz"', "backtest", "other"]),
    ("an unknown task of a sweep", ["sweep", "bactest", "fast=1:5"], 66, ['did you mean "backtest"']),
    # parameters
    ("a missing parameter", ["submit", "backtest", "fast=5"], 64, ['"slow"', "int", "missing"]),
    ("an unknown parameter", ["submit", "backtest", "fsat=5", "slow=20"], 64, ['"fsat"', 'did you mean "fast"']),
    ("a parameter given twice", ["submit", "backtest", "fast=5", "fast=6", "slow=9"], 64, ['"fast"', "twice"]),
    ("a word that is no parameter", ["submit", "backtest", "fast"], 64, ['"fast"', "NAME=VALUE"]),
    ("text for an int", ["submit", "backtest", "fast=five", "slow=20"], 64, ['"fast"', "five"]),
    ("a fraction for an int", ["submit", "backtest", "fast=5.0", "slow=20"], 64, ['"fast"', "5.0"]),
    ("an empty int", ["submit", "backtest", "fast=", "slow=20"], 64, ['"fast"']),
    ("an int over 64 bits", ["submit", "backtest", "fast=5", "slow=99999999999999999999"], 64, ['"slow"']),
    ("an int below its minimum", ["submit", "backtest", "fast=0", "slow=20"], 64, ['"fast"', "1"]),
    ("an int above its maximum", ["submit", "backtest", "fast=501", "slow=20"], 64, ['"fast"', "500"]),
    ("no number for a float", ["submit", "backtest", *GOOD, "cost=cheap"], 64, ['"cost"', "cheap"]),
    ("a float that is not finite", ["submit", "backtest", *GOOD, "cost=nan"], 64, ['"cost"', "nan"]),
    ("a float that is infinite", ["submit", "backtest", *GOOD, "cost=1e999"], 64, ['"cost"']),
    ("a text that looks like an option", ["submit", "backtest", *GOOD, "kind=--help"], 64, ['"kind"', "-"]),
    ("a value that is no choice", ["submit", "backtest", *GOOD, "mode=quik"], 64, ['"mode"', "quick"]),
    ("a bool that is none", ["submit", "backtest", *GOOD, "flag=maybe"], 64, ['"flag"', "maybe"]),
    ("a text with a newline", ["submit", "backtest", *GOOD, "kind=a\nb"], 64, ['"kind"']),
    ("a text that is too long", ["submit", "backtest", *GOOD, "kind=" + "x" * 5000], 64, ['"kind"', "4096"]),
    # submit options
    ("a time that is none", ["submit", "backtest", *GOOD, "--at", "tomorrow"], 64, ["at", "tomorrow", "+1h30m"]),
    ("a time without a zone", ["submit", "backtest", *GOOD, "--at", "2026-11-24 03:10"], 64, ["at"]),
    ("a priority that is none", ["submit", "backtest", *GOOD, "--priority", "high"], 64, ["--priority"]),
    ("an empty key", ["submit", "backtest", *GOOD, "--key", ""], 64, ["key"]),
    ("a key that is too long", ["submit", "backtest", *GOOD, "--key", "k" * 200], 64, ["key", "128"]),
    ("a file and parameters", ["submit", "backtest", *GOOD, "--file", "good.jsonl"], 64, ["--file"]),
    ("a key for a file", ["submit", "backtest", "--file", "good.jsonl", "--key", "k"], 64, ["key"]),
    # files: nothing of them is stored
    ("a file that is not there", ["submit", "backtest", "--file", "missing.jsonl"], 66, ["missing.jsonl", "No such file"]),
    ("a folder for a file", ["submit", "backtest", "--file", "."], None, ["."]),
    ("broken JSON in a line", ["submit", "backtest", "--file", "broken.jsonl"], 65, ["broken.jsonl:2"]),
    ("a line that is no object", ["submit", "backtest", "--file", "list.jsonl"], 65, ["list.jsonl:3", "object"]),
    ("a missing parameter in a line", ["submit", "backtest", "--file", "lacking.jsonl"], 65, ["lacking.jsonl:2", '"slow"']),
    ("an unknown parameter in a line", ["submit", "backtest", "--file", "unknown.jsonl"], 65, ["unknown.jsonl:1", '"fsat"']),
    ("text for an int in a line", ["submit", "backtest", "--file", "mistyped.jsonl"], 65, ["mistyped.jsonl:2", '"fast"']),
    ("a file that is not UTF-8", ["submit", "backtest", "--file", "latin1.jsonl"], 65, ["latin1.jsonl", "UTF-8"]),
    ("a CSV column that is no parameter", ["sweep", "backtest", "--from", "column.csv"], 65, ["column.csv:1", '"fsat"']),
    ("a CSV value of the wrong type", ["sweep", "backtest", "--from", "value.csv"], 65, ["value.csv:3", '"fast"']),
    ("a CSV row that is too short", ["sweep", "backtest", "--from", "short.csv"], 65, ["short.csv:3", "1 field", "2"]),
    ("a CSV row that is too long", ["sweep", "backtest", "--from", "long.csv"], 65, ["long.csv:2", "3 fields", "2"]),
    ("a CSV quote without its end", ["sweep", "backtest", "--from", "quote.csv", *GOOD], 65, ["quote.csv:"]),
    ("a CSV file without rows", ["sweep", "backtest", "--from", "empty.csv"], 65, ["empty.csv"]),
    ("a file of an unknown kind", ["sweep", "backtest", "--from", "points.xlsx"], 64, [".csv or .jsonl"]),
    # sweeps
    ("an empty range", ["sweep", "backtest", "fast=20:5:5", "slow=1"], 64, ["20:5:5", '"fast"', "is empty"]),
    ("a step of 0", ["sweep", "backtest", "fast=1:5:0", "slow=1"], 64, ["1:5:0", "step 0"]),
    ("a range with a part that is no number", ["sweep", "backtest", "fast=1:x", "slow=1"], 64, ["1:x", '"x"']),
    ("a range with too many parts", ["sweep", "backtest", "fast=1:2:3:4", "slow=1"], 64, ["1:2:3:4"]),
    ("an empty value in a list", ["sweep", "backtest", "fast=1,,2", "slow=1"], 64, ['"fast"']),
    ("a value of a range out of bounds", ["sweep", "backtest", "fast=400:600:100", "slow=1"], 64, ['"fast"', "600", "500"]),
    ("an unknown axis", ["sweep", "backtest", "fsat=1:5", "slow=1"], 64, ['"fsat"', 'did you mean "fast"']),
    ("an axis that is missing", ["sweep", "backtest", "fast=1:5"], 64, ['"slow"', "missing"]),
    ("an axis given twice", ["sweep", "backtest", "fast=1", "fast=2", "slow=1"], 64, ['"fast"', "twice"]),
    ("too many jobs", ["sweep", "backtest", "fast=1:500", "slow=1:10"], 65, ["5000 jobs", "--yes"]),
    ("a span past all bounds", ["sweep", "backtest", "fast=1:500", "slow=1:210000", "--yes"], 65, ["100000000"]),
    ("a range of too many values", ["sweep", "backtest", "fast=1", "slow=1:99999999"], 64, ['"slow"', "1000000"]),
    ("a zip of what is no axis", ["sweep", "backtest", "fast=1:2", "slow=1:2", "--zip", "fast,solw"], 64, ['"solw"']),
    ("a condition that cannot be read", ["sweep", "backtest", "fast=1", "slow=1", "--where", "fast <"], 64, ["where"]),
    ("a condition on an unknown name", ["sweep", "backtest", "fast=1", "slow=1", "--where", "fsat < 1"], 64, ["where", "fsat"]),
    ("a sweep that is not there", ["sweep", "extend", "99", "fast=1", "slow=1"], 66, ["99"]),
    # jobs
    ("a job that is not there", ["job", "99"], 66, ["99"]),
    ("an id that is none", ["job", "x1"], 64, ['"x1"', "last"]),
    ("a selector that is none", ["cancel", "all"], 64, ['"all"', "1-10", "sweep:3"]),
    ("a selector that is empty", ["retry", "9-3"], 64, ['"9-3"', "smaller"]),
    ("a selector of a sweep that is not there", ["cancel", "sweep:77"], 66, ["77"]),
    ("a queue that is not there", ["queue", "pause", "nowhere"], 66, ['"nowhere"']),
    ("a watch without a terminal", ["status", "--watch"], 64, ["--watch", "terminal"]),
    ("logs without a pool and without files", ["logs"], 66, ["no pool is running", ".logs"]),
]
FILES = {
    "good.jsonl": '{"fast": 1, "slow": 2}\n',
    "broken.jsonl": '{"fast": 1, "slow": 2}\n{"fast": 1, "slow": }\n',
    "list.jsonl": '{"fast": 1, "slow": 2}\n\n[1, 2]\n',
    "lacking.jsonl": '{"fast": 1, "slow": 2}\n{"fast": 1}\n',
    "unknown.jsonl": '{"fsat": 1, "slow": 2}\n',
    "mistyped.jsonl": '{"fast": 1, "slow": 2}\n{"fast": "1", "slow": 2}\n',
    "latin1.jsonl": b'{"kind": "gr\xfc\xdfe"}\n',
    "column.csv": "fsat,slow\n1,2\n",
    "value.csv": "fast,slow\n1,2\none,2\n",
    "short.csv": "fast,slow\n1,2\n3\n",
    "long.csv": "fast,slow\n1,2,3\n",
    "quote.csv": 'kind\n"open\n',
    "empty.csv": "fast,slow\n",
    "points.xlsx": "x",
}


@pytest.fixture
def store(stoker):
    """A store with one job, and files that are wrong in one way each."""
    stoker.yaml(YAML)
    stoker.submit("other")
    for name, text in FILES.items():
        (stoker.folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return stoker


def assert_refused(done, code, words):
    assert done.returncode == code if code is not None else done.returncode not in (0, 70), done
    assert done.stdout == ""
    assert done.stderr.startswith("stoker: ") and done.stderr.count("\n") == 1, done.stderr
    assert len(done.stderr) < 700
    for word in words:
        assert word in done.stderr, f"{word!r} is not in {done.stderr!r}"


def assert_nothing_changed(stoker):
    assert stoker.sql("SELECT id, task, state FROM jobs") == [(1, "other", "pending")]
    assert stoker.sql("SELECT id FROM sweeps") == []


@pytest.mark.parametrize("command, code, words", [pytest.param(*case[1:], id=case[0].replace(" ", "_")) for case in CASES])
def test_it_is_refused_in_words_that_help(store, command, code, words):
    assert_refused(store.run(*command, ok=False), code, words)
    assert_nothing_changed(store)


@pytest.fixture(scope="module")
def shared():
    """One pool for all cases that only ask."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="stk-", dir="/tmp"))
    with stoker_in(folder) as stoker:
        stoker.yaml(YAML)
        stoker.run("queue", "pause", "other")
        stoker.submit("other")
        for name, text in FILES.items():
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        stoker.start_pool()
        yield stoker
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("command, code, words", [
    pytest.param(*case[1:], id=case[0].replace(" ", "_")) for case in CASES if case[1][0] not in ("up", "logs")])
def test_the_pool_refuses_it_in_the_same_words(shared, command, code, words):
    assert_refused(shared.run(*command, ok=False), code, words)
    assert_nothing_changed(shared)


def test_errors_are_json_when_json_is_asked_for(store):
    done = store.run("job", "99", "--json", ok=False)
    error = json.loads(done.stderr)["error"]
    assert done.returncode == 66 and error["code"] == "NOT_FOUND" and "99" in error["message"]
    done = store.run("--json", "jobs", "--nonsense", ok=False)
    assert json.loads(done.stderr)["error"]["code"] == "INVALID"


def test_control_characters_of_what_was_typed_are_escaped(store):
    done = store.run("submit", "back\x1b[31mtest", ok=False)
    assert done.returncode == 66 and "\x1b" not in done.stderr


# ---- stoker.yaml


@pytest.mark.parametrize("text, line, words", [
    ("stoer: sqlite:x.db\n", 1, ["stoer", 'did you mean "store"']),
    ("store: sqlite:stoker.db\nworkers: many\n", 2, ["workers"]),
    ("workers: 0\n", 1, ["workers"]),
    ("workers: 1000\n", 1, ["workers", "256"]),
    ("store: mysql:x\n", 1, ["store", "mysql:x", "sqlite:PATH"]),
    ("tasks:\n  t:\n    comand: [/bin/true]\n", 3, ["tasks.t.comand", 'did you mean "command"']),
    ("tasks:\n  t:\n    command: /bin/true\n", 3, ["tasks.t.command", "list"]),
    ("tasks:\n  t:\n    command: []\n", 3, ["tasks.t.command", "empty"]),
    ("tasks:\n  t:\n    queue: q\n", 2, ["tasks.t", "needs a command"]),
    ("tasks:\n  t:\n    command: [/bin/echo, '{n}']\n", 3, ["n"]),
    ("tasks:\n  t:\n    command: [/bin/echo, '{n']\n    params: {n: int}\n", 3, ["tasks.t.command", "{n"]),
    ("tasks:\n  t:\n    command: [/bin/true]\n    params: {n: integer}\n", 4, ["tasks.t.params.n", "integer"]),
    ("tasks:\n  t:\n    command: [/bin/true]\n    retry: {attempts: 0}\n", 4, ["tasks.t.retry.attempts"]),
    ("tasks:\n  t:\n    command: [/bin/true]\n    retry: {backoff: 5m..1s}\n", 4, ["backoff", "smaller"]),
    ("tasks:\n  t:\n    command: [/bin/true]\n    time_limit: soon\n", 4, ["time_limit", "soon"]),
    ("tasks:\n  t:\n    command: [/bin/true]\n    env: {STOKER_JOB_ID: '5'}\n", 4, ["STOKER_"]),
    ("tasks:\n  t:\n    command: [/bin/true]\n    command: [/bin/false]\n", 4, ["command"]),
    ("workers: [\n", None, []),
    ("tasks: {t: {command: [/bin/true]\n", None, []),
    ("workers: 4\n\tstore: x\n", 2, []),
    ("sessions:\n  lab: {}\n", 2, ["sessions.lab"]),
])
def test_a_mistake_in_stoker_yaml_is_named_with_file_line_and_key(stoker, text, line, words):
    stoker.write("stoker.yaml", text)
    for command in (["status"], ["up"], ["jobs"]):
        done = stoker.run(*command, ok=False)
        assert done.returncode == 78, done
        where = f"stoker.yaml:{line}: " if line else "stoker.yaml:"
        assert where in done.stderr, done.stderr
        for word in words:
            assert word in done.stderr, f"{word!r} is not in {done.stderr!r}"
    assert not stoker.store.exists()


def test_up_without_stoker_yaml_says_where_it_was_looked_for(stoker):
    done = stoker.run("up", ok=False, env={"STOKER_CONFIG": ""})
    assert done.returncode == 66 and "stoker.yaml" in done.stderr and "--config" in done.stderr


def test_a_configuration_that_was_named_must_be_there(stoker):
    done = stoker.run("status", "--config", "other.yaml", ok=False)
    assert done.returncode == 66 and "other.yaml" in done.stderr


def test_a_mistake_in_the_environment_is_named(stoker):
    stoker.yaml(YAML)
    done = stoker.run("up", ok=False, env={"STOKER_WORKERS": "many"})
    assert done.returncode == 78 and "STOKER_WORKERS" in done.stderr and "many" in done.stderr


# ---- the store


def refused_everywhere(stoker, code, *words):
    for command in (["up"], ["jobs"], ["submit", "other"]):
        done = stoker.run(*command, ok=False)
        assert done.returncode == code, (command, done)
        for word in words:
            assert word in done.stderr, f"{word!r} is not in {done.stderr!r}"


@on_sqlite
def test_R_C24_R_J4_a_store_of_a_newer_version_is_refused_and_not_touched(store):
    with contextlib.closing(sqlite3.connect(store.store)) as db:
        names = [row[1] for row in db.execute("PRAGMA table_info(stk_migration)")]
        db.execute(f"INSERT INTO stk_migration SELECT {names[0]} + 1, {', '.join(names[1:])} FROM stk_migration "
                   f"ORDER BY {names[0]} DESC LIMIT 1")
        db.commit()
    before = store.store.read_bytes()
    refused_everywhere(store, 73, "newer")
    assert store.store.read_bytes() == before


@on_sqlite
def test_R_D16_a_corrupt_store_starts_no_worker_and_says_how_to_go_on(store):
    """Found by the check after an unclean end."""
    store.run("submit", "backtest", "--file", "-", input='{"fast": 1, "slow": 2}\n' * 2000)
    pool = store.start_pool()
    pool.kill9()
    with contextlib.closing(sqlite3.connect(store.store)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    for leftover in ("stoker.db-wal", "stoker.db-shm"):
        (store.folder / leftover).unlink(missing_ok=True)
    with store.store.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        for page in range(4, size // 4096, 3):
            file.seek(page * 4096)
            file.write(b"\xff" * 512)
    done = store.run("up", ok=False)
    assert done.returncode == 65, done
    assert "stoker.db" in done.stderr and ("backup" in done.stderr or "recover" in done.stderr), done.stderr


@on_sqlite
def test_a_file_that_is_no_database_is_refused_and_not_touched(stoker):
    stoker.yaml(YAML)
    stoker.store.write_text("this is a letter to my aunt\n" * 300)
    before = stoker.store.read_bytes()
    refused_everywhere(stoker, 65, "stoker.db")
    assert stoker.store.read_bytes() == before


@on_sqlite
def test_a_database_of_another_program_is_refused_and_not_touched(stoker):
    stoker.yaml(YAML)
    db = sqlite3.connect(stoker.store)
    db.execute("CREATE TABLE recipe (name TEXT)")
    db.commit()
    db.close()
    before = stoker.store.read_bytes()
    refused_everywhere(stoker, 65, "another program")
    assert stoker.store.read_bytes() == before


@on_sqlite
def test_a_store_in_a_missing_folder_names_the_folder(stoker):
    stoker.yaml(YAML.replace("sqlite:stoker.db", "sqlite:nowhere/stoker.db"))
    for command in (["up"], ["submit", "other"]):
        done = stoker.run(*command, ok=False)
        assert done.returncode == 66 and "nowhere" in done.stderr and "No such file" in done.stderr, done


@on_sqlite
def test_a_store_that_is_a_folder_is_refused(stoker):
    stoker.yaml(YAML)
    stoker.store.mkdir()
    done = stoker.run("up", ok=False)
    assert done.returncode == 64 and "not a file" in done.stderr


@on_sqlite
def test_no_store_yet_is_said_and_none_is_made_by_looking(stoker):
    stoker.yaml(YAML)
    for command in (["jobs"], ["job", "1"], ["events"]):
        done = stoker.run(*command, ok=False)
        assert done.returncode == 66 and "no store" in done.stderr, done
    assert not stoker.store.exists()


@on_sqlite
def test_a_read_only_folder_is_refused_with_the_cause(store):
    if os.getuid() == 0:
        pytest.skip("root may write everywhere: see the mounted one")
    store.folder.chmod(0o555)
    try:
        refused_everywhere(store, 77, "stoker.db")
    finally:
        store.folder.chmod(0o755)


@on_sqlite
def test_a_read_only_disk_is_refused_with_the_cause(stoker):
    if os.getuid() != 0:
        pytest.skip("needs root to mount")
    disk = stoker.folder / "disk"
    disk.mkdir()
    stoker.yaml(YAML.replace("sqlite:stoker.db", "sqlite:disk/stoker.db"))
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(disk)], check=False).returncode != 0:
        pytest.skip("could not mount")
    try:
        stoker.submit("other")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        refused_everywhere(stoker, 77, "Read-only file system")
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


# ---- one owner


@on_sqlite
def test_R_D14_F58_a_second_pool_is_refused_and_told_who_has_the_store_and_how_to_reach_it(store):
    pool = store.start_pool()
    done = store.run("up", ok=False)
    assert done.returncode == 75
    assert f"pid {pool.pid}" in done.stderr and f"{store.store}.sock" in done.stderr and "stoker up" in done.stderr
    assert re.search(r"since \d{4}-\d\d-\d\dT", done.stderr)
    assert store.status()["pools"][0]["pid"] == pool.pid
    assert pool.stop() == 0


@on_sqlite
def test_R_D14_F58_the_lock_of_a_dead_pool_is_taken_over(store):
    pool = store.start_pool()
    pool.kill9()
    assert (store.folder / "stoker.db.lock").exists() and (store.folder / "stoker.db.sock").exists()
    other = store.start_pool()
    assert store.status()["pools"][0]["pid"] == other.pid
    assert other.stop() == 0
    assert not (store.folder / "stoker.db.lock").exists()


@on_sqlite
def test_R_C22_twenty_pools_started_at_once_have_one_owner(stoker):
    stoker.yaml(YAML)
    pools = [stoker.start_pool(ready=False) for _ in range(20)]
    eventually(lambda: sum(pool.is_alive() for pool in pools) == 1, what="19 are refused")
    winner = [pool for pool in pools if pool.is_alive()][0].wait_ready()
    for pool in pools:
        if pool is not winner:
            assert pool.wait() == 75 and "is in use by" in pool.log(), pool.log()
    assert winner.stop() == 0


@on_sqlite
def test_R_D8_a_store_that_is_removed_under_a_pool_is_noticed(store):
    pool = store.start_pool()
    store.store.unlink()
    eventually(lambda: not pool.is_alive() or store.run("status", "--json", ok=False).returncode != 0
               or store.status()["pools"][0]["state"] == "paused", 30, "the pool notices")


def test_a_command_waits_for_the_one_before_it(stoker):
    """Ten at once without a pool: none is refused."""
    stoker.yaml(YAML)
    others = [stoker.spawn("submit", "other", stdout=-3, stderr=-1) for _ in range(10)]
    for other in others:
        _, complaint = other.communicate(timeout=30)
        assert other.returncode == 0, complaint
    assert stoker.counts() == {"pending": 10}


def test_the_version_is_the_one_of_the_build(stoker):
    version = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text()).group(1)
    assert version in stoker.run("version").stdout


def test_without_a_stoker_yaml_a_submit_makes_no_store(stoker):
    (stoker.folder / "stoker.yaml").unlink(missing_ok=True)
    for words in (("submit", "t", "n=1"), ("sweep", "t", "n=1:3")):
        done = stoker.run(*words, ok=False)
        assert done.returncode == 66 and "no stoker.yaml" in done.stderr
    assert not list(stoker.folder.glob("*.db*"))
