# SPDX-License-Identifier: MIT
"""What must hold whatever happened: the invariants of docs/promises, checked after a run.

Reads the store's views and ./history, which the job program support/jobs/work.sh writes.
"""
import collections

Line = collections.namedtuple("Line", "what job attempt_id up")


def read_history(folder):
    path = folder / "history"
    lines = []
    for text in path.read_text().splitlines() if path.exists() else ():
        what, job, attempt_id, up = text.split()
        lines.append(Line(what, int(job), attempt_id, float(up)))
    return lines


def begun(folder):
    return [line for line in read_history(folder) if line.what == "begin"]


def ended(folder):
    return [line for line in read_history(folder) if line.what == "end"]


def check_executions(folder):
    """INV-6: the executions of one job never overlap."""
    lines = read_history(folder)
    overlaps = [line for line in lines if line.what == "overlap"]
    assert not overlaps, f"two attempts at a time: {overlaps}"

    last = {}
    for line in lines:
        if line.what == "begin":
            assert last.get(line.job) != line, "one attempt began twice"
            last[line.job] = line
        elif line.what == "end":
            begin = last.get(line.job)
            assert begin and begin.attempt_id == line.attempt_id, f"{line} ended after {begin} began"
            assert begin.up <= line.up
    attempts = collections.Counter(line.attempt_id for line in lines if line.what == "begin")
    assert all(count == 1 for count in attempts.values()), "an attempt id was used twice"


def check_counters(stoker):
    """The kept counters equal the rows, and every page of the store is whole."""
    findings = stoker.run("doctor", "--deep", json=True)["findings"]
    assert not [finding for finding in findings if finding["level"] == "bad"], findings
    kept = stoker.run("status", json=True)["jobs"]
    counted = dict(stoker.sql("SELECT state, count(*) FROM jobs GROUP BY state"))
    assert {state: number for state, number in kept.items() if number} == counted


def check_history(stoker, acked=(), pending=0):
    """INV-1 to INV-7 after everything has drained.

    acked: job id -> parameters as acknowledged. pending: jobs that are meant to be waiting still.
    """
    rows = {row[0]: row for row in stoker.sql(
        "SELECT id, state, params->>'n', result, attempt, interruptions FROM jobs")}
    for job, value in dict(acked).items():
        assert job in rows, f"acknowledged job {job} is lost"
        assert str(rows[job][2]) == str(value), f"job {job} is not the one acknowledged"

    states = collections.Counter(row[1] for row in rows.values())
    assert states["pending"] == pending and states["running"] == 0, states
    outcomes = collections.Counter(
        job for job, in stoker.sql("SELECT job_id FROM attempts WHERE outcome = 'completed'"))
    interrupted = collections.Counter(
        job for job, in stoker.sql("SELECT job_id FROM attempts WHERE outcome = 'interrupted'"))
    ends = collections.Counter(line.job for line in ended(stoker.folder))
    for job, (_, state, value, result, attempt, interruptions) in rows.items():
        if state != "completed":
            continue
        assert outcomes[job] == 1, f"job {job} has {outcomes[job]} outcomes"
        assert result == str(value), f"job {job} has the result of another: {result}, not {value}"
        assert attempt == 1, f"job {job}: an interruption cost an attempt"
        assert interruptions == interrupted[job]
        assert 1 <= ends[job] <= 1 + interruptions, f"job {job} ended {ends[job]} times"
    phantoms = {line.job for line in begun(stoker.folder)} - rows.keys()
    assert not phantoms, f"ran, but is not in the store: {phantoms}"

    check_executions(stoker.folder)
    check_counters(stoker)
