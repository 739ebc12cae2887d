# SPDX-License-Identifier: MIT
"""Sessions, as they failed somebody once: each story with its number, over the whole program. tests/README.md lists all."""
import concurrent.futures
import signal

import pytest

from conftest import BUILD, eventually
from simulator import Simulator
from test_authority import CHALLENGE, FORM, lab as session, set_up, sign_in, wait_state

@pytest.fixture
def sim():
    with Simulator() as simulator:
        yield simulator


class Clock:
    """Of a whole pool, and of the database that it shares: what they take for now, moved while they run."""

    def __init__(self, stoker):
        module = BUILD / "tests/moved_clock.so"
        assert module.exists(), f"no {module}: build it first"
        self.path = stoker.server.moved if stoker.database else stoker.folder / "moved"
        self.moved = 0
        self.move(0)
        self.env = {"LD_PRELOAD": str(module), "MOVED_CLOCK": str(self.path)}

    def move(self, seconds, only=""):
        """As if they had slept; with only="wall" as if somebody had set the time."""
        new = self.path.with_suffix(".new")
        self.moved += seconds
        new.write_text(f"{self.moved} {only}")
        new.chmod(0o644)
        new.rename(self.path)


@pytest.fixture
def clock(stoker):
    made = Clock(stoker)
    yield made
    made.path.write_text("0")


def calls(sim, *names):
    """How often the authority was asked for something that counts against somebody."""
    return tuple(sim.counter(name) for name in names or ("logins", "form_logins", "mints", "challenge_gets", "finishes"))


# --- invariants ---------------------------------------------------------------

def test_I2_a_job_sees_the_credential_of_its_generation_or_a_later_one_never_an_earlier(stoker, sim):
    """A credential and its number are one commit: twenty renewals under four workers, a job after each."""
    stoker.yaml(f"""\
key_file: stoker.key
workers: 4
tasks:
  see: {{command: [sh, -c, "cat <&$STOKER_SESSION_FD > seen-$1", "sh", "{{n}}"], params: {{n: int}}, session: lab}}
sessions:
  lab: {{url: "{sim.url}", provider: manual, lifetime: 1h}}
""")
    stoker.start_pool()
    for n in range(1, 21):
        stoker.run("session", "import", "lab", input=f"secret-number-{n}\n")
        stoker.submit("see", f"n={n}")
    stoker.wait_counts(completed=20)
    seen = [int((stoker.folder / f"seen-{n}").read_text().strip().rpartition("-")[2]) for n in range(1, 21)]
    assert all(shown >= n for n, shown in enumerate(seen, 1)), seen
    assert session(stoker)["generation"] == 20


def test_I9_those_who_wait_for_a_person_end_with_the_pool_and_go_on_with_the_next(stoker, sim):
    set_up(stoker, sim, CHALLENGE, workers=8)
    stoker.run("sweep", "call", "n=1:8:1")
    for end in ("stop", "kill9", None):
        pool = stoker.start_pool()
        eventually(lambda: session(stoker)["waiting_workers"] == 8)
        if end:
            getattr(pool, end)()
    assert stoker.counts() == {"pending": 8}
    sign_in(stoker, sim)
    stoker.wait_counts(completed=8)
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]


def test_I9_F14_a_renewal_that_fails_leaves_them_waiting_and_a_later_one_wakes_them(stoker, sim):
    set_up(stoker, sim, FORM, workers=8)
    sim.set(password="another one")
    stoker.run("sweep", "call", "n=1:16:1")
    stoker.start_pool()
    wait_state(stoker, "rejected")
    eventually(lambda: session(stoker)["waiting_workers"] == 8)
    sim.set(password="correct horse")
    stoker.run("session", "login", "lab")
    stoker.wait_counts(completed=16)
    assert stoker.sql("SELECT DISTINCT attempt, session_waits FROM jobs") == [(1, 0)]


def test_I12_F6_F19_looking_and_checking_signs_nobody_in_and_opens_no_link(stoker, sim):
    set_up(stoker, sim, CHALLENGE.replace("poll: 1s", "poll: 10m"))
    stoker.start_pool()
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    before = calls(sim)
    for words in (("session", "status"), ("status",), ("session", "check", "lab"), ("doctor",)) * 3:
        stoker.run(*words, ok=False)
    assert calls(sim) == before == (1, 0, 1, 0, 0)
    sim.person(action="pass")
    stoker.run("session", "done", "lab", ok=False)
    wait_state(stoker, "valid")
    signed_in, checks = calls(sim), sim.counter("checks")
    stoker.run("sweep", "call", "n=1:8:1")
    stoker.run("session", "check", "lab")
    eventually(lambda: sim.counter("checks") > checks, what="it was checked indeed")
    stoker.wait_counts(completed=8)
    assert calls(sim) == signed_in, "a check of a session that is used signs nobody in"


