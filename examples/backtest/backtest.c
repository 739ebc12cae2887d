/* SPDX-License-Identifier: MIT
 *
 * backtest - a moving-average crossover tried on daily prices.
 *
 * In the market on the day after the fast average stood above the slow one, out of it otherwise.
 * One JSON line on stdout is the result; a failure is one sentence on stderr and an exit code of
 * sysexits.h. README.md has the definitions.
 *
 * The program knows nothing of stoker: it is what a researcher has already.
 */
#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#define TRADING_DAYS    252.0 /* a year */
#define PRICE_DECIMALS  8
#define LINE_BYTES_MAX  1024
#define WINDOW_DAYS_MAX 1000000
#define COST_BPS_MAX    10000.0
#define DATE_CHARS      10

static const char USAGE[] =
    "usage: backtest --data FILE --fast DAYS --slow DAYS --cost-bps BPS\n"
    "\n"
    "Hold the index on the day after its fast moving average stood above its slow one,\n"
    "and print sharpe, total_return, max_drawdown, trades and days as one JSON line.\n"
    "\n"
    "  --data FILE      CSV with a header; the first column is date, one is named close\n"
    "  --fast DAYS      window of the fast average, at least 1\n"
    "  --slow DAYS      window of the slow average, longer than the fast one\n"
    "  --cost-bps BPS   cost of each change of position, in hundredths of a percent\n"
    "  --help           show this text\n"
    "\n"
    "exit codes: 0 done, 64 wrong usage, 65 bad or too little data, 66 no data, 74 no output\n";

struct settings {
    const char *data;
    size_t fast_days;
    size_t slow_days;
    double cost_bps;
};

/* Prefix sums: sums[t] is the total of the first t closes, as an integer in units of 10^-8.
 * Integers because a signal hangs on which of two sums is the larger: here nothing is ever rounded,
 * so the averages do not drift, and a tie is a tie. */
struct prices {
    int64_t *sums;
    size_t days;
    size_t capacity;
};

struct result {
    double sharpe;
    double total_return;
    double max_drawdown;
    size_t trades;
    size_t days;
};

/* ---- command line ---- */

static bool parse_days(const char *text, size_t *ret_days)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || text[length] != '\0') return false;

    errno = 0;
    unsigned long days = strtoul(text, NULL, 10);
    if (errno != 0 || days < 1 || days > WINDOW_DAYS_MAX) return false;

    *ret_days = days;
    return true;
}

/* strtod alone would also take " 1", "nan", "inf" and "0x1p3". setlocale() is never called, so the
 * decimal separator is a point everywhere. */
static bool parse_cost(const char *text, double *ret_cost_bps)
{
    if (text[0] == '\0' || text[strspn(text, "0123456789.eE+-")] != '\0') return false;

    char *end = NULL;
    double cost_bps = strtod(text, &end);
    if (end == text || *end != '\0' || !(cost_bps >= 0.0 && cost_bps <= COST_BPS_MAX)) return false;

    *ret_cost_bps = cost_bps;
    return true;
}

static bool set_data(struct settings *settings, const char *value)
{
    settings->data = value;
    return value[0] != '\0';
}

static bool set_fast(struct settings *settings, const char *value)
{
    return parse_days(value, &settings->fast_days);
}

static bool set_slow(struct settings *settings, const char *value)
{
    return parse_days(value, &settings->slow_days);
}

static bool set_cost(struct settings *settings, const char *value)
{
    return parse_cost(value, &settings->cost_bps);
}

struct option {
    const char *name;
    const char *wants;
    bool (*set)(struct settings *settings, const char *value);
};

/* clang-format off */
static const struct option OPTIONS[] = {
    {"--data",     "the name of a file",                 set_data},
    {"--fast",     "a whole number from 1 to 1000000",   set_fast},
    {"--slow",     "a whole number from 1 to 1000000",   set_slow},
    {"--cost-bps", "a number from 0 to 10000",           set_cost},
};
/* clang-format on */

