# SPDX-License-Identifier: MIT
"""stoker bench: measures in a store of its own, never in one that somebody works with."""
import json

import pytest

from conftest import on_postgres, on_sqlite


def measured(stoker, *words):
    return json.loads(stoker.run("bench", *words, "--json").stdout)


@pytest.fixture
def url(stoker):
    return stoker.env["STOKER_STORE"]


@on_sqlite
def test_a_benchmark_leaves_nothing_behind(stoker):
    before = sorted(stoker.folder.iterdir())
    assert measured(stoker, "noop", "--jobs", 500, "--workers", 4)["jobs_per_s"] > 0
    assert sorted(stoker.folder.iterdir()) == before


@on_sqlite
@pytest.mark.parametrize("words, why", [
    (["noop", "--pools", 2], "--store"),
    (["scale", "--beside", "postgresql:///other"], "--store"),
    (["submit"], "--store"),
    (["noop", "--store", "sqlite:stoker.db"], "--dir"),
])
def test_what_needs_another_place_says_so(stoker, words, why):
    done = stoker.run("bench", *words, ok=False)
    assert done.returncode == 64
    assert why in done.stderr


@on_sqlite
def test_steady_measures_a_pool_that_always_has_more_to_do(stoker):
    found = measured(stoker, "steady", "--jobs", 1000, "--workers", 4, "--seconds", 1)
    assert found["completed"] >= 1000
    assert found["last_per_s"] > 0


@on_postgres
def test_two_pools_drain_one_database(stoker, url):
    found = measured(stoker, "noop", "--jobs", 500, "--workers", 4, "--pools", 2, "--store", url)
    assert found["jobs_per_s"] > 0
    assert stoker.sql("SELECT count(*), count(DISTINCT worker) > 1 FROM jobs WHERE state = 'completed'") == [(500, 1)]
    assert stoker.sql("SELECT count(*) FROM pools") == [(2,)]


@on_postgres
def test_a_database_that_holds_jobs_is_refused(stoker, url):
    measured(stoker, "submit", "--jobs", 8, "--workers", 2, "--store", url)
    done = stoker.run("bench", "noop", "--store", url, ok=False)
    assert done.returncode == 73
    assert "createdb" in done.stderr
    assert stoker.sql("SELECT count(*) FROM jobs WHERE state = 'pending'") == [(9,)]


@on_postgres
def test_wake_counts_the_workers_of_all_pools(stoker, url):
    found = measured(stoker, "wake", "--jobs", 2, "--workers", 2, "--pools", 3, "--store", url)
    assert found["last_p99_us"] > 0
    assert stoker.sql("SELECT count(*) FROM jobs WHERE state = 'completed'") == [(12,)]


@on_postgres
def test_latency_submits_to_a_pool_that_is_told(stoker, url):
    assert measured(stoker, "latency", "--jobs", 10, "--store", url)["started_p50_us"] > 0
