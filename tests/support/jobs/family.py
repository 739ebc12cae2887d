#!/usr/bin/python3 -IS
"""family.py KIND FILE - starts processes that would like to outlive it, says so in ./history, waits for FILE."""
import os
import signal
import sys
import time

kind, until = sys.argv[1:3]
job = os.environ["STOKER_JOB_ID"]


def append(text):
    fd = os.open("history", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, f"{text} {job} {os.environ['STOKER_ATTEMPT_ID']} {time.clock_gettime(time.CLOCK_BOOTTIME):.3f}\n".encode())
    os.close(fd)


def linger():
    append("child")
    for fd in (0, 1, 2, 3):
        if kind != "keeps-stdout":
            os.close(fd)
    while True:
        time.sleep(60)


def background():
    if os.fork() == 0:
        linger()


def setsid():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            linger()
        os._exit(0)


def double_fork():
    child = os.fork()
    if child == 0:
        if os.fork() == 0:
            linger()
        os._exit(0)
    os.waitpid(child, 0)


def ignore_term():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    background()


{"background": background, "keeps-stdout": background, "setsid": setsid, "double-fork": double_fork,
 "ignore-term": ignore_term}[kind]()
append("begin")
while not os.path.exists(until):
    time.sleep(0.02)
append("end")
print('{"kind": "%s"}' % kind)
