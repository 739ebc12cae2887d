# SPDX-License-Identifier: MIT
"""A PostgreSQL store with the roles of examples/postgresql, and what docs/postgresql.md says in SQL."""
import re

import pytest

from conftest import ROOT, on_postgres

pytestmark = on_postgres

ROLES = ROOT / "examples" / "postgresql" / "roles.sql"
PAGE = ROOT / "docs" / "postgresql.md"
SECRETS = ["stoker.session", "stoker.person", "stoker.token", "stoker.job", "stoker.remote", "stoker.audit"]
TASKS = """
tasks:
  check:
    command: [echo, "{station}"]
    params: {station: int}
"""


class Roles:
    """The test's database, as one role or another."""

    def __init__(self, stoker):
        self.stoker = stoker
        self.server = stoker.server

    def psql(self, role, *words, ok=True):
        done = self.server.program("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.server.folder,
                                   "-p", self.server.port, "-U", role, "-At", "-d", self.stoker.database, *words,
                                   check=False)
        assert (done.returncode == 0) == ok, f"{role}: {words}\n{done.stdout}{done.stderr}"
        return done.stdout.strip() if ok else done.stderr

    def sql(self, role, text, ok=True):
        return self.psql(role, "-c", text, ok=ok)

    def run_file(self, text):
        """psql steps down from root and may not read the test's folders."""
        path = self.server.folder / "run.sql"
        path.write_text(text)
        path.chmod(0o644)
        return self.psql("stoker", "-f", path)

    def url(self, role):
        return self.server.url(self.stoker.database).replace("stoker@", f"{role}@", 1)

    def act_as(self, role):
        self.stoker.env["STOKER_STORE"] = self.url(role)


@pytest.fixture
def bare(stoker):
    """Roles, and no schema yet."""
    roles = Roles(stoker)
    roles.sql("stoker", "DROP SCHEMA IF EXISTS stoker CASCADE")
    roles.run_file(ROLES.read_text())
    stoker.yaml(TASKS)
    return roles


@pytest.fixture
def roles(bare):
    bare.act_as("stoker_migrator")
    bare.stoker.run("migrate")
    bare.run_file(ROLES.read_text())
    bare.act_as("stoker_runtime")
    return bare


def test_a_runtime_role_works_and_does_not_migrate(bare):
    bare.act_as("stoker_runtime")
    refused = bare.stoker.run("submit", "check", "station=1", ok=False)
    assert refused.returncode == 77, refused.stderr
    assert "stoker migrate" in refused.stderr and "migrator" in refused.stderr, refused.stderr

    bare.act_as("stoker_migrator")
    assert "now 1" in bare.stoker.run("migrate").stdout
    bare.run_file(ROLES.read_text())
    bare.act_as("stoker_runtime")
    assert "nothing to do" in bare.stoker.run("migrate").stdout
    bare.stoker.run("submit", "check", "station=1")
    bare.stoker.drain()
    assert bare.stoker.counts()["completed"] == 1


def test_a_runtime_role_does_all_the_rest(roles):
    stoker = roles.stoker
    stoker.run("sweep", "check", "station=1:3")
    stoker.run("queue", "pause", "check", "--reason", "a test")
    stoker.run("queue", "resume", "check")
    stoker.run("user", "add", "ada", "--role", "operator", "--no-password")
    assert stoker.run("token", "add", "--user", "ada", "--quiet").stdout.strip()
    stoker.drain()
    stoker.run("retry", "1")
    stoker.run("cancel", "1")
    doctor = stoker.run("doctor", "--deep").stdout
    assert "may not migrate" in doctor and "superuser" not in doctor, doctor
    assert int(stoker.run("audit", "--verify", "--quiet").stdout) == 2


def test_a_runtime_role_changes_neither_schema_nor_audit(roles):
    roles.stoker.run("user", "add", "ada", "--role", "operator", "--no-password")
    for text in ["CREATE TABLE stoker.mine (x int)", "ALTER TABLE stoker.job ADD COLUMN mine int",
                 "ALTER TABLE stoker.audit DISABLE TRIGGER ALL", "INSERT INTO stoker.migration VALUES (99, '', '', 0)",
                 "DELETE FROM stoker.audit", "UPDATE stoker.audit SET actor = 'eve'", "CREATE SCHEMA mine"]:
        refusal = roles.sql("stoker_runtime", text, ok=False)
        assert re.search("permission denied|must be owner|append-only", refusal), f"{text}: {refusal}"


def test_an_analyst_reads_views_and_no_secrets(roles):
    roles.stoker.run("submit", "check", "station=1")
    roles.sql("stoker", "DROP ROLE IF EXISTS analyst_of_test; CREATE ROLE analyst_of_test LOGIN IN ROLE stoker_analyst")
    views = roles.sql("stoker", "SELECT viewname FROM pg_views WHERE schemaname = 'stoker'").split()
    assert len(views) > 10
    for view in views:
        roles.sql("analyst_of_test", f"SELECT * FROM stoker.{view}")
    assert roles.sql("analyst_of_test", "SELECT task FROM stoker.jobs") == "check"
    for table in SECRETS:
        assert "permission denied" in roles.sql("analyst_of_test", f"SELECT * FROM {table}", ok=False), table
    assert "permission denied" in roles.sql("analyst_of_test", "SELECT stoker.submit('check')", ok=False)
    columns = roles.sql("stoker", "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE"
                        " table_schema = 'stoker' AND table_name IN (SELECT viewname FROM pg_views)").split()
    assert not {"credential", "work", "password_hash", "totp", "hash"} & set(columns)


def test_a_submitter_submits_and_sees_nothing(roles):
    roles.stoker.run("submit", "check", "station=1")
    roles.sql("stoker", "DROP ROLE IF EXISTS program_of_test; CREATE ROLE program_of_test LOGIN IN ROLE stoker_submitter")
    submit = """SELECT stoker.submit('check', '{"station": 2}', key => 'two')"""
    first = roles.sql("program_of_test", submit)
    assert roles.sql("program_of_test", submit) == first
    assert "with other parameters" in roles.sql("program_of_test", submit.replace(": 2", ": 3"), ok=False)
    for text in ["SELECT result FROM stoker.job", "SELECT * FROM stoker.jobs", "DELETE FROM stoker.job",
                 "UPDATE stoker.job SET rank = 0"]:
        assert "permission denied" in roles.sql("program_of_test", text, ok=False), text

    assert roles.stoker.run("submit", "check", "station=2", "--key", "two", "--quiet").stdout.strip() == first
    roles.stoker.drain()
    assert roles.stoker.counts()["completed"] == 2


def test_the_sql_of_the_page_runs(roles):
    blocks = re.findall(r"^```sql\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    assert len(blocks) >= 4
    roles.sql("stoker", "DROP ROLE IF EXISTS ada")
    roles.stoker.run("submit", "check", "station=1")  # now the task is known
    roles.run_file("\n".join(blocks))
    roles.sql("stoker", "DROP ROLE ada")
    roles.stoker.drain()
    assert roles.stoker.sql("SELECT params->>'station' FROM jobs WHERE state = 'completed' ORDER BY id") == \
        [(1,), (7,), (8,), (9,)]
