# SPDX-License-Identifier: MIT
"""Sweeps: which points they make, that each is run once, and what comes out as results."""
import csv
import io
import itertools
import json
import math
import signal

import pytest

from conftest import eventually, on_sqlite
from history import begun, check_history

TASKS = """\
mul:
  command: [./mul, "{a}", "{b}"]
  params: {a: int, b: {type: float, default: 1}, note: {type: text, default: ""}}
  retry: {attempts: 1}
"""
MUL = """\
#!/usr/bin/python3 -IS
import os, sys
a, b = int(sys.argv[1]), float(sys.argv[2])
if a < 0 and not os.path.exists("mended"):
    sys.exit(3)
print('{"product": %r, "sum": %r, "even": %s, "deep": {"a": [%d]}}' % (a * b, a + b, str(a % 2 == 0).lower(), a))
"""


@pytest.fixture
def sweeps(stoker):
    stoker.yaml(TASKS)
    stoker.script("mul", MUL)
    return stoker


def points(stoker, columns="a"):
    """What the jobs of the store stand for, in order of id."""
    names = columns.split(",")
    query = ", ".join(f"params->>'{name}'" for name in names)
    rows = stoker.sql(f"SELECT {query} FROM jobs ORDER BY id")
    return [row[0] if len(names) == 1 else row for row in rows]


# ---- the points


@pytest.mark.parametrize("values, expected", [
    ("1,2,5", [1, 2, 5]),
    ("5:20:5", [5, 10, 15, 20]),
    ("5:19:5", [5, 10, 15]),
    ("1:4", [1, 2, 3, 4]),
    ("10:1:-3", [10, 7, 4, 1]),
    ("1,2,10:20:5", [1, 2, 10, 15, 20]),
    ("3,3,3", [3]),
    ("-2:2", [-2, -1, 0, 1, 2]),
    ("7", [7]),
    ("9007199254740993", [9007199254740993]),
])
def test_values_are_lists_and_ranges(sweeps, values, expected):
    answer = sweeps.run("sweep", "mul", f"a={values}", json=True)
    assert answer == {"sweep_id": 1, "points": len(expected), "new": len(expected), "existing": 0, "filled": True}
    assert points(sweeps) == expected


def test_float_ranges_are_exact(sweeps):
    sweeps.run("sweep", "mul", "a=1", "b=0.1:1:0.1")
    texts = [row[0] for row in sweeps.sql("SELECT params->'b' FROM jobs ORDER BY id")]
    assert texts == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]


def test_axes_are_combined_each_with_each_the_last_one_fastest(sweeps):
    sweeps.run("sweep", "mul", "a=1:3", "b=0.5,1.5", "note=x,y")
    assert points(sweeps, "a,b,note") == list(itertools.product([1, 2, 3], [0.5, 1.5], ["x", "y"]))


def test_zip_walks_axes_together(sweeps):
    sweeps.run("sweep", "mul", "a=1,2,3", "b=10,20,30", "note=x,y", "--zip", "a,b")
    assert points(sweeps, "a,b,note") == [(a, a * 10.0, note) for a in (1, 2, 3) for note in "xy"]


def test_zip_of_different_lengths_is_refused(sweeps):
    done = sweeps.run("sweep", "mul", "a=1,2,3", "b=10,20", "--zip", "a,b", ok=False)
    assert done.returncode == 64 and '"a"' in done.stderr and '"b"' in done.stderr


def test_a_comma_in_a_text_is_written_with_a_backslash(sweeps):
    sweeps.run("sweep", "mul", "a=1", "note=one\\, two,three")
    assert points(sweeps, "note") == ["one, two", "three"]


def test_where_leaves_points_out(sweeps):
    answer = sweeps.run("sweep", "mul", "a=1:10", "b=1:10", "--where", "a < b AND a % 2 = 0", json=True)
    expected = [(a, b) for a in range(1, 11) for b in range(1, 11) if a < b and a % 2 == 0]
    assert answer["points"] == len(expected) and points(sweeps, "a,b") == expected


