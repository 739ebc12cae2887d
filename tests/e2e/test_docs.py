# SPDX-License-Identifier: MIT
"""The documentation does what it says: its commands run, its words are those of the source.

Blocks marked ```sh are run in order, those of one page in one shell; ```text and ```yaml are not.
A `stoker up` without --drain is started in the background and stopped at the end of the page.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import pytest

from conftest import BINARY, BUILD, ROOT, clean_environment, stoker_in

DOCS = ROOT / "docs"
EXAMPLE = ROOT / "examples" / "backtest"
# Pages that build on the store that an earlier one has left come after it; the rest in the order of the alphabet.
FIRST = ["sweeps.md", "sql.md", "operating.md"]


def read(path):
    return path.read_text() if path.exists() else ""


def blocks(path):
    return re.findall(r"^```sh\n(.*?)^```", read(path), re.M | re.S)


def pages():
    names = sorted(path.name for path in DOCS.glob("*.md") if path.name != "lab.md")  # has a test of its own
    return [name for name in FIRST if name in names] + [name for name in names if name not in FIRST]


def as_script(parts):
    """One shell for all; a pool that goes on is put into the background."""
    text = "\n".join(parts)
    text = re.sub(r"^(stoker up(?!.*--drain)[^#\n]*)", r"\1 & ups=\"${ups-} $!\"", text, flags=re.M)
    return ("set -euo pipefail\n" + text + "\nfor up in ${ups-}; do kill $up; done\nwait\n")


def run_script(script, folder, path, timeout=240, **env):
    done = subprocess.run(["bash", "-c", script], cwd=folder, capture_output=True, text=True, timeout=timeout, check=False,
                          stdin=subprocess.DEVNULL,
                          env=clean_environment(HOME=str(folder), PATH=f"{path}:{os.environ['PATH']}", **env))
    assert done.returncode == 0, f"exit {done.returncode}\n{script}\n--- stdout\n{done.stdout[-3000:]}\n--- stderr\n{done.stderr[-3000:]}"
    return done.stdout


@pytest.fixture
def example(stoker):
    """A fresh copy of the example, ready to run."""
    for name in ("stoker.yaml", "sp500.csv"):
        shutil.copy(EXAMPLE / name, stoker.folder)
    shutil.copy(BUILD / "examples" / "backtest" / "backtest", stoker.folder)
    stoker.store = stoker.folder / "backtest.db"
    return stoker


def test_every_command_line_of_the_pages_runs(example):
    if not any(blocks(DOCS / name) for name in pages()):
        pytest.skip("no page has a command to run yet")
    for name in pages():
        parts = blocks(DOCS / name)
        if not parts:
            continue
        if any("stoker.db.sock" in part for part in parts):  # the page needs a pool, and says so in words
            pool = example.start_pool("--store", "sqlite:stoker.db", ready=False)
            run_script("until [ -S stoker.db.sock ]; do sleep 0.05; done\n" + as_script(parts), example.folder, BUILD)
            assert pool.stop() == 0
            continue
        run_script(as_script(parts), example.folder, BUILD)


def test_the_readme_runs_from_a_fresh_clone(short_folder):
    """meson and ninja are played by this build: compiling twice more proves nothing that ./check does not."""
    parts = blocks(ROOT / "README.md")
    if not parts:
        pytest.skip("the README has no command to run yet")
    clone = short_folder / "stoker"
    ignore = shutil.ignore_patterns(".git", "build*", "quickstart-run", "__pycache__")
    shutil.copytree(ROOT, clone, ignore=ignore, symlinks=True)
    players = short_folder / "bin"
    players.mkdir()
    for name, body in (("meson", f'for word; do [ "$word" = setup ] || {{ ln -sfn "{BUILD}" "$word"; break; }}; done'),
                       ("ninja", "echo ninja: no work to do.")):
        (players / name).write_text(f"#!/bin/sh\n{body}\n")
        (players / name).chmod(0o755)
    home = short_folder / "home"
    home.mkdir()
    with stoker_in(tempfile_folder()) as guard:
        out = run_script(f"HOME={home}\n" + as_script(parts), clone, players)
        guard.nothing_lives()
    assert "sharpe" in out


def tempfile_folder():
    return pathlib.Path(tempfile.mkdtemp(prefix="stk-", dir="/tmp"))


# ---- words


def names_of(header, macro):
    """The quoted texts of the rows of an X macro, the first of each."""
    text = (ROOT / "src" / header).read_text()
    body = re.search(rf"#define {macro}\(X\)(.*?)(?<!\\)\n", text, re.S).group(1)
    return re.findall(r'X\(\w+,[^"]*?"([^"]+)"', body)


def require(page, words, why):
    path = DOCS / page
    if not path.exists():
        pytest.skip(f"docs/{page} is not written yet")
    missing = [word for word in words if not re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", read(path))]
    assert not missing, f"docs/{page} lacks {why}: {missing}"


def test_notices_lists_every_event_and_every_key_of_a_channel():
    source = (ROOT / "src/model/notify_config.c").read_text()
    keys = re.findall(r'^    \{ "(\w+)", +\w+, ', re.search(r"rows\[\] = \{(.*?)^\};", source, re.S | re.M).group(1), re.M)
    assert {"hook", "webhook_file", "quiet"} <= set(keys)
    require("notices.md", names_of("model/notice.h", "STK_NOTICE_MAP"), "events")
    require("notices.md", keys, "keys of channels")


def test_operating_lists_every_kind_of_event():
    require("operating.md", names_of("model/event.h", "STK_EVENT_MAP"), "kinds of events")


def test_architecture_has_every_state_and_outcome():
    require("architecture.md", names_of("model/lifecycle.h", "STK_STATE_MAP"), "states")
    require("architecture.md", names_of("model/lifecycle.h", "STK_OUTCOME_MAP"), "outcomes")


def test_operating_has_every_error_and_exit_status():
    rows = re.findall(r"X\((\w+),\s+(\d+),\s+(\d+),", (ROOT / "src/base/err.h").read_text())
    assert len(rows) > 10
    require("operating.md", [name for name, _, _ in rows], "names of errors")
    require("operating.md", {status for _, _, status in rows}, "exit statuses")
    page = read(DOCS / "operating.md")
    for name, _, status in rows:
        line = [line for line in page.splitlines() if line.startswith(f"| {status} |")]
        assert line and f"`{name}`" in line[0], f"{name} has the exit status {status}"


def test_the_meaning_of_a_job_s_exit_status_is_told():
    source = (ROOT / "src/exec/verdict.c").read_text()
    table = re.search(r"exit_rows\[\] = \{(.*?)\};", source, re.S).group(1)
    statuses = set(re.findall(r"\{\s*(\d+),\s*\1,", table))
    assert {"0", "64", "65", "75", "77"} <= statuses
    page = "commands.md" if (DOCS / "commands.md").exists() else "tasks.md"
    require(page, statuses, "exit statuses of jobs")


def commands():
    done = subprocess.run([str(BINARY), "--help"], capture_output=True, text=True, check=True, env=clean_environment())
    listed = re.search(r"commands:\n(.*?)\n\n", done.stdout, re.S).group(1)
    return [re.match(r"  (\S+( \S+)?)  ?", line).group(1).strip() for line in listed.splitlines() if re.match(r"  \S", line)]


def test_every_command_has_help_with_its_options_and_is_in_the_pages():
    names = commands()
    assert {"up", "submit", "sweep", "results"} <= {name.split()[0] for name in names}
    for name in names:
        done = subprocess.run([str(BINARY), *name.split(), "--help"], capture_output=True, text=True, check=False, env=clean_environment())
        assert done.returncode == 0 and f"usage: stoker {name}" in done.stdout, name
    if (DOCS / "commands.md").exists():
        require("commands.md", [f"stoker {name}" for name in names], "commands")


def test_every_command_that_the_pages_name_exists_with_its_options():
    """In the text too, not only in the blocks: `stoker queue pause NAME --reason '...'`."""
    words = {name.split()[0] for name in commands()} | {"help", "version"}
    options = {}
    for path in [ROOT / "README.md", *DOCS.glob("*.md"), ROOT / "quickstart"]:
        for line in re.findall(r"(?:^|`|  |show )(stoker [a-z][^`\n]*)", read(path), re.M):
            first, *rest = line.split()[1:]
            if not re.fullmatch("[a-z]+", first):
                continue
            if path.name in ("architecture.md",) and first not in words:
                continue  # a sentence that begins with the name of the program
            if first not in words:
                assert not any(word.startswith("--") for word in rest), f"{path.name}: {line}"
                continue
            name = f"{first} {rest[0]}" if rest and f"{first} {rest[0]}" in commands_known() else first
            if name not in options:
                done = subprocess.run([str(BINARY), *name.split(), "--help"], capture_output=True, text=True, check=False, env=clean_environment())
                options[name] = set(re.findall(r"--([a-z-]+)", done.stdout))
            for option in re.findall(r"(?<=\s)--([a-z-]+)", line.split(" #")[0]):
                assert option in options[name], f"{path.name}: {line}: no --{option}"


def commands_known(cache=[]):
    if not cache:
        cache.append(set(commands()))
    return cache[0]


def test_the_columns_of_the_views_are_those_of_the_page(example):
    page = DOCS / "sql.md"
    if not page.exists():
        pytest.skip("docs/sql.md is not written yet")
    example.run("sweep", "backtest", "fast=1", "slow=2", "cost_bps=0")
    for view, text in re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$", read(page), re.M):
        told = [word for word in re.split(r",\s*", text.strip()) if re.fullmatch(r"\w+", word)]
        real = example.columns(view)
        missing = [name for name in told if name not in real]
        assert not missing, f"docs/sql.md: the view {view} has no column {missing}; it has {real}"


def test_values_of_json_have_the_types_that_the_page_says(example):
    assert "**On PostgreSQL it gives text**" in read(DOCS / "sql.md")
    example.run("sweep", "backtest", "fast=9,10", "slow=20", "cost_bps=0")
    job = "jobs" if not example.database else "stoker.jobs"
    typeof = "typeof" if not example.database else "pg_typeof"
    kinds = {str(kind) for kind, in example.sql(f"SELECT {typeof}(params->>'fast') FROM {job}")}
    assert kinds == {"text" if example.database else "integer"}
    newest = example.sql(f"SELECT CAST(params->>'fast' AS integer) FROM {job} ORDER BY CAST(params->>'fast' AS integer) DESC")
    assert [int(value) for value, in newest] == [10, 9]


def test_links_between_the_pages_lead_somewhere():
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", read(path)):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_keys_of_stoker_yaml_in_the_pages_are_taken(stoker):
    """Each ```yaml block of the pages is a configuration that stoker reads."""
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", read(path), re.M | re.S)):
            stoker.write("stoker.yaml", re.sub(r"^store: postgresql:.*$", "store: sqlite:x.db", block, flags=re.M))
            done = stoker.run("status", ok=False)
            assert done.returncode in (0, 66), f"{path.name}, block {number + 1}: {done.stderr}"


def test_the_tables_of_sessions_are_those_of_the_source():
    page = (ROOT / "docs/sessions.md").read_text()
    states = re.findall(r'X\(\w+,\s*"(\w+)",\s*(true|false),\s*(true|false),\s*"([^"]+)"\)', (ROOT / "src/model/session.h").read_text())
    header = (ROOT / "src/model/session_config.h").read_text()
    providers = re.findall(r'X\(\w+,\s*"([\w-]+)",\s*(true|false),\s*(true|false),\s*"([^"]+)"\)', header)
    assert len(states) == 14 and len(providers) == 10
    for name, opens, person, meaning in states:
        assert f"| `{name}` | {'yes' if opens == 'true' else 'no'} | {'yes' if person == 'true' else ''} | {meaning} |" in page
    for name, renews, person, what in providers:
        assert f"| `{name}` | {'yes' if renews == 'true' else 'no'} | {'yes' if person == 'true' else 'no'} | {what} |" in page
    words = {".": "", "x": "may", "!": "must"}
    keys = {}
    for name, takes in re.findall(r'\{ "(\w+)",\s*\w+,\s*(?:AT\(\w+\)|0),\s*\w+,\s*"([.x! ]{19})" \}', (ROOT / "src/model/session_config.c").read_text()):
        old = keys.get(name, ["."] * 10)
        keys[name] = [before if now == "." else now for before, now in zip(old, takes.split(" "))]
    assert len(keys) > 35
    for name, columns in keys.items():
        assert f"| `{name}` | {' | '.join(words[column] for column in columns)} |" in page
