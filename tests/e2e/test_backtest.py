# SPDX-License-Identifier: MIT
"""The example program examples/backtest, against a second implementation in plain Python.

The second implementation is written from the README's definitions, not from the C code: averages
are exact fractions, and nothing is shared with what it checks.
"""
import csv
import decimal
import fractions
import json
import math
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "backtest"
DATA = EXAMPLE / "sp500.csv"
PROGRAM = ROOT / os.environ.get("STOKER_BUILD", "build") / "examples" / "backtest" / "backtest"
FIELDS = ["sharpe", "total_return", "max_drawdown", "trades", "days"]
ROWS = 5105

# fast, slow, cost_bps
POINTS = [
    (20, 100, "1"),
    (10, 50, "1"),
    (1, 2, "0"),
    (1, 2, "25"),
    (1, 5000, "2"),
    (4999, 5000, "1"),
    (2500, 5000, "0"),
    (50, 200, "0"),
    (50, 200, "10000"),
    (5, 20, "100"),
    (3, 4, "0.5"),
    (499, 500, "1e-3"),
    (7, 1000, "12.75"),
    (200, 201, "3"),
    (1, ROWS - 2, "1"),
]


def backtest(closes, fast, slow, cost_bps):
    """closes are whole numbers or fractions, in any unit."""
    signals = {}
    for t in range(slow - 1, len(closes)):
        sma_fast = fractions.Fraction(sum(closes[t + 1 - fast : t + 1]), fast)
        sma_slow = fractions.Fraction(sum(closes[t + 1 - slow : t + 1]), slow)
        signals[t] = 1 if sma_fast > sma_slow else 0

    values, trades, before = [], 0, 0
    for t in range(slow, len(closes)):
        position = signals[t - 1]
        change = abs(position - before)
        daily_return = float(closes[t]) / float(closes[t - 1]) - 1
        values.append(position * daily_return - cost_bps / 10000 * change)
        trades += change
        before = position

    mean = math.fsum(values) / len(values)
    deviation = math.sqrt(math.fsum((s - mean) ** 2 for s in values) / (len(values) - 1))
    equity = peak = 1.0
    drawdown = 0.0
    for s in values:
        equity *= 1 + s
        peak = max(peak, equity)
        drawdown = max(drawdown, 1 - equity / peak)
    return {
        "sharpe": mean / deviation * math.sqrt(252) if deviation > 0 else 0.0,
        "total_return": equity - 1,
        "max_drawdown": drawdown,
        "trades": trades,
        "days": len(values),
    }


def run(*arguments, env=None, stdout=subprocess.PIPE):
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        env=env,
        check=False,
    )


def run_point(data, fast, slow, cost_bps, **kwargs):
    return run("--data", data, "--fast", fast, "--slow", slow, "--cost-bps", cost_bps, **kwargs)


def result_of(done):
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert done.stdout.endswith("\n") and done.stdout.count("\n") == 1

    def refuse(word):
        raise ValueError(f"not JSON: {word}")

    result = json.loads(done.stdout, parse_constant=refuse)
    assert list(result) == FIELDS
    return result


