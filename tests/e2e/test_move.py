# SPDX-License-Identifier: MIT
"""A store moves from SQLite into PostgreSQL: all of it or nothing, and what it was stays readable."""
import contextlib
import re
import sqlite3

import postgres
import pytest
from conftest import ENGINE, ROOT

pytestmark = pytest.mark.skipif(ENGINE != "sqlite" or not postgres.find_programs(),
                                reason="moves out of SQLite, and needs a PostgreSQL server's programs")

TASKS = """
    store: sqlite:stoker.db
    workers: 2
    tasks:
      rough:
        command: [./rough, "{n}"]
        params: {n: int}
        retry: {attempts: 2, backoff: 1s..1s}
      slow: {command: [sleep, "60"], params: {n: int}}
      secret: {command: [sh, -c, "cat <&$STOKER_SESSION_FD"], session: lab}
    sessions:
      lab: {provider: manual, lifetime: 1h}
      duty: {provider: operator, lifetime: 1h}
    limits:
      gate: {rate: 600/min}
"""
ROUGH = r"""
    printf 'tab\there \\ and \377 no UTF-8\n' >&2
    echo '{"n":1.5}'
    exit $1
"""


@pytest.fixture
def source(stoker):
    stoker.yaml(TASKS)
    stoker.script("rough", ROUGH)
    return stoker


@pytest.fixture
def target(databases):
    name = f"move{databases.made}"
    databases.create(name)
    yield databases.url(name)
    databases.drop(name)


def database_of(url):
    return re.search(r"/(\w+)\?", url)[1]


def fill(source):
    """Jobs of all states, history, a sweep, people, an audit, a job that a dead pool was at."""
    source.run("sweep", "rough", "n=0,65,1", "--name", "mixed")
    source.submit("rough", "n=0", "--key", "once", "--priority", "7")
    source.drain()
    source.run("retry", 1)
    source.drain()
    source.run("user", "add", "anna", "--role", "operator", "--renew", "duty", "--password-stdin", input="secret word\n")
    source.run("session", "renew", "duty", "--as", "anna", "--password-stdin", input="secret word\n")
    source.run("session", "import", "lab", input="sealed-secret-1\n")
    source.submit("rough", "n=0", "--at", "+1h")
    pool = source.start_pool()
    slow = source.submit("slow", "n=1")
    source.wait_state(slow, "running")
    pool.kill9()
    return slow


def snapshot(source):
    """What people read, from either engine."""
    status = source.status()
    jobs = [source.job(row["id"]) for row in source.run("jobs", "--limit", 100, json=True)["jobs"]]
    for job in jobs:
        job.pop("why")
    return {"jobs": jobs, "counts": status["jobs"], "tasks": status["tasks"],
            "sweeps": source.run("sweep", "list", json=True), "users": source.run("user", "list", json=True),
            "audit": source.run("audit", json=True)}


def without_pace(shown):
    for sweep in shown["sweeps"]["sweeps"]:
        sweep.pop("per_s"), sweep.pop("eta_s")
    return shown


def test_everything_is_there_and_goes_on_there(source, target, databases):
    slow = fill(source)
    before = without_pace(snapshot(source))
    moved = source.run("move", f"sqlite:{source.store}", target, json=True)
    assert moved["jobs"] == len(before["jobs"]) and moved["tables"] == 16

    source.env["STOKER_STORE"] = target
    after = without_pace(snapshot(source))
    assert after == before

    assert source.submit("rough", "n=0", "--key", "once") == 4, "a key is taken for ever"
    fresh = source.submit("rough", "n=0")
    assert fresh > max(job["id"] for job in before["jobs"])
    source.start_pool(ready=False)
    source.wait_state(fresh, "completed")
    source.wait_state(slow, "running", timeout=60)
    assert source.job(slow)["interruptions"] == 1, "given back from the pool that died before the move"


def test_the_sealed_secrets_and_the_audit_chain_are_good_there(source, target):
    fill(source)
    source.run("move", f"sqlite:{source.store}", target)
    source.env["STOKER_STORE"] = target
    sessions = {row["name"]: row for row in source.status()["sessions"]}
    assert sessions["duty"]["open"] and sessions["lab"]["open"] and sessions["lab"]["generation"] == 1
    source.start_pool(ready=False)
    source.wait_state(source.submit("secret"), "completed")
    assert source.run("audit", "--verify", ok=False).returncode == 0
    deep = source.run("doctor", "--deep", json=True)["findings"]
    assert not [row for row in deep if row["level"] == "bad"], deep


def test_what_is_left_behind_does_nothing_and_says_where_it_went(source, target):
    job = source.submit("rough", "n=0")
    source.run("move", f"sqlite:{source.store}", target)
    source.start_pool()
    assert "moved to postgresql://" in source.why(job)
    assert "store.moved" in source.run("events").stdout
    assert source.counts() == {"pending": 1}