@pytest.mark.parametrize("expression", [
    "a < (SELECT count(*) FROM job)",
    "1); DROP TABLE job; --",
    "1) OR (1",
    "a < 5 -- comment",
    "a < 5 /* comment",
    "load_extension('x')",
    "random() > 0",
    "readfile('/etc/passwd') > ''",
    "c < 5",
    "a <",
    "",
    "a IN (VALUES (1))",
    "EXISTS (SELECT 1)",
    "sum(a) > 1",
    "a = ?1",
    "a < 5; SELECT 1",
    "(WITH RECURSIVE r(n) AS (VALUES (1)) SELECT n FROM r) > 0",
])
def test_where_is_an_expression_and_nothing_else(sweeps, expression):
    done = sweeps.run("sweep", "mul", "a=1:3", "--where", expression, ok=False)
    assert done.returncode == 64 and "where" in done.stderr, done
    assert sweeps.run("jobs", ok=False).returncode in (0, 66)
    if sweeps.store.exists():
        assert sweeps.one("SELECT count(*) FROM jobs") == 0


def test_a_sample_is_the_same_for_the_same_seed_and_another_for_another(sweeps):
    def sample(*options):
        return [row["a"] for row in
                sweeps.run("sweep", "mul", "a=1:1000", "--sample", 10, *options, "--dry-run", json=True)["sample"]]

    seven = sample("--seed", 7)
    assert len(set(seven)) == 10 and seven == sorted(seven)
    assert sample("--seed", 7) == seven and sample("--seed", 8) != seven
    sweeps.run("sweep", "mul", "a=1:1000", "--sample", 10, "--seed", 7)
    assert points(sweeps) == seven


def test_a_sample_larger_than_the_sweep_is_all_of_it(sweeps):
    assert sweeps.run("sweep", "mul", "a=1:5", "--sample", 100, json=True)["points"] == 5


def test_points_come_from_a_csv_file_with_all_its_quoting(sweeps):
    sweeps.write("p.csv", '\ufeffnote,a\r\nplain,1\r\n"with ""quotes"", and commas",2\r\n"",3\r\n\r\n')
    sweeps.run("sweep", "mul", "--from", "p.csv", "b=1,2")
    texts = ["plain", 'with "quotes", and commas', ""]
    assert points(sweeps, "note,a,b") == [(text, i + 1, b) for i, text in enumerate(texts) for b in (1.0, 2.0)]


def test_points_come_from_json_lines(sweeps):
    sweeps.write("p.jsonl", '{"a": 1, "b": 0.5}\n\n{"a": 2, "b": 1e3}\n')
    sweeps.run("sweep", "mul", "--from", "p.jsonl")
    assert points(sweeps, "a,b") == [(1, 0.5), (2, 1000.0)]


def test_a_dry_run_stores_nothing(sweeps):
    answer = sweeps.run("sweep", "mul", "a=1:50", "--dry-run", json=True)
    assert answer["points"] == 50
    assert [row["a"] for row in answer["sample"]] == list(range(1, 11))
    text = sweeps.run("sweep", "mul", "a=1:50", "--dry-run").stdout
    assert "50 jobs" in text
    if sweeps.store.exists():
        assert sweeps.sql("SELECT * FROM jobs") == [] and sweeps.sql("SELECT * FROM sweeps") == []


def test_a_sweep_above_the_limit_wants_yes(sweeps):
    sweeps.yaml("store: sqlite:stoker.db\nsweep_confirm: 100\ntasks:\n"
                + "".join("  " + line + "\n" for line in TASKS.splitlines()))
    done = sweeps.run("sweep", "mul", "a=1:101", ok=False)
    assert done.returncode == 65 and "101 jobs" in done.stderr and "--yes" in done.stderr
    assert not sweeps.store.exists() or sweeps.sql("SELECT * FROM sweeps") == []
    assert sweeps.run("sweep", "mul", "a=1:100", json=True)["points"] == 100
    assert sweeps.run("sweep", "mul", "a=1:101", "--yes", json=True)["points"] == 101


def test_a_sweep_without_a_point_is_refused(sweeps):
    done = sweeps.run("sweep", "mul", "a=1:5", "--where", "a > 5", ok=False)
    assert done.returncode == 64 and "no point is left" in done.stderr


# ---- extending, retrying


def test_extending_adds_only_what_is_new_and_no_point_runs_twice(sweeps):
    sweeps.script("mul", MUL + "open('ran', 'a').write(sys.argv[1] + '\\n')\n")
    sweeps.run("sweep", "mul", "a=1:5", "--name", "first")
    sweeps.drain()
    answer = sweeps.run("sweep", "extend", "last", "a=3:8", json=True)
    assert (answer["points"], answer["new"], answer["existing"]) == (6, 3, 3)
    answer = sweeps.run("sweep", "extend", "1", "a=1:8", json=True)
    assert (answer["new"], answer["existing"]) == (0, 8)
    sweeps.drain()
    assert sorted((sweeps.folder / "ran").read_text().split()) == list("12345678")
    assert sweeps.one("SELECT points, filled, completed, name FROM sweeps") == (8, 1, 8, "first")
    assert sweeps.one("SELECT count(*) FROM events WHERE kind = 'sweep.extended'") == 2


