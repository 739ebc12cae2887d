# SPDX-License-Identifier: MIT
"""People: names, roles, the right to renew, tokens, and what is kept of what they did."""
import base64
import contextlib
import hmac
import json
import re
import sqlite3
import struct
import time

import pytest

from conftest import eventually, on_sqlite

PASSWORD = "correct horse 9"


def set_up(stoker, renewers="[ops]"):
    named = f", renewers: {renewers}" if renewers else ""
    stoker.write("stoker.yaml", "key_file: stoker.key\ntasks:\n  t: {command: [\"true\"], session: duty}\n"
                                f"sessions:\n  duty: {{provider: operator, lifetime: 1h{named}}}\n"
                                "  lab: {provider: manual, lifetime: 1h}\n")


def add(stoker, name, *options, password=PASSWORD):
    return stoker.run("user", "add", name, *options, "--password-stdin", input=password + "\n")


def as_user(stoker, name, *words, password=PASSWORD, ok=True):
    return stoker.run(*words, "--as", name, "--password-stdin", input=password + "\n", ok=ok)


@pytest.mark.parametrize("with_pool", [False, True])
def test_only_those_with_the_right_renew(stoker, with_pool):
    set_up(stoker)
    if with_pool:
        stoker.start_pool()
    add(stoker, "ops", "--role", "viewer")
    add(stoker, "anna", "--role", "admin")
    add(stoker, "boss", "--role", "operator", "--renew", "duty")
    for done in (stoker.run("session", "renew", "duty", ok=False), as_user(stoker, "anna", "session", "renew", "duty", ok=False)):
        assert done.returncode == 77 and "renew" in done.stderr, done
    assert "user grant anna --renew duty" in as_user(stoker, "anna", "session", "renew", "duty", ok=False).stderr
    as_user(stoker, "ops", "session", "renew", "duty")
    as_user(stoker, "boss", "session", "renew", "duty", "--reason", "night shift")
    stoker.run("user", "grant", "anna", "--renew", "duty")
    as_user(stoker, "anna", "session", "renew", "duty")
    assert stoker.one("SELECT generation FROM sessions WHERE name = 'duty'") == 3
    assert stoker.one("SELECT renewed_by FROM sessions WHERE name = 'duty'") == "anna"
    stoker.run("user", "revoke", "anna", "--renew", "duty")
    assert as_user(stoker, "anna", "session", "renew", "duty", ok=False).returncode == 77
    rows = json.loads(stoker.run("audit", "--json").stdout)["audit"]
    assert [(row["by"], row["reason"]) for row in rows if row["action"] == "session.credential"] == [
        ("anna", None), ("boss", "night shift"), ("ops", None)]


def test_without_renewers_and_rights_the_owner_renews_until_somebody_has_the_right(stoker):
    set_up(stoker, renewers="")
    stoker.run("session", "renew", "duty")
    add(stoker, "ops", "--renew", "duty")
    done = stoker.run("session", "renew", "duty", ok=False)
    assert done.returncode == 77 and "renewed by ops" in done.stderr and "--as NAME" in done.stderr


def test_roles_are_ranks(stoker):
    set_up(stoker)
    add(stoker, "vera", "--role", "viewer")
    add(stoker, "rita", "--role", "researcher")
    add(stoker, "otto", "--role", "operator")
    assert as_user(stoker, "vera", "status").returncode == 0
    assert as_user(stoker, "vera", "submit", "t", ok=False).returncode == 77
    as_user(stoker, "rita", "submit", "t")
    done = as_user(stoker, "rita", "queue", "pause", "t", ok=False)
    assert done.returncode == 77 and "rita has the role researcher; this takes operator" in done.stderr
    as_user(stoker, "otto", "queue", "pause", "t")
    assert "paused by otto" in " ".join(stoker.status()["problems"])
    assert as_user(stoker, "otto", "user", "list", ok=False).returncode == 77
    stoker.run("user", "grant", "otto", "--role", "admin")
    assert "otto" in as_user(stoker, "otto", "user", "list").stdout