def test_I8_F38_twelve_hours_without_a_person_cost_nothing(stoker, sim, clock):
    """Jobs at the authority with a time limit of a minute, jobs that wait, and nobody there until noon."""
    sim.set(slots=0, zombie=True)
    set_up(stoker, sim, CHALLENGE)
    config = (stoker.folder / "stoker.yaml").read_text()
    stoker.write("stoker.yaml", config.replace("sessions:\n", f"""\
  there:
    params: {{n: int}}
    session: lab
    time_limit: 1m
    retry: {{attempts: 1}}
    http:
      submit: {{url: "{sim.url}/tasks", json: {{type: REGULAR, settings: {{n: "{{n}}"}}}}}}
      handle: {{header: Location}}
      poll: {{url: "{{handle}}", every: 1s}}
      running: {{missing: /status}}
      completed: {{pointer: /status, in: [COMPLETE]}}
      result: {{url: "{sim.url}/results/{{/result}}"}}
sessions:
""", 1))
    pool = stoker.start_pool(env=clock.env)
    sign_in(stoker, sim)
    stoker.run("sweep", "there", "n=1:10:1")
    eventually(lambda: sim.counter("submits") == 10 and min(sim.state()["polls"].values()) >= 2)
    sim.person(action="evict")
    stoker.run("session", "check", "lab")
    wait_state(stoker, "await_ready")
    stoker.run("sweep", "call", "n=1:10:1")
    asked = calls(sim)
    clock.move(12 * 3600)
    sim.set(clock_shift_s=12 * 3600)
    eventually(lambda: session(stoker)["waiting_workers"] == 8)
    assert stoker.counts() == {"running": 10, "pending": 10} and calls(sim) == asked
    polls = max(sim.state()["polls"].values())
    sign_in(stoker, sim)
    eventually(lambda: min(sim.state()["polls"].values()) > polls + 1, what="they run there still, and that is known here")
    sim.set(zombie=False)
    stoker.wait_counts(completed=20)
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]
    assert sim.counter("submits") == 10 and sim.counter("cancels") == 0 and pool.is_alive()
    assert sim.counter("mints") == 2, "one sign-in for each time that somebody was there"


def test_I17_F16_a_clock_that_jumps_loses_no_session_and_trusts_none_blindly(stoker, sim, clock):
    sim.set(lifetime_s=14400)
    set_up(stoker, sim, CHALLENGE + "    check_every: 1s\n")
    stoker.start_pool(env=clock.env)
    sign_in(stoker, sim)
    asked = calls(sim)
    for number, hours in enumerate((3, -4, 2), 1):
        checks = sim.counter("checks")
        clock.move(hours * 3600, only="wall")
        stoker.run("session", "check", "lab")
        eventually(lambda before=checks: sim.counter("checks") > before)
        row = eventually(lambda: session(stoker) if 14300 < (session(stoker)["expires_in"] or 0) <= 14400 else None,
                         what="the end is anchored anew")
        assert row["state"] == "valid" and row["generation"] == 1
        stoker.submit("call", f"n={number}")
        stoker.wait_counts(completed=number)
    assert calls(sim) == asked and sim.counter("mints") == 1


# --- renewals -----------------------------------------------------------------

def test_F4_R_F2_sixty_four_refusals_at_a_time_are_one_renewal(stoker, sim):
    """All are in a request when the session ends, and are refused together."""
    set_up(stoker, sim, FORM, workers=64)
    stoker.start_pool()
    wait_state(stoker, "valid")
    sim.set(hold_path="/tasks")
    stoker.run("sweep", "call", "n=1:64:1")
    eventually(lambda: sim.counter("held") == 64, what="64 requests are under way", timeout=60)
    sim.person(action="evict-form")
    sim.set(hold_path="")
    stoker.wait_counts(completed=64, timeout=60)
    assert sim.counter("unauthorized") == 64 and sim.counter("form_logins") == 2
    assert stoker.sql("SELECT DISTINCT attempt, session_waits FROM jobs") == [(1, 1)]
    assert session(stoker)["generation"] == 2


def test_F7_a_cookie_that_comes_with_another_path_takes_the_place_of_the_old_one(stoker, sim):
    sim.set(cookie_path_varies=True, challenge_due=False)
    set_up(stoker, sim, CHALLENGE)
    stoker.start_pool()
    stoker.run("session", "login", "lab")
    for generation in (2, 3, 4):
        stoker.run("session", "ready", "lab", ok=False)
        eventually(lambda: session(stoker)["state"] == "valid")
        stoker.run("session", "renew", "lab")
        eventually(lambda least=generation: session(stoker)["generation"] >= least)
    stoker.run("sweep", "call", "n=1:8:1")
    stoker.wait_counts(completed=8)
    assert sim.counter("unauthorized") == 0, "one cookie of that name is shown, and it is the newest"


