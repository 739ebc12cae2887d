# SPDX-License-Identifier: MIT
"""The tables of tests/README.md against the tests: what is named exists and is run, and what has a number stands there."""
import pathlib
import re

import pytest

TESTS = pathlib.Path(__file__).resolve().parent
ROW = re.compile(r"^\| ([IF]\d+|R_[A-J]\d+) \| (.+?) \| (.+) \|$", re.M)
NUMBER = re.compile(r"(?<=_)(R_[A-J]\d+|[IF]\d+)(?=_)")
MISSING = "not offered: "


def rows():
    """Number -> names of tests; none where it is said why."""
    return {number: re.findall(r"`(\w+)`", proof) for number, _, proof in ROW.findall((TESTS / "README.md").read_text())}


def python_tests():
    texts = (path.read_text() for path in TESTS.rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"^def (test_\w+)\(", text, re.M)}


def c_tests():
    """Those that stand in the list of their program: the others are not run."""
    texts = (path.read_text() for path in TESTS.rglob("*.c"))
    return {name for text in texts for name in re.findall(r"^static void (\w+__\w+)\(", text, re.M)
            if len(re.findall(rf"\b{name}\b", text)) >= 2}


def numbers_of(name):
    return set(NUMBER.findall(name))


def test_the_tables_are_complete():
    found = rows()
    wanted = [f"I{n}" for n in range(1, 18)] + [f"F{n}" for n in range(1, 64)]
    assert [number for number in wanted if number not in found] == []
    text = (TESTS / "README.md").read_text()
    unproved = [number for number, _, proof in ROW.findall(text) if "`" not in proof and not proof.startswith(MISSING)]
    assert unproved == []
    numbers = [number for number, _, _ in ROW.findall(text)]
    assert len(numbers) == len(set(numbers)), "a number stands there twice"


def test_each_test_that_is_named_exists_and_is_run():
    existing = python_tests() | c_tests()
    assert {number: name for number, names in rows().items() for name in names if name not in existing} == {}


@pytest.mark.parametrize("name", sorted(name for name in python_tests() if NUMBER.search(name)))
def test_each_number_in_a_name_leads_to_its_row(name):
    found = rows()
    assert [number for number in numbers_of(name) if name not in found.get(number, ())] == []