@on_sqlite
def test_wrong_passwords_wait_ever_longer_also_after_a_restart(stoker):
    set_up(stoker)
    add(stoker, "anna")
    for _ in range(4):
        done = as_user(stoker, "anna", "status", password="wrong wrong", ok=False)
        assert done.returncode == 77 and "wrong name, password or token" in done.stderr
    unknown = as_user(stoker, "nobody", "status", password="wrong wrong", ok=False)
    assert "wrong name, password or token" in unknown.stderr, "the same words"
    row = next(row for row in json.loads(stoker.run("user", "list", "--json").stdout)["users"] if row["name"] == "anna")
    assert row["blocked_until"] is not None
    with contextlib.closing(sqlite3.connect(stoker.store)) as db, db:  # a wait that outlives a slow machine
        db.execute("UPDATE person SET blocked_until = blocked_until + 60000000000 WHERE name = 'anna'")
    done = as_user(stoker, "anna", "status", ok=False)
    assert done.returncode == 77 and "too many wrong passwords" in done.stderr, "the right one waits too"
    stoker.run("user", "password", "anna", "--password-stdin", input="another word 7\n")
    as_user(stoker, "anna", "status", password="another word 7")


def test_an_unknown_name_takes_as_long_as_a_wrong_password(stoker):
    set_up(stoker)
    add(stoker, "anna")
    spans = []
    for name in ("anna", "nobody"):
        before = time.monotonic()
        as_user(stoker, name, "status", password="wrong wrong", ok=False)
        spans.append(time.monotonic() - before)
    assert spans[1] > spans[0] / 3, spans


def test_a_token_acts_for_its_user_until_it_is_removed(stoker):
    set_up(stoker)
    stoker.run("user", "add", "robot", "--role", "researcher", "--renew", "duty", "--no-password")
    token = stoker.run("token", "add", "--user", "robot", "--label", "nightly", "--quiet").stdout.strip()
    assert token.startswith("stk_") and len(token) > 40
    stoker.run("submit", "t", env={"STOKER_TOKEN": token})
    stoker.run("session", "renew", "duty", env={"STOKER_TOKEN": token})
    assert stoker.one("SELECT renewed_by FROM sessions WHERE name = 'duty'") == "robot"
    assert stoker.run("queue", "pause", "t", env={"STOKER_TOKEN": token}, ok=False).returncode == 77
    stoker.run("token", "remove", "1")
    done = stoker.run("status", env={"STOKER_TOKEN": token}, ok=False)
    assert done.returncode == 77 and token not in done.stderr
    over = stoker.run("token", "add", "--user", "robot", "--expires", "1ms", "--quiet").stdout.strip()
    assert "over" in eventually(lambda: stoker.run("status", env={"STOKER_TOKEN": over}, ok=False).stderr)