enum { OPTION_COUNT = sizeof OPTIONS / sizeof OPTIONS[0] };

static size_t find_option(const char *name)
{
    size_t i = 0;
    while (i < OPTION_COUNT && strcmp(OPTIONS[i].name, name) != 0) {
        i++;
    }
    return i;
}

static int parse_options(int argc, char **argv, struct settings *settings)
{
    bool given[OPTION_COUNT] = { false };

    for (int i = 1; i < argc; i += 2) {
        size_t at = find_option(argv[i]);
        if (at == OPTION_COUNT) {
            (void)fprintf(stderr, "backtest: unknown option \"%s\"; try --help\n", argv[i]);
            return EX_USAGE;
        }
        if (i + 1 == argc || !OPTIONS[at].set(settings, argv[i + 1])) {
            (void)fprintf(stderr, "backtest: %s wants %s, not \"%s\"\n", argv[i], OPTIONS[at].wants,
                          i + 1 == argc ? "" : argv[i + 1]);
            return EX_USAGE;
        }
        given[at] = true;
    }

    for (size_t at = 0; at < OPTION_COUNT; at++) {
        if (given[at]) continue;
        (void)fprintf(stderr, "backtest: %s is missing; try --help\n", OPTIONS[at].name);
        return EX_USAGE;
    }

    if (settings->fast_days >= settings->slow_days) {
        (void)fprintf(stderr, "backtest: --fast %zu must be smaller than --slow %zu\n",
                      settings->fast_days, settings->slow_days);
        return EX_USAGE;
    }
    return EX_OK;
}

/* ---- the CSV file ---- */

struct reader {
    const char *path;
    FILE *file;
    unsigned long line_number;
    size_t columns;
    size_t close_column;
    char line[LINE_BYTES_MAX];
    char last_date[DATE_CHARS + 1];
};

static int malformed(const struct reader *reader, const char *why)
{
    (void)fprintf(stderr, "backtest: %s:%lu: %s\n", reader->path, reader->line_number, why);
    return EX_DATAERR;
}

/* Reads the next line, without its end. EX_OK with *ret_more false: the file is at its end. */
static int read_line(struct reader *reader, bool *ret_more)
{
    *ret_more = fgets(reader->line, sizeof reader->line, reader->file) != NULL;
    if (ferror(reader->file)) {
        (void)fprintf(stderr, "backtest: could not read %s after line %lu: %s\n", reader->path,
                      reader->line_number, strerror(errno));
        return EX_NOINPUT;
    }
    if (!*ret_more) return EX_OK;

    reader->line_number++;
    size_t length = strcspn(reader->line, "\n");
    if (reader->line[length] == '\0' && !feof(reader->file)) {
        return malformed(reader, "the line is too long or has a zero byte");
    }
    if (length > 0 && reader->line[length - 1] == '\r') length--;
    reader->line[length] = '\0';
    return EX_OK;
}

/* Cuts the first field off *rest; NULL when there is none left. Quotes have no meaning. */
static char *next_field(char **rest)
{
    char *field = *rest;
    if (field == NULL) return NULL;

    char *comma = strchr(field, ',');
    if (comma != NULL) *comma = '\0';
    *rest = comma == NULL ? NULL : comma + 1;
    return field;
}

static int read_header(struct reader *reader)
{
    bool more = false;
    int code = read_line(reader, &more);
    if (code != EX_OK) return code;
    if (!more) {
        reader->line_number = 1;
        return malformed(reader, "the file is empty, where a header was expected");
    }

    char *rest = reader->line;
    for (char *field = next_field(&rest); field != NULL; field = next_field(&rest)) {
        if (reader->columns == 0 && strcmp(field, "date") != 0) {
            return malformed(reader, "the first column of the header is not date");
        }
        if (strcmp(field, "close") == 0) reader->close_column = reader->columns;
        reader->columns++;
    }

    if (reader->close_column == 0) return malformed(reader, "the header has no column close");
    return EX_OK;
}

