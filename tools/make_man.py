#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/man/*.1 and docs/commands.md from the table of commands, by asking the program itself.

    tools/make_man.py [BUILD]        BUILD is the build folder, default build

stoker.yaml.5 is written by hand.
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAN = ROOT / "docs" / "man"


HEAD = """# Commands

Made by `tools/make_man.py` from the table in `src/cli/`, like `stoker help` and the man pages: do not edit. Every command
takes `--json`; the exit status is from the table in [operating.md](operating.md#exit-codes).

The exit status of a job's program: 0 completed, 64 and 65 failed for good, 75 throttled (comes back later, at no cost), 77 the
session is lost, anything else failed and tried again. More in [tasks.md](tasks.md#how-a-program-is-run).

| command | what it does |
|---|---|
"""


def commands_page(commands, ask):
    rows = "".join(f"| `stoker {command['name']}` | {command['summary']} |\n" for command in commands)
    parts = []
    for command in commands:
        text = ask(*command["name"].split(" ")).split("\noptions of every command:")[0].rstrip()
        parts.append(f"\n## stoker {command['name']}\n\n```text\n{text}\n```\n")
    return HEAD + rows + "".join(parts)


def main():
    stoker = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build") / "stoker"

    def ask(*arguments):
        return subprocess.run([str(stoker), "help", *arguments], check=True, capture_output=True, text=True).stdout

    pages = {"stoker.1": ask("--man")}
    commands = json.loads(ask("--json"))["commands"]
    for command in commands:
        page = command["name"].replace(" ", "-")
        pages[f"stoker-{page}.1"] = ask("--man", page)

    MAN.mkdir(exist_ok=True)
    for path in MAN.glob("*.1"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (MAN / name).write_text(text)
    (ROOT / "docs" / "commands.md").write_text(commands_page(commands, ask))
    print(f"{len(pages)} pages in {MAN.relative_to(ROOT)}")


main()