def test_extending_in_the_pool_counts_the_same(sweeps):
    sweeps.start_pool()
    sweeps.run("sweep", "mul", "a=1:5")
    answer = sweeps.run("sweep", "extend", "last", "a=3:8", json=True)
    assert (answer["points"], answer["new"], answer["existing"]) == (6, 3, 3)
    sweeps.wait_counts(completed=8)


def test_equal_points_of_two_sweeps_are_jobs_of_their_own(sweeps):
    for _ in range(2):
        sweeps.run("sweep", "mul", "a=1:3")
    assert sweeps.one("SELECT count(*) FROM jobs") == 6


def test_sweep_retry_puts_back_what_failed_and_nothing_else(sweeps):
    sweeps.run("sweep", "mul", "a=-3:3")
    sweeps.drain()
    assert sweeps.one("SELECT completed, failed FROM sweeps") == (4, 3)
    sweeps.touch("mended")
    answer = sweeps.run("sweep", "retry", "last", json=True)
    assert answer["changed"] == 3
    sweeps.drain()
    assert sweeps.one("SELECT completed, failed, finished_at IS NOT NULL FROM sweeps") == (7, 0, 1)
    assert sweeps.one("SELECT max(attempt) FROM jobs") == 1
    assert sweeps.one("SELECT count(*) FROM attempts") == 10


def test_sweep_cancel_cancels_what_has_not_ended(sweeps):
    sweeps.run("sweep", "mul", "a=1:3")
    sweeps.drain()
    sweeps.run("sweep", "extend", "last", "a=4:6")
    assert sweeps.run("sweep", "cancel", "1", json=True)["changed"] == 3
    assert sweeps.one("SELECT completed, cancelled FROM sweeps") == (3, 3)
    shown = sweeps.run("sweep", "show", "1", json=True)
    assert shown["counts"]["cancelled"] == 3 and shown["points"] == 6 and shown["filled"] is True


# ---- results


@pytest.fixture
def filled(sweeps):
    sweeps.run("sweep", "mul", "a=1:4", "b=0.1,0.25,3", "note=with \"quotes\"\\, and commas")
    sweeps.drain()
    return sweeps


def expected_rows(stoker):
    return {job: (json.loads(params), json.loads(result)) for job, params, result in
            stoker.sql("SELECT id, params, result FROM jobs WHERE state = 'completed'")}


def test_results_as_json_agree_with_sql(filled):
    rows = filled.run("results", "--sweep", "last", json=True)["results"]
    assert {row["id"]: (row["params"], row["result"]) for row in rows} == expected_rows(filled)


def flat(expected):
    return {job: {"id": job, **params, **result} for job, (params, result) in expected.items()}


def test_results_as_json_lines_are_columns_and_agree_with_sql(filled):
    lines = filled.run("results", "--format", "jsonl").stdout.splitlines()
    rows = [json.loads(line) for line in lines]
    assert {row["id"]: row for row in rows} == flat(expected_rows(filled))


def test_results_as_a_json_array_are_columns_and_agree_with_sql(filled):
    rows = json.loads(filled.run("results", "--sweep", "last", "--format", "json").stdout)
    assert {row["id"]: row for row in rows} == flat(expected_rows(filled))
    best = json.loads(filled.run("results", "--format", "json", "--sort", "product", "--desc", "--limit", 1).stdout)
    assert [row["product"] for row in best] == [12.0]


def test_results_as_csv_agree_with_sql(filled):
    rows = list(csv.DictReader(io.StringIO(filled.run("results", "--task", "mul", "--format", "csv").stdout, newline="")))
    expected = expected_rows(filled)
    assert len(rows) == len(expected) == 12
    for row in rows:
        params, result = expected[int(row["id"])]
        assert (int(row["a"]), float(row["b"]), row["note"]) == (params["a"], params["b"], params["note"])
        assert float(row["product"]) == result["product"] and float(row["sum"]) == result["sum"]
        assert json.loads(row["even"]) == result["even"] and json.loads(row["deep"]) == result["deep"]