static bool is_date(const char *text)
{
    static const char PATTERN[] = "dddd-dd-dd";
    size_t i = 0;
    for (; i < DATE_CHARS; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (PATTERN[i] == 'd' ? !digit : text[i] != '-') return false;
    }
    return text[i] == '\0';
}

/* "1455.219971" gives 145521997100; decimals past the eighth are dropped. */
static bool parse_price(const char *text, int64_t *ret_price)
{
    int64_t price = 0;
    int decimals = -1; /* none before the point */

    for (; *text != '\0'; text++) {
        if (*text == '.' && decimals < 0) {
            decimals = 0;
            continue;
        }
        if (*text < '0' || *text > '9' || price > INT64_MAX / 100) return false;
        if (decimals == PRICE_DECIMALS) continue;
        price = price * 10 + (*text - '0');
        decimals += decimals >= 0;
    }

    for (decimals = decimals < 0 ? 0 : decimals; decimals < PRICE_DECIMALS; decimals++) {
        if (price > INT64_MAX / 100) return false;
        price *= 10;
    }
    *ret_price = price;
    return price > 0;
}

static int parse_row(struct reader *reader, int64_t *ret_price)
{
    const char *date = reader->line;
    const char *close = NULL;
    char *rest = reader->line;
    size_t columns = 0;

    for (char *field = next_field(&rest); field != NULL; field = next_field(&rest)) {
        if (columns == reader->close_column) close = field;
        columns++;
    }

    if (columns != reader->columns) return malformed(reader, "not as many fields as the header");
    if (!is_date(date)) return malformed(reader, "the date is not of the form YYYY-MM-DD");
    if (strcmp(date, reader->last_date) <= 0) {
        return malformed(reader, "the date is not later than the one before");
    }
    if (close == NULL || !parse_price(close, ret_price)) {
        return malformed(reader, "close is not a positive decimal number in range");
    }

    memcpy(reader->last_date, date, sizeof reader->last_date);
    return EX_OK;
}

static void reserve_day(struct prices *prices)
{
    if (prices->days + 1 < prices->capacity) return;

    prices->capacity = prices->capacity == 0 ? 8192 : 2 * prices->capacity;
    int64_t *sums = realloc(prices->sums, prices->capacity * sizeof *sums);
    if (sums == NULL) abort();
    prices->sums = sums;
    prices->sums[0] = 0;
}

static int read_rows(struct reader *reader, struct prices *prices)
{
    int code = read_header(reader);
    if (code != EX_OK) return code;

    for (;;) {
        bool more = false;
        int64_t price = 0;
        code = read_line(reader, &more);
        if (code != EX_OK || !more) return code;
        code = parse_row(reader, &price);
        if (code != EX_OK) return code;

        reserve_day(prices);
        int64_t sum = prices->sums[prices->days];
        if (price > INT64_MAX - sum) return malformed(reader, "the sum of all closes is too large");
        prices->sums[++prices->days] = sum + price;
    }
}

static int read_prices(const char *path, struct prices *prices)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        (void)fprintf(stderr, "backtest: could not open %s: %s\n", path, strerror(errno));
        return EX_NOINPUT;
    }

    struct reader reader = { .path = path, .file = file };
    int code = read_rows(&reader, prices);
    (void)fclose(file); /* it was only read */
    return code;
}

/* ---- the strategy ---- */

/* The total of the closes of the days up to and including t. */
static int64_t window_sum(const struct prices *prices, size_t t, size_t days)
{
    return prices->sums[t + 1] - prices->sums[t + 1 - days];
}

static double close_of(const struct prices *prices, size_t t)
{
    return (double)window_sum(prices, t, 1);
}

/* Is the fast average above the slow one? The fractions are compared by their whole parts first,
 * since to multiply the sums themselves could overflow. */