def test_F8_a_session_that_ends_early_is_noticed_before_a_job_is_refused(stoker, sim):
    set_up(stoker, sim, FORM + "    check_every: 1s\n")
    stoker.start_pool()
    wait_state(stoker, "valid")
    sim.person(action="evict-form")
    eventually(lambda: session(stoker)["generation"] == 2)
    stoker.run("sweep", "call", "n=1:8:1")
    stoker.wait_counts(completed=8)
    assert sim.counter("unauthorized") == 0


@pytest.mark.parametrize("status", ["401", "204", "302", "200-html"])
def test_F9_F10_a_check_knows_a_lost_session_however_it_is_said(stoker, sim, status):
    sim.set(expired_status=status)
    set_up(stoker, sim, CHALLENGE)
    stoker.start_pool()
    sign_in(stoker, sim)
    sim.person(action="evict")
    stoker.run("session", "check", "lab")
    assert wait_state(stoker, "await_ready")["generation"] == 1


def test_F15_a_queue_that_opens_after_a_cooldown_asks_its_session_first(stoker, sim):
    """Throttled, and meanwhile the session ends: nothing goes out with it when the cooldown is over."""
    set_up(stoker, sim, CHALLENGE)
    config = (stoker.folder / "stoker.yaml").read_text()
    wait = 'test -e told && exec /usr/bin/python3 call.py $0 0; touch told; echo \\"retry_after: 2\\"; exit 75'
    stoker.write("stoker.yaml", config.replace('[/usr/bin/python3, call.py, "' + sim.url + '", "0"]',
                                               f'[sh, -c, "{wait}", "{sim.url}"]')
                 .replace("    session: lab", "    session: lab\n    limits: [api]") + "limits:\n  api: {cooldown: 2s}\n")
    stoker.start_pool()
    sign_in(stoker, sim)
    stoker.submit("call", "n=1")
    eventually(lambda: stoker.status()["limits"][0]["state"] == "cooldown")
    sim.person(action="evict")
    stoker.run("session", "check", "lab")
    wait_state(stoker, "await_ready")
    eventually(lambda: stoker.status()["limits"][0]["state"] == "open")
    assert stoker.counts() == {"pending": 1} and sim.counter("unauthorized") == 0
    sign_in(stoker, sim)
    stoker.wait_counts(completed=1)
    assert stoker.one("SELECT attempt FROM jobs") == 1 and sim.counter("unauthorized") == 0


# --- challenges ---------------------------------------------------------------

