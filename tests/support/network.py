# SPDX-License-Identifier: MIT
"""Machines that are network namespaces, on a switch that is one, too: nothing of the host's own network is touched.

    with Network() as network:
        there = network.machine()          # there.address; [*there.within, PROGRAM, ...] runs it there
        there.cut()                        # packets vanish both ways, links stay up, nobody is told
        there.hear_nothing(4711)           # only those from that port or to it (None: all) vanish, as they come in
        there.heal()

A Unix socket is a file, and no packet: whoever connects through one is on every machine.
"""
import itertools
import os
import pathlib
import shutil
import subprocess

PREFIX = "stkt"
NAMES = pathlib.Path("/run/netns")
numbers = itertools.count(1)


def ip(*words, check=True):
    done = subprocess.run(["ip", *map(str, words)], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)
    assert not check or done.returncode == 0, f"ip {' '.join(map(str, words))}: {done.stderr}"
    return done


def why_not():
    """What this host lacks, or None."""
    if os.getuid() != 0:
        return "needs root, to make network namespaces"
    lacks = [program for program in ("ip", "iptables") if not shutil.which(program)]
    if lacks:
        return f"needs {' and '.join(lacks)}: Debian's iproute2, iptables"
    try:
        with Network() as network:
            one = network.machine()
            one.cut()
            one.heal()
            one.hear_nothing(1)
    except AssertionError as error:
        return f"this host lets nobody make network namespaces: {error}"
    return None


def remove_left_behind():
    """Of test runs that were killed."""
    for name in os.listdir(NAMES) if NAMES.exists() else ():
        made_by = name.removeprefix(f"{PREFIX}-").split("-")[0]
        if name.startswith(f"{PREFIX}-") and not pathlib.Path("/proc", made_by).exists():
            ip("netns", "del", name, check=False)


class Machine:
    def __init__(self, network, number):
        self.network, self.number = network, number
        self.name = network.name(number)
        self.address = f"10.91.7.{number}"
        self.within = ["ip", "netns", "exec", self.name]
        self.port = f"port{number}"
        ip("netns", "add", self.name)
        network.names.append(self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("link", "add", "eth0", "netns", self.name, "address", self.hardware(number), "type", "veth",
           "peer", "name", self.port, "netns", network.switch)
        ip("-n", network.switch, "link", "set", self.port, "master", "br0", "up")
        ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.name, "link", "set", "eth0", "up")

    @staticmethod
    def hardware(number):
        return f"02:00:00:00:07:{number:02x}"

    def know(self, other):
        """Where it is, for ever: a machine that nobody can ask for is found out at once, and not by silence."""
        ip("-n", self.name, "neighbour", "replace", other.address, "lladdr", self.hardware(other.number),
           "dev", "eth0", "nud", "permanent")

    def cut(self):
        ip("-n", self.network.switch, "link", "set", self.port, "nomaster")

    def heal(self):
        ip("-n", self.network.switch, "link", "set", self.port, "master", "br0")
        self._rules("-F")

    def hear_nothing(self, port=None):
        for option in ("--sport", "--dport") if port else ():
            self._rules("-A", "-p", "tcp", option, port, "-j", "DROP")
        if not port:
            self._rules("-A", "-j", "DROP")

    def _rules(self, verb, *words):
        ip("netns", "exec", self.name, "iptables", "-w", verb, "INPUT", *words)


class Network:
    def __init__(self):
        remove_left_behind()
        self.number = next(numbers)
        self.names, self.machines = [], []
        self.switch = self.name(0)
        ip("netns", "add", self.switch)
        self.names.append(self.switch)
        try:
            ip("-n", self.switch, "link", "add", "br0", "type", "bridge")
            ip("-n", self.switch, "link", "set", "br0", "up")
        except AssertionError:
            self.close()
            raise

    def name(self, number):
        return f"{PREFIX}-{os.getpid()}-{self.number}-{number}"

    def machine(self):
        made = Machine(self, len(self.machines) + 1)
        for other in self.machines:
            made.know(other)
            other.know(made)
        self.machines.append(made)
        return made

    def heal(self):
        for machine in self.machines:
            machine.heal()

    def close(self):
        for name in reversed(self.names):
            ip("netns", "del", name, check=False)
        self.names.clear()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


if __name__ == "__main__":
    print(why_not() or "network namespaces work here")
