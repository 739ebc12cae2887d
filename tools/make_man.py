#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes docs/man/*.1 from the table of commands, by asking the program itself.

    tools/make_man.py [BUILD]        BUILD is the build folder, default build

stoker.yaml.5 is written by hand.
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAN = ROOT / "docs" / "man"


def main():
    stoker = ROOT / (sys.argv[1] if len(sys.argv) > 1 else "build") / "stoker"

    def ask(*arguments):
        return subprocess.run([str(stoker), "help", *arguments], check=True, capture_output=True, text=True).stdout

    pages = {"stoker.1": ask("--man")}
    for command in json.loads(ask("--json"))["commands"]:
        page = command["name"].replace(" ", "-")
        pages[f"stoker-{page}.1"] = ask("--man", page)

    MAN.mkdir(exist_ok=True)
    for path in MAN.glob("*.1"):
        if path.name not in pages:
            path.unlink()
    for name, text in pages.items():
        (MAN / name).write_text(text)
    print(f"{len(pages)} pages in {MAN.relative_to(ROOT)}")


main()