def test_F18_I11_two_who_say_ready_at_a_time_make_one_challenge(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    stoker.start_pool()
    wait_state(stoker, "none")
    with concurrent.futures.ThreadPoolExecutor(4) as people:
        list(people.map(lambda _: stoker.run("session", "ready", "lab", ok=False), range(4)))
    wait_state(stoker, "challenge_open")
    assert (sim.counter("logins"), sim.counter("mints")) == (1, 1)


def test_F20_a_new_challenge_is_asked_for_without_the_old_cookie(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    stoker.start_pool()
    sign_in(stoker, sim)
    first = sim.state()["challenge"]
    sim.person(action="evict")
    stoker.run("session", "check", "lab")
    wait_state(stoker, "await_ready")
    sign_in(stoker, sim)
    assert sim.counter("dirty_jars") == 0 and sim.state()["challenge"] != first


def test_F21_a_completion_that_lands_after_its_time_out_is_found_by_a_check(stoker, sim):
    set_up(stoker, sim, CHALLENGE + "    timeout: 1s\n")
    sim.set(finalize_delay_s=3, finalize_lands_after_timeout=True)
    stoker.start_pool()
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    sim.person(action="pass")
    stoker.run("session", "done", "lab", ok=False)
    assert wait_state(stoker, "valid")["generation"] == 1
    assert sim.counter("mints") == 1


def test_F23_I10_eleven_restarts_in_a_lock_out_ask_nothing_and_only_a_person_ends_it(stoker, sim):
    set_up(stoker, sim, CHALLENGE)
    sim.set(mint_limit=1, lockout_s=300)
    pool = stoker.start_pool()
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    stoker.run("session", "cancel", "lab")
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "auth_locked")
    asked = calls(sim)
    for turn in range(11):
        pool.signal(signal.SIGKILL if turn % 2 else signal.SIGTERM)
        pool.wait()
        pool = stoker.start_pool()
        assert session(stoker)["state"] == "auth_locked"
    for words in (("login",), ("ready",), ("check",), ("renew",)):
        stoker.run("session", *words, "lab", ok=False)
    assert calls(sim) == asked
    sim.set(clock_shift_s=301)  # there it is over; here only a person can know
    refused = stoker.run("session", "unlock", "lab", ok=False)
    assert refused.returncode != 0 and "reason" in refused.stderr
    stoker.run("session", "unlock", "lab", "--reason", "the authority's help desk says so")
    eventually(lambda: session(stoker)["state"] != "auth_locked")
    audit = stoker.run("audit").stdout
    assert stoker.me in audit and "the authority's help desk says so" in audit


def test_F27_F24_a_challenge_that_nobody_opens_ends_and_makes_no_loop(stoker, sim, clock):
    set_up(stoker, sim, CHALLENGE)
    stoker.start_pool(env=clock.env)
    stoker.run("session", "ready", "lab")
    wait_state(stoker, "challenge_open")
    clock.move(31 * 60)
    sim.set(clock_shift_s=31 * 60)
    eventually(lambda: session(stoker)["state"] in ("needs_human", "await_ready"), what="it is over")
    asked = calls(sim)
    clock.move(12 * 3600)
    stoker.run("session", "check", "lab", ok=False)  # wakes the keeper: what is due is done now
    eventually(lambda: session(stoker)["state"] == "await_ready")
    stoker.submit("call", "n=1")
    eventually(lambda: session(stoker)["waiting_workers"] == 1)
    assert calls(sim) == asked and sim.counter("mints") == 1


def test_F28_a_sign_in_that_was_due_while_no_pool_ran_is_asked_for_by_the_next(stoker, sim, clock):
    set_up(stoker, sim, CHALLENGE)
    stoker.yaml((stoker.folder / "stoker.yaml").read_text() + "notify:\n  desk: {hook: [sh, -c, \"cat >> told; echo >> told\"]}\n")
    pool = stoker.start_pool(env=clock.env)
    sign_in(stoker, sim)
    pool.stop()
    (stoker.folder / "told").unlink(missing_ok=True)
    clock.move(5 * 3600)
    sim.set(clock_shift_s=5 * 3600)
    stoker.submit("call", "n=1")
    stoker.start_pool(env=clock.env)
    assert wait_state(stoker, "await_ready")["needs_person"]
    eventually(lambda: (stoker.folder / "told").exists())
    assert '"session.action_required"' in eventually(lambda: (stoker.folder / "told").read_text())


def test_F62_files_with_a_byte_order_mark_are_read(stoker, sim):
    set_up(stoker, sim, FORM)
    path = stoker.folder / "password"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    stoker.submit("call", "n=1")
    stoker.start_pool()
    stoker.wait_counts(completed=1)
    assert sim.counter("wrong_passwords") == 0


DEVICE = """\
    provider: oauth-device
    device: /device_authorization
    token: /token
    check: /userinfo
    client_id: stoker
    challenge: {poll: 1s, ask_ready: true}
    renew_before: 3s
"""


def test_R_F3_R_F4_a_pool_that_dies_with_a_spent_refresh_token_spends_it_once(stoker, sim):
    """The authority has rotated it, nobody has stored the new one: a person is asked, and there is no storm."""
    sim.set(device_interval_s=1, lifetime_s=5)
    set_up(stoker, sim, DEVICE)
    pool = stoker.start_pool()
    stoker.run("session", "ready", "lab")
    code = wait_state(stoker, "challenge_open")["code"]
    sim.person(code=code, action="pass")
    wait_state(stoker, "valid")
    sim.set(hold_path="/token", hold_judged=True)
    eventually(lambda: sim.counter("held") == 1, what="a refresh is under way")
    pool.kill9()
    sim.set(hold_path="")
    stoker.start_pool()
    row = eventually(lambda: session(stoker) if session(stoker)["needs_person"] else None)
    stoker.submit("call", "n=1")
    assert row["generation"] == 1 and 'session "lab"' in stoker.why(1) and "stoker session ready lab" in stoker.why(1)
    assert (sim.counter("refreshes"), sim.counter("reuses")) == (1, 0)
    assert stoker.counts() == {"pending": 1}
    stoker.run("session", "ready", "lab")
    sim.set(lifetime_s=600)
    code = wait_state(stoker, "challenge_open")["code"]
    sim.person(code=code, action="pass")
    stoker.wait_counts(completed=1)
    assert stoker.one("SELECT attempt FROM jobs") == 1