static bool signal_of(const struct prices *prices, size_t t, const struct settings *settings)
{
    int64_t fast_days = (int64_t)settings->fast_days;
    int64_t slow_days = (int64_t)settings->slow_days;
    int64_t fast = window_sum(prices, t, settings->fast_days);
    int64_t slow = window_sum(prices, t, settings->slow_days);

    if (fast / fast_days != slow / slow_days) return fast / fast_days > slow / slow_days;
    return fast % fast_days * slow_days > slow % slow_days * fast_days;
}

/* Mean and variance in one pass, after Welford; a constant series has a spread of exactly 0. */
struct moments {
    double mean;
    double squares;
    double count;
};

static void add_value(struct moments *moments, double value)
{
    double delta = value - moments->mean;
    moments->count += 1.0;
    moments->mean += delta / moments->count;
    moments->squares += delta * (value - moments->mean);
}

static double sharpe_of(const struct moments *moments)
{
    double deviation = sqrt(moments->squares / (moments->count - 1.0));
    return deviation > 0.0 ? moments->mean / deviation * sqrt(TRADING_DAYS) : 0.0;
}

static struct result run_strategy(const struct prices *prices, const struct settings *settings)
{
    assert(settings->fast_days > 0 && settings->slow_days > 0);
    assert(settings->slow_days < prices->days);

    struct result result = { .days = prices->days - settings->slow_days };
    struct moments moments = { 0 };
    double cost = settings->cost_bps / 10000.0;
    double equity = 1.0;
    double peak = 1.0;
    bool held = false;

    for (size_t t = settings->slow_days; t < prices->days; t++) {
        bool hold = signal_of(prices, t - 1, settings);
        double value = hold ? close_of(prices, t) / close_of(prices, t - 1) - 1.0 : 0.0;
        if (hold != held) {
            value -= cost;
            result.trades++;
        }
        held = hold;

        add_value(&moments, value);
        equity *= 1.0 + value;
        peak = fmax(peak, equity);
        result.max_drawdown = fmax(result.max_drawdown, 1.0 - equity / peak);
    }

    result.sharpe = sharpe_of(&moments);
    result.total_return = equity - 1.0;
    return result;
}

static int check_length(const struct prices *prices, const struct settings *settings)
{
    if (prices->days >= settings->slow_days + 2) return EX_OK;

    (void)fprintf(stderr,
                  "backtest: %s has %zu days, but --slow %zu needs at least %zu: "
                  "the window and 2 days to evaluate\n",
                  settings->data, prices->days, settings->slow_days, settings->slow_days + 2);
    return EX_DATAERR;
}

/* JSON has no infinity; only absurd prices lead there. */
static int print_result(const struct result *result, const char *path)
{
    if (!isfinite(result->sharpe) || !isfinite(result->total_return) ||
        !isfinite(result->max_drawdown)) {
        (void)fprintf(stderr, "backtest: the closes of %s lead to infinite results\n", path);
        return EX_DATAERR;
    }

    (void)printf("{\"sharpe\": %.12g, \"total_return\": %.12g, \"max_drawdown\": %.12g, "
                 "\"trades\": %zu, \"days\": %zu}\n",
                 result->sharpe, result->total_return, result->max_drawdown, result->trades,
                 result->days);
    return EX_OK;
}

static int run(const struct settings *settings, struct prices *prices)
{
    int code = read_prices(settings->data, prices);
    if (code != EX_OK) return code;
    code = check_length(prices, settings);
    if (code != EX_OK) return code;

    struct result result = run_strategy(prices, settings);
    return print_result(&result, settings->data);
}

/* A result that did not reach the reader is no result. */
static int finish_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return code;
    (void)fprintf(stderr, "backtest: could not write the result: %s\n", strerror(errno));
    return EX_IOERR;
}

static bool wants_help(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    struct settings settings = { 0 };
    struct prices prices = { 0 };

    if (wants_help(argc, argv)) {
        (void)fputs(USAGE, stdout);
        return finish_output(EX_OK);
    }

    int code = parse_options(argc, argv, &settings);
    if (code == EX_OK) code = run(&settings, &prices);
    free(prices.sums);
    return finish_output(code);
}