def test_a_target_that_holds_something_is_refused_and_stays_as_it_is(source, target):
    source.submit("rough", "n=0")
    source.run("move", f"sqlite:{source.store}", target)
    again = source.run("move", f"sqlite:{source.store}", target, ok=False)
    assert again.returncode != 0 and "the target is not empty" in again.stderr
    source.env["STOKER_STORE"] = target
    assert source.counts() == {"pending": 1}


def test_a_row_that_the_target_refuses_moves_nothing(source, target, databases):
    source.submit("rough", "n=0")
    source.run("status", env={"STOKER_STORE": target})  # makes the schema
    databases.sql(database_of(target), "ALTER TABLE stoker.job ADD CHECK (params NOT LIKE '%0%')")
    done = source.run("move", f"sqlite:{source.store}", target, ok=False)
    assert done.returncode != 0 and "nothing was moved" in done.stderr
    assert databases.sql(database_of(target), "SELECT count(*) FROM stoker.queue") == [["0"]]
    assert "moved" not in source.why(1), "the source goes on as before"


def test_a_row_that_comes_back_otherwise_moves_nothing(source, target, databases):
    source.submit("rough", "n=0")
    source.run("status", env={"STOKER_STORE": target})
    databases.sql(database_of(target), """
        CREATE FUNCTION public.spoil() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN NEW.params := '{"n":1}'; RETURN NEW; END $$;
        CREATE TRIGGER spoil BEFORE INSERT ON stoker.job FOR EACH ROW EXECUTE FUNCTION public.spoil()""")
    done = source.run("move", f"sqlite:{source.store}", target, ok=False)
    assert done.returncode != 0 and "their sums differ" in done.stderr
    assert databases.sql(database_of(target), "SELECT count(*) FROM stoker.job") == [["0"]]


def test_a_store_that_a_pool_owns_is_not_moved(source, target):
    source.start_pool()
    done = source.run("move", f"sqlite:{source.store}", target, ok=False)
    assert done.returncode != 0 and "stoker up" in done.stderr


@pytest.mark.parametrize("words, says", [
    (("sqlite:none.db", "TARGET"), "there is no store at"),
    (("TARGET", "sqlite:x.db"), "from SQLite to PostgreSQL"),
    (("sqlite:stoker.db", "sqlite:x.db"), "the target is a PostgreSQL database"),
    (("sqlite:stoker.db", "postgresql://a:hunter2@h/d"), "holds a password"),
])
def test_a_wrong_word_is_said(source, target, words, says):
    source.submit("rough", "n=0")
    done = source.run("move", *[target if word == "TARGET" else word for word in words], ok=False)
    assert done.returncode != 0 and says in done.stderr and "hunter2" not in done.stderr


def columns_of_the_move():
    text = (ROOT / "src" / "store" / "move" / "tables.c").read_text()
    tables = {}
    for name, body in re.findall(r"COLUMNS\((\w+)\) = \{(.*?)\};", text, re.S):
        tables[name] = set(re.findall(r'\{ "(\w+)",', body))
    return tables


def test_every_column_of_both_schemas_is_moved_or_named_here(source, target, databases):
    source.submit("rough", "n=0")
    source.run("status", env={"STOKER_STORE": target})
    listed = columns_of_the_move()
    there = {}
    for table, column in databases.sql(database_of(target), """
            SELECT table_name, column_name FROM information_schema.columns JOIN information_schema.tables
             USING (table_schema, table_name) WHERE table_schema = 'stoker' AND table_type = 'BASE TABLE'"""):
        there.setdefault(table, set()).add(column)
    made_there = {("event", "xid"), ("job", "shelf"), ("session", "version"), ("pool", "state"), ("pool", "reason"),
                      ("pool", "per_s")}
    short_lived = {"job_delta", "cancel_ask", "watch", "console_line", "past", "watch_answer", "stk_migration", "migration"}
    for table, columns in there.items():
        if table in short_lived or table not in listed and table in ("meta",):
            continue
        assert columns - {column for name, column in made_there if name == table} == listed.get(table, set()), table

    with contextlib.closing(sqlite3.connect(source.store)) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        here = {name: {row[1] for row in db.execute(f"PRAGMA table_info({name})")} for name in names}
    renamed = {("job", "priority"), ("sweep", "ended_at"), ("job_count", "state"), ("job_count", "n")}
    for table, columns in here.items():
        if table in listed:
            assert columns - {column for name, column in renamed if name == table} <= listed[table], table
        else:
            assert table.startswith("sqlite_") or "migration" in table, f"{table} is not moved"
