# SPDX-License-Identifier: MIT
"""--help, man pages and completion against the one table of commands.

`stoker help --json` prints the table; everything a person reads must hold what it holds.
"""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STOKER = ROOT / os.environ.get("STOKER_BUILD", "build") / "stoker"
MAN = ROOT / "docs" / "man"


def run(*arguments, check=True):
    env = {**os.environ, "NO_COLOR": "1", "ASAN_OPTIONS": "detect_leaks=1"}
    env.pop("COLUMNS", None)
    done = subprocess.run([str(STOKER), *arguments], capture_output=True, text=True, env=env,
                          timeout=30, check=False)
    if check:
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
    return done


TABLE = json.loads(run("help", "--json").stdout)
COMMANDS = TABLE["commands"]
GLOBAL = TABLE["options"]


def name_of(command):
    return command["name"]


def page_of(command):
    return command["name"].replace(" ", "-")


def roff(text):
    return text.replace("\\", "\\e").replace("-", "\\-")


def squeeze(text):
    return " ".join(text.split())


def test_overview_lists_every_command():
    overview = squeeze(run("--help").stdout)
    assert overview == squeeze(run("help").stdout) == squeeze(run().stdout)
    for command in COMMANDS:
        assert f"{command['name']} {command['summary']}" in overview


def test_names_and_summaries_are_in_good_order():
    names = [command["name"] for command in COMMANDS]
    assert len(set(names)) == len(names)
    for command in COMMANDS:
        assert command["summary"][0].islower() and not command["summary"].endswith(".")
        assert len(command["summary"]) <= 70
        own = {option["name"] for option in command["options"]}
        assert len(own) == len(command["options"])
        assert not own & {option["name"] for option in GLOBAL}


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_help_of_a_command_names_all_its_options(command):
    text = run(*command["name"].split(), "--help").stdout
    assert text == run("help", *command["name"].split()).stdout
    assert text.startswith(f"stoker {command['name']} - {command['summary']}\n")
    usage = f"usage: stoker {command['name']} {command['synopsis']}".rstrip()
    assert usage + "\n" in text
    for option in command["options"] + GLOBAL:
        line = f"--{option['name']}" + (f" {option['value']}" if option["value"] else "")
        assert line in text
        assert squeeze(option["help"]) in squeeze(text)
    assert max(map(len, text.splitlines()[3:])) <= 100


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_man_page_names_all_options(command):
    text = run("help", "--man", page_of(command)).stdout
    assert f"stoker\\-{roff(page_of(command))} \\- {roff(command['summary'])}" in text
    for option in command["options"] + GLOBAL:
        assert f"\\-\\-{roff(option['name'])}\\fR" in text
        assert roff(option["help"]) in text


@pytest.mark.parametrize("page", ["", *map(page_of, COMMANDS)])
def test_man_page_on_disk_is_the_one_of_the_table(page):
    path = MAN / (f"stoker-{page}.1" if page else "stoker.1")
    assert path.read_text() == run("help", "--man", *([page] if page else [])).stdout, (
        "run tools/make_man.py")


def test_there_are_no_other_man_pages():
    pages = {f"stoker-{page_of(command)}.1" for command in COMMANDS} | {"stoker.1", "stoker.yaml.5"}
    assert {path.name for path in MAN.iterdir()} == pages


def complete(*words):
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in words)
    script = (f"source <('{STOKER}' help --completion bash)\n"
              f"COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); COMPREPLY=()\n"
              "_stoker; printf '%s\\n' \"${COMPREPLY[@]}\"\n")
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_completion_offers_every_command():
    offered = complete("stoker", "")
    for command in COMMANDS:
        assert command["name"].split()[0] in offered


@pytest.mark.parametrize("command", COMMANDS, ids=name_of)
def test_completion_offers_all_options_of_a_command(command):
    offered = complete("stoker", *command["name"].split(), "--")
    wanted = {f"--{option['name']}" for option in command["options"] + GLOBAL}
    assert set(offered) == wanted


def test_completion_offers_verbs_and_choices():
    assert set(complete("stoker", "queue", "")) == {"list", "pause", "resume"}
    assert "show" in complete("stoker", "sweep", "s")
    assert complete("stoker", "results", "--format", "j") == ["json", "jsonl"]
    assert complete("stoker", "--color", "n") == ["never"]


WRONG = [
    ((),                            0,  ""),
    (("jbos",),                     64, 'stoker: unknown command "jbos"; did you mean stoker jobs?'),
    (("queue",),                    64, "stoker: which one? stoker queue is followed by one of list, pause, resume"),
    (("queue", "pause"),            64, "stoker: something is missing; usage: stoker queue pause NAME [--reason TEXT]"),
    (("version", "x"),              64, 'stoker: "x" is one word too many; usage: stoker version'),
    (("version", "--jsn"),          64, "stoker: unknown option --jsn; did you mean --json?"),
    (("job", "x"),                  64, 'stoker: "x" is not the id of a job: a whole number, or last'),
    (("--json",),                   64, '{"error":{"code":"INVALID","message":"which command? stoker --help lists them all"}}'),
    (("job", "x", "--json"),        64, '{"error":{"code":"INVALID","message":"\\"x\\" is not the id of a job: a whole number, or last"}}'),
    (("jobs", "--config", "/nix"),  66, None),
    (("help", "nix"),               66, 'stoker: there is no command "nix"; stoker help lists them all'),
]


@pytest.mark.parametrize("arguments, status, sentence", WRONG)
def test_wrong_input_is_one_sentence_on_stderr(arguments, status, sentence, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments, check=False)
    assert done.returncode == status
    if status != 0:
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
    if sentence is not None:
        assert done.stderr.rstrip("\n") == sentence
    assert list(tmp_path.iterdir()) == []


def test_the_page_of_commands_is_what_help_says():
    page = (ROOT / "docs" / "commands.md").read_text()
    for command in COMMANDS:
        said = run("help", *command["name"].split(" ")).stdout
        text = said.split("\noptions of every command:")[0].rstrip()
        assert f"## stoker {command['name']}\n\n```text\n{text}\n```\n" in page, command["name"]
        assert f"| `stoker {command['name']}` | {command['summary']} |" in page