def assert_refused(done, code, *words):
    """One sentence on stderr with the words in it, nothing on stdout."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("backtest: ")
    assert done.stderr.endswith("\n") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def assert_same(result, expected):
    for name in FIELDS[:3]:
        assert result[name] == pytest.approx(expected[name], rel=1e-9, abs=1e-14), name
    for name in FIELDS[3:]:
        assert result[name] == expected[name], name


@pytest.fixture(scope="module")
def closes():
    """The closes of the data in millionths, as whole numbers: the file has six decimals."""
    with DATA.open(newline="") as file:
        exact = [decimal.Decimal(row["close"]) * 10**6 for row in csv.DictReader(file)]
    assert all(close == int(close) for close in exact)
    return [int(close) for close in exact]


@pytest.fixture
def write_csv(tmp_path):
    """Writes closes, one a day, with the columns of sp500.csv; returns the path."""

    def write(prices):
        path = tmp_path / "small.csv"
        lines = ["date,open,high,low,close,adjclose,volume"]
        for i, price in enumerate(prices):
            lines.append(f"20{i // 336:02}-{i // 28 % 12 + 1:02}-{i % 28 + 1:02},1,1,1,{price},1,0")
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


@pytest.fixture
def write_text(tmp_path):
    def write(text):
        path = tmp_path / "broken.csv"
        path.write_bytes(text.encode())
        return path

    return write


# ---- results ----


def test_the_data_is_what_the_readme_says(closes):
    lines = DATA.read_text().splitlines()
    assert lines[0] == "date,open,high,low,close,adjclose,volume"
    assert len(closes) == ROWS
    assert lines[1].startswith("2000-01-03,") and lines[-1].startswith("2020-04-17,")


@pytest.mark.parametrize("fast,slow,cost_bps", POINTS)
def test_agrees_with_a_second_implementation(closes, fast, slow, cost_bps):
    result = result_of(run_point(DATA, fast, slow, cost_bps))
    assert_same(result, backtest(closes, fast, slow, float(cost_bps)))


def test_equal_averages_are_no_signal(write_csv):
    """Ties that floating point would see as a difference: 0.1 + 0.2 is not 0.3 there."""
    prices = ["0.1", "0.2", "0.3", "0.2"] * 30
    exact = [fractions.Fraction(price) for price in prices]
    for fast, slow in [(4, 8), (1, 4), (8, 12), (2, 4), (3, 7)]:
        result = result_of(run_point(write_csv(prices), fast, slow, "1"))
        assert_same(result, backtest(exact, fast, slow, 1.0))
    assert result_of(run_point(write_csv(prices), 4, 8, "1"))["trades"] == 0


def test_sharpe_is_0_when_nothing_varies(write_csv):
    result = result_of(run_point(write_csv(["0.1"] * 40), 3, 7, "5"))
    assert result == {"sharpe": 0, "total_return": 0, "max_drawdown": 0, "trades": 0, "days": 33}


def test_sharpe_is_0_when_every_day_earns_the_same(write_csv):
    prices = [2**i for i in range(24)]
    result = result_of(run_point(write_csv(prices), 1, 2, "0"))
    assert result["sharpe"] == 0
    assert result["trades"] == 1 and result["days"] == 22
    assert result["total_return"] == pytest.approx(2**22 - 1)


def test_a_position_is_taken_the_day_after_the_signal(write_csv):
    """Worked out by hand: signals on days 1, 2, 3 are 0, 1, 0, so only day 3 is held."""
    result = result_of(run_point(write_csv([100, 90, 120, 60, 60]), 1, 2, "100"))
    assert result["days"] == 3 and result["trades"] == 2
    assert result["total_return"] == pytest.approx(1.0 * (1 - 0.5 - 0.01) * (1 - 0.01) - 1)
    assert result["max_drawdown"] == pytest.approx(1 - 0.49 * 0.99)


def test_two_evaluated_days_are_enough(write_csv):
    assert result_of(run_point(write_csv([1, 2, 3, 4]), 1, 2, "0"))["days"] == 2


def test_line_ends_and_a_missing_last_one_do_not_matter(write_csv, write_text):
    plain = write_csv([1, 2, 3, 2, 4])
    expected = result_of(run_point(plain, 1, 2, "1"))
    windows = write_text(plain.read_text().replace("\n", "\r\n"))
    assert result_of(run_point(windows, 1, 2, "1")) == expected
    unended = write_text(plain.read_text().rstrip("\n"))
    assert result_of(run_point(unended, 1, 2, "1")) == expected


def test_decimals_past_the_eighth_are_dropped(write_csv):
    expected = result_of(run_point(write_csv(["1.12345678", "2", "3.", "2.5"]), 1, 2, "0"))
    same = write_csv(["1.12345678999999999999999", "2.0", "3", "02.50"])
    assert result_of(run_point(same, 1, 2, "0")) == expected


def test_the_locale_does_not_matter():
    expected = result_of(run_point(DATA, 20, 100, "1.5"))
    env = {**os.environ, "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"}
    assert result_of(run_point(DATA, 20, 100, "1.5", env=env)) == expected


def test_the_readme_shows_what_the_program_prints():
    text = (EXAMPLE / "README.md").read_text()
    command, output = re.search(r"^    \$ \./backtest (.*)\n    (\{.*\})$", text, re.M).groups()
    done = subprocess.run(
        [str(PROGRAM), *command.split()],
        cwd=EXAMPLE, capture_output=True, text=True, timeout=60, check=False,
    )
    result = result_of(done)
    shown = json.loads(output)
    assert list(shown) == FIELDS
    assert_same(result, shown)


# ---- refusals ----


def test_help_is_no_failure():
    done = run("--help")
    assert done.returncode == 0 and done.stderr == ""
    for option in ("--data", "--fast", "--slow", "--cost-bps", "--help"):
        assert option in done.stdout


GOOD = {"--data": str(DATA), "--fast": "10", "--slow": "50", "--cost-bps": "1"}


def flat(options):
    return [word for pair in options.items() for word in pair]


@pytest.mark.parametrize("option", GOOD)
def test_a_missing_option_is_named(option):
    rest = {name: value for name, value in GOOD.items() if name != option}
    assert_refused(run(*flat(rest)), 64, option, "missing")


@pytest.mark.parametrize("option", GOOD)
def test_an_option_without_its_value_is_named(option):
    rest = {name: value for name, value in GOOD.items() if name != option}
    assert_refused(run(*flat(rest), option), 64, option)


@pytest.mark.parametrize("word", ["--quick", "-f", "10", "", "--fas"])
def test_an_unknown_option_is_named(word):
    assert_refused(run(*flat(GOOD), word, "1"), 64, f'unknown option "{word}"')


@pytest.mark.parametrize(
    "option,value",
    [("--data", "")]
    + [
        (option, value)
        for option in ("--fast", "--slow")
        for value in ("", "ten", "1.5", "10x", " 10", "-1", "+1", "0", "1e2", "1000001", "9" * 30)
    ]
    + [
        ("--cost-bps", value)
        for value in ("", "free", "-1", "1,5", "1.5x", "nan", "inf", "0x10", " 1", "1e9", "1e999",
                      ".", "1e", "10000.1")
    ],
)
def test_a_mistyped_value_is_shown(option, value):
    assert_refused(run(*flat({**GOOD, option: value})), 64, option, f'not "{value}"')


@pytest.mark.parametrize("fast,slow", [(50, 50), (51, 50), (1, 1), (1000, 2)])
def test_fast_must_be_smaller_than_slow(fast, slow):
    done = run_point(DATA, fast, slow, "1")
    assert_refused(done, 64, f"--fast {fast} must be smaller than --slow {slow}")


@pytest.mark.parametrize("slow", [ROWS - 1, ROWS, ROWS + 1, 1000000])
def test_windows_longer_than_the_data_are_refused(slow):
    assert_refused(run_point(DATA, 10, slow, "1"), 65, str(DATA), f"{ROWS} days", f"--slow {slow}")


def test_a_header_without_rows_is_too_short(write_csv):
    assert_refused(run_point(write_csv([]), 1, 2, "1"), 65, "0 days")


def test_a_missing_file_is_named(tmp_path):
    path = tmp_path / "none.csv"
    assert_refused(run_point(path, 1, 2, "1"), 66, str(path), "No such file")


def test_a_folder_is_not_a_file(tmp_path):
    assert_refused(run_point(tmp_path, 1, 2, "1"), 66, str(tmp_path), "Is a directory")


HEADER = "date,close\n"
ROW = "2000-01-03,100\n"


@pytest.mark.parametrize(
    "text,line,words",
    [
        ("", 1, "empty"),
        ("\n", 1, "date"),
        ("close,date\n", 1, "date"),
        ("date,open\n" + ROW, 1, "close"),
        (HEADER + ROW + "\n", 3, "fields"),
        (HEADER + ROW + "2000-01-04\n", 3, "fields"),
        (HEADER + ROW + "2000-01-04,1,2\n", 3, "fields"),
        (HEADER + "03.01.2000,1\n", 2, "YYYY-MM-DD"),
        (HEADER + "2000-01-03x,1\n", 2, "YYYY-MM-DD"),
        (HEADER + "2000-01,1\n", 2, "YYYY-MM-DD"),
        (HEADER + ",1\n", 2, "YYYY-MM-DD"),
        (HEADER + ROW + ROW, 3, "later"),
        (HEADER + ROW + "1999-12-31,1\n", 3, "later"),
        (HEADER + "2000-01-03," + "1" * 2000 + "\n", 2, "too long"),
        (HEADER + "2000-01-03,1\0\n", 2, "zero byte"),
    ]
    + [
        (HEADER + ROW + f"2000-01-04,{price}\n", 3, "close")
        for price in ("", "null", "abc", "-5", "+5", "0", "0.0", ".", "1e3", "nan", "inf", " 5",
                      "5 ", "1.2.3", "0x10", '"5"', "1" * 18, "0.000000001")
    ]
    + [
        (HEADER + "".join(f"2000-{i // 28 + 1:02}-{i % 28 + 1:02},900000000\n" for i in range(200)),
         104, "too large"),
    ],
)
def test_a_malformed_file_is_named_with_its_line(write_text, text, line, words):
    path = write_text(text)
    assert_refused(run_point(path, 1, 2, "1"), 65, f"{path}:{line}: ", words)


def test_results_that_are_no_numbers_are_refused(write_csv):
    """In the market for each jump, out of it for each fall: the equity leaves the range of a double."""
    path = write_csv(["0.00000001", "0.00000002", "90000000", "80000000"] * 40)
    assert_refused(run_point(path, 1, 2, "0"), 65, str(path), "infinite")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_result_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w") as full:
        done = run_point(DATA, 20, 100, "1", stdout=full)
    assert done.returncode == 74
    assert "could not write" in done.stderr
