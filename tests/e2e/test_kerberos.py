# SPDX-License-Identifier: MIT
"""A Kerberos ticket cache keeps a session: a real KDC on the loopback, as an ordinary program in a folder."""
import os
import shutil
import socket
import subprocess

import pytest

from conftest import clean_environment, eventually
from test_sessions import session

os.environ["PATH"] += os.pathsep + "/usr/sbin"
NEEDED = ("krb5kdc", "kdb5_util", "kadmin.local", "kinit", "klist", "kdestroy")
pytestmark = pytest.mark.skipif(not all(map(shutil.which, NEEDED)), reason="needs krb5-kdc and krb5-user")

REALM = "LAB.EXAMPLE"


class Kdc:
    """One realm, one person: ada, whose tickets can be renewed."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.cache = folder / "krb5cc"
        self.conf = folder / "krb5.conf"
        self.conf.write_text(
            f"[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n dns_canonicalize_hostname = false\n"
            f" udp_preference_limit = 1\n rdns = false\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n"
            f"[dbmodules]\n {REALM} = {{\n  db_library = db2\n  database_name = {folder}/principal\n }}\n")
        (folder / "kdc.conf").write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.port}\n kdc_tcp_listen = 127.0.0.1:{self.port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n"
            f"  acl_file = {folder}/acl\n  max_life = 1d\n  max_renewable_life = 7d\n }}\n"
            f"[logging]\n kdc = FILE:{folder}/kdc.log\n")
        self.env = clean_environment(KRB5_CONFIG=str(self.conf), KRB5_KDC_PROFILE=str(folder / "kdc.conf"),
                                     KRB5CCNAME=f"FILE:{self.cache}")
        self.tool("kdb5_util", "create", "-s", "-P", "master-key", "-W")
        self.tool("kadmin.local", "-q", f"modprinc -maxrenewlife 7d krbtgt/{REALM}")
        self.tool("kadmin.local", "-q", "addprinc -pw open-sesame -maxrenewlife 7d ada")
        self.process = subprocess.Popen([shutil.which("krb5kdc"), "-n"], env=self.env, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        eventually(self.answers, what="the KDC listens")

    def answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def tool(self, *words, input=None, ok=True):
        done = subprocess.run([shutil.which(words[0]), *words[1:]], env=self.env, input=input, capture_output=True,
                              text=True, timeout=60, check=False)
        assert done.returncode == 0 or not ok, done.stdout + done.stderr
        return done

    def sign_in(self, life="10h", renewable="7d"):
        """What a person does in the morning."""
        self.tool("kinit", "-l", life, "-r", renewable, "ada", input="open-sesame\n")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def kdc(stoker):
    folder = stoker.folder / "kdc"
    folder.mkdir()
    made = Kdc(folder)
    yield made
    made.stop()


def yaml(stoker, kdc, more=""):
    stoker.write("stoker.yaml", f"""\
        key_file: stoker.key
        workers: 4
        tasks:
          t:
            command: [sh, -c, "KRB5CCNAME=FILE:/dev/fd/$STOKER_SESSION_FD klist -s"]
            params: {{n: int}}
            session: cluster
        sessions:
          cluster:
            provider: file
            file: {kdc.cache}
            format: kerberos
            probe: [env, KRB5_CONFIG={kdc.conf}, klist, -s]
            renew: [env, KRB5_CONFIG={kdc.conf}, kinit, -R]
            {more}
        """)


def test_jobs_wait_for_a_ticket_and_run_with_it(stoker, kdc):
    yaml(stoker, kdc, "check_every: 1s")
    stoker.run("sweep", "t", "n=1:8:1")
    stoker.start_pool()
    eventually(lambda: "krb5cc" in session(stoker, "cluster")["reason"])
    assert stoker.counts() == {"pending": 8}
    kdc.sign_in()
    stoker.wait_counts(completed=8)
    row = session(stoker, "cluster")
    assert row["generation"] == 1 and 9.9 * 3600 < row["expires_in"] <= 10 * 3600
    assert stoker.sql("SELECT DISTINCT attempt FROM jobs") == [(1,)]


def test_a_ticket_is_renewed_before_it_ends_without_a_person(stoker, kdc):
    kdc.sign_in(life="10h")
    yaml(stoker, kdc, "renew_before: 11h")
    stoker.start_pool()
    eventually(lambda: session(stoker, "cluster")["generation"] >= 2, timeout=60, what="a second ticket")
    assert "renew until" in kdc.tool("klist").stdout
    stoker.submit("t", "n=1")
    stoker.wait_counts(completed=1)


def test_a_destroyed_cache_closes_the_gate_until_the_next_sign_in(stoker, kdc):
    kdc.sign_in()
    yaml(stoker, kdc, "check_every: 1s")
    stoker.start_pool()
    eventually(lambda: session(stoker, "cluster")["open"])
    kdc.tool("kdestroy")
    eventually(lambda: not session(stoker, "cluster")["open"], timeout=60)
    assert "No such file" in session(stoker, "cluster")["reason"]
    stoker.submit("t", "n=1")
    kdc.sign_in()
    stoker.wait_counts(completed=1, timeout=60)


def test_what_is_left_of_a_ticket_runs_on_when_the_kdc_is_gone(stoker, kdc):
    """A renewal that fails costs nothing while the ticket holds."""
    kdc.sign_in()
    yaml(stoker, kdc, "renew_before: 11h")
    kdc.stop()
    stoker.start_pool()
    stoker.submit("t", "n=1")
    stoker.wait_counts(completed=1)
    row = eventually(lambda: (row := session(stoker, "cluster"))["state"] == "expiring" and row["reason"] and row)
    assert "kinit" in row["reason"] and row["open"]