def test_results_as_a_table_are_sorted_and_cut(filled):
    lines = filled.run("results", "--sort", "product", "--desc", "--limit", 3, "--columns", "id,a,b,product").stdout.splitlines()
    assert lines[0].split() == ["id", "a", "b", "product"]
    best = [[float(word) for word in line.split()[1:]] for line in lines[1:4]]
    assert best == [[4, 3, 12], [3, 3, 9], [2, 3, 6]]
    assert "more rows" in lines[4]


@on_sqlite
def test_sql_reads_parameters_and_results_without_help(filled):
    best = filled.sql("SELECT params->>'a', params->>'b', result->>'product' FROM jobs ORDER BY result->>'product' DESC LIMIT 1")
    assert best == [(4, 3.0, 12.0)]


def test_a_result_streams_more_rows_than_one_page(stoker):
    stoker.yaml("t: {command: [/bin/echo, '{n}'], params: {n: int}}")
    stoker.run("sweep", "t", "n=1:1200")
    stoker.drain("--workers", 16)
    rows = list(csv.DictReader(io.StringIO(stoker.run("results", "--format", "csv").stdout)))
    assert [int(row["n"]) for row in rows] == list(range(1, 1201)) == [int(row["result"]) for row in rows]


# ---- filling that is cut short


@on_sqlite
def test_a_sweep_that_was_half_filled_when_its_pool_died_is_filled_by_the_next(stoker):
    """Without faults in the build: the sweep is long, and the pool is killed as soon as a part is in."""
    stoker.yaml("t: {command: [/bin/true], params: {n: int}}")
    stoker.run("queue", "pause", "t")
    pool = stoker.start_pool()
    client = stoker.spawn("sweep", "t", "n=1:90000", stdout=-3, stderr=-3)
    eventually(lambda: stoker.one("SELECT count(*) FROM jobs") > 0)
    pool.kill9()
    client.wait(60)
    before = stoker.one("SELECT count(*) FROM jobs")
    filled = stoker.one("SELECT filled FROM sweeps")
    pool = stoker.start_pool()
    eventually(lambda: stoker.one("SELECT filled FROM sweeps") == 1, 60)
    assert stoker.one("SELECT count(*), count(DISTINCT params->>'n'), min(params->>'n'), max(params->>'n') FROM jobs") \
        == (90000, 90000, 1, 90000)
    assert stoker.one("SELECT points, pending FROM sweeps") == (90000, 90000)
    assert filled == 0 and before < 90000, "it was filled before it could be killed"
    assert pool.stop() == 0


def test_ctrl_c_while_a_sweep_is_filled_here_stops_in_good_order(stoker):
    stoker.yaml("t: {command: [/bin/true], params: {n: int}}")
    stoker.run("queue", "pause", "t")
    client = stoker.spawn("sweep", "t", "n=1:90000", stdout=-3, stderr=-1)
    eventually(lambda: (stoker.database or stoker.store.exists()) and stoker.one("SELECT count(*) FROM jobs") > 0)
    client.send_signal(signal.SIGINT)
    _, complaint = client.communicate(timeout=30)
    if client.returncode == 0:
        pytest.skip("it was filled before it could be stopped")
    assert b"next stoker up" in complaint
    assert not (stoker.folder / "stoker.db.lock").exists()
    stoker.start_pool()
    eventually(lambda: stoker.one("SELECT filled FROM sweeps") == 1, 60)
    assert stoker.one("SELECT count(DISTINCT params->>'n') FROM jobs") == 90000


def test_a_sweep_submitted_while_jobs_run_has_each_point_once(stoker):
    stoker.yaml("work: {command: [./work.sh, '{n}'], params: {n: int}}")
    stoker.start_pool()
    answer = stoker.run("sweep", "work", "n=1:120", json=True)
    assert answer["points"] == 120
    stoker.wait_counts(completed=120, timeout=60)
    assert len(begun(stoker.folder)) == 120
    first = stoker.one("SELECT min(id) FROM jobs")
    check_history(stoker, {first + i: i + 1 for i in range(120)})


def test_progress_and_rate_of_a_sweep_are_shown(filled):
    shown = filled.run("sweep", "show", "last", json=True)
    assert shown["counts"]["completed"] == 12 and shown["done"] == 12 and shown["finished_at"]
    assert shown["per_s"] > 0 and shown["eta_s"] is None and shown["error"] is None
    assert math.isfinite(shown["per_s"])
    assert "completed" in filled.run("sweep", "show", "last").stdout