def code_of(uri, at):
    key = base64.b32decode(re.search(r"secret=([A-Z2-7]+)", uri).group(1))
    digest = hmac.new(key, struct.pack(">Q", int(at) // 30), "sha1").digest()
    place = digest[-1] & 15
    return "%06d" % ((struct.unpack(">I", digest[place:place + 4])[0] & 0x7FFFFFFF) % 1000000)


@on_sqlite
@pytest.mark.parametrize("with_pool", [False, True])
def test_a_code_is_needed_too_and_good_once(stoker, with_pool):
    set_up(stoker)
    add(stoker, "ops", "--renew", "duty")
    uri = as_user(stoker, "ops", "user", "totp", "ops").stdout
    assert uri.startswith("otpauth://totp/stoker:ops?secret=")
    done = as_user(stoker, "ops", "session", "renew", "duty", ok=False)
    assert done.returncode == 77 and "--code" in done.stderr
    words = ("session", "renew", "duty", "--as", "ops", "--password-stdin", "--code")
    code = code_of(uri, time.time())
    stoker.run(*words, input=f"{PASSWORD}\n{code}\n")
    done = stoker.run(*words, input=f"{PASSWORD}\n{code}\n", ok=False)
    assert done.returncode == 77 and "used before" in done.stderr
    with contextlib.closing(sqlite3.connect(stoker.store)) as db, db:  # half a minute later
        db.execute("UPDATE person SET totp_step = totp_step - 9 WHERE name = 'ops'")
    if with_pool:
        stoker.start_pool()
    code = code_of(uri, time.time())  # status makes two calls: one sign-in
    stoker.run("status", "--as", "ops", "--password-stdin", "--code", input=f"{PASSWORD}\n{code}\n")
    stoker.run("user", "totp", "ops", "--off")
    as_user(stoker, "ops", "session", "renew", "duty")


@pytest.mark.parametrize("with_pool", [False, True])
def test_a_new_key_seals_all_anew_and_the_old_one_opens_nothing(stoker, with_pool):
    set_up(stoker)
    stoker.write("stoker.yaml", (stoker.folder / "stoker.yaml").read_text().replace("session: duty}", "session: lab}").replace(
        '["true"]', '[sh, -c, "cat <&$STOKER_SESSION_FD | wc -c"]'))
    if with_pool:
        stoker.start_pool()
    stoker.run("session", "import", "lab", input="sealed-secret-1\n")
    add(stoker, "ops")
    uri = stoker.run("user", "totp", "ops", "--quiet").stdout
    before = (stoker.folder / "stoker.key").read_text().splitlines()
    assert json.loads(stoker.run("key", "rotate", "--json").stdout)["sealed"] == 2
    after = (stoker.folder / "stoker.key").read_text().splitlines()
    assert after[1:] == before and len(after) == len(before) + 1
    if not with_pool:
        (stoker.folder / "stoker.key").write_text(after[0] + "\n")  # as if the old ones were taken out
    stoker.submit("t")
    if with_pool:
        stoker.wait_counts(completed=1)
    else:
        stoker.drain()
    assert stoker.job(1)["result"] == 15
    stoker.run("status", "--as", "ops", "--password-stdin", "--code", input=f"{PASSWORD}\n{code_of(uri, time.time())}\n")


@on_sqlite
def test_the_audit_finds_what_was_changed_behind_its_back(stoker):
    set_up(stoker)
    for name in ("anna", "ben", "clara"):
        add(stoker, name)
    assert stoker.run("audit", "--verify", "--quiet").stdout.strip() == "3"
    db = sqlite3.connect(stoker.store)
    with pytest.raises(sqlite3.DatabaseError):
        db.execute("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    triggers = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'audit'")]
    for name in triggers:
        db.execute(f"DROP TRIGGER {name}")
    db.execute("UPDATE audit SET actor = 'nobody' WHERE id = 2")
    db.commit()
    db.close()
    done = stoker.run("audit", "--verify", ok=False)
    assert done.returncode != 0 and "2" in done.stderr


@pytest.mark.parametrize("words,sentence", [
    (("user", "add", "a b"), "letters, digits"),
    (("user", "add", "x:y"), "letters, digits"),
    (("user", "add", "x", "--renew", "nosuch"), 'no session "nosuch"'),
    (("user", "add", "short", "--password-stdin"), "from 8 to"),
    (("user", "grant", "nobody", "--renew", "duty"), 'no user "nobody"'),
    (("user", "grant", "anna"), "say which right"),
    (("token", "add", "--user", "nobody"), 'no user "nobody"'),
    (("token", "add"), "say whose"),
    (("token", "remove", "99"), "99"),
    (("user", "remove", "nobody"), 'no user "nobody"'),
    (("user", "add", "anna", "--no-password"), "already"),
    (("status", "--as", "anna"), "--password-stdin"),
])
def test_bad_input_is_named(stoker, words, sentence):
    set_up(stoker)
    add(stoker, "anna")
    if words[:2] == ("user", "add") and "--password-stdin" not in words:
        words += ("--no-password",)
    done = stoker.run(*words, input="tiny\n", ok=False)
    assert done.returncode != 0 and sentence in done.stderr, done


def test_no_password_or_token_is_anywhere(stoker):
    set_up(stoker)
    pool = stoker.start_pool()
    add(stoker, "anna", "--role", "admin", "--renew", "duty")
    token = stoker.run("token", "add", "--user", "anna", "--quiet").stdout.strip()
    as_user(stoker, "anna", "session", "renew", "duty")
    as_user(stoker, "anna", "status", password=PASSWORD + "!", ok=False)
    stoker.run("submit", "t", env={"STOKER_TOKEN": token})
    stoker.wait_counts(completed=1)
    files = [path for path in stoker.folder.rglob("*") if path.is_file()]
    for secret in (PASSWORD, token):
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
    assert PASSWORD.encode() not in open(f"/proc/{pool.pid}/cmdline", "rb").read()
