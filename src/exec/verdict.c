/* SPDX-License-Identifier: MIT */
#include "exec/verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/json.h"
#include "base/text.h"

/* clang-format off */
/* What an exit status means, after sysexits.h; repeated in docs/commands.md. */
static const struct exit_row {
    int from, to;
    enum stk_outcome outcome;
    const char *meaning; /* in the sentence, or NULL */
} exit_rows[] = {
    {  0,   0, STK_OUTCOME_COMPLETED,    NULL },
    { 64,  64, STK_OUTCOME_FAILED_FINAL, "wrong usage" },
    { 65,  65, STK_OUTCOME_FAILED_FINAL, "wrong input data" },
    { 75,  75, STK_OUTCOME_THROTTLED,    "try again later" },
    { 77,  77, STK_OUTCOME_SESSION_LOST, "the session is lost" },
    {  1, 255, STK_OUTCOME_FAILED,       NULL }, /* the first row that fits counts */
};

static const char *const stage_words[] = {
    [STK_STAGE_KEEPER] = "could not make a process to start",
    [STK_STAGE_BLOCK]  = "could not pass on the arguments of",
    [STK_STAGE_FORK]   = "could not make a process for",
    [STK_STAGE_LIMITS] = "could not set the limits or nice value of",
    [STK_STAGE_DIR]    = "could not enter the folder of",
    [STK_STAGE_EXEC]   = "could not start",
};

/* Shortages pass; anything else stays as it is until somebody changes it. */
static const int passing_errors[] = { EAGAIN, ENOMEM, EMFILE, ENFILE, ETXTBSY, EIO, EINTR,
                                      ENOSPC, ESTALE, ENOBUFS, ETOOMANYREFS };
/* clang-format on */

static const stk_time_ns RETRY_AFTER_DEFAULT = STK_SECOND;
static const double RETRY_AFTER_S_MAX = 24 * 60 * 60;

/* ---- sentences --------------------------------------------------------- */

/* fmt and what follows, cut between two characters when it is too long. */
void stk_verdict_say(struct stk_exec_result *result, enum stk_outcome outcome, const char *fmt, ...)
{
    result->outcome = outcome;
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(result->error, sizeof(result->error), fmt, args);
    va_end(args);
    if (len < (int)sizeof(result->error)) return;
    result->error[stk_utf8_cut(result->error, sizeof(result->error) - 1)] = '\0';
}

static bool is_passing(int error)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(passing_errors); i++) {
        if (passing_errors[i] == error) return true;
    }
    return false;
}

void stk_verdict_add_not_started(struct stk_buf *buf, const char *program, const char *dir,
                                 enum stk_stage stage, int error)
{
    const char *cause = strerrordesc_np(error);
    if (stage == STK_STAGE_EXEC && error == ENOEXEC) {
        cause = "not a program (a script must begin with #!)";
    }
    stk_buf_addf(buf, "%s ", stage_words[stage]);
    stk_text_add_escaped(buf, program, strlen(program));
    if (stage == STK_STAGE_DIR && dir != NULL) stk_buf_addf(buf, ": %s", dir);
    stk_buf_addf(buf, ": %s", cause != NULL ? cause : "an unknown error");
}

void stk_verdict_not_started(struct stk_exec_result *result, const char *program, const char *dir,
                             enum stk_stage stage, int error)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_verdict_add_not_started(&text, program, dir, stage, error);
    stk_verdict_say(result, is_passing(error) ? STK_OUTCOME_FAILED : STK_OUTCOME_FAILED_FINAL, "%s",
                    stk_buf_str(&text));
}

int stk_verdict_exit_status(int status)
{
    return WIFSIGNALED(status) ? STK_EXIT_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status);
}

/* ": " and the last line that the program complained with, if it did. */
static void add_complaint(struct stk_buf *buf, const struct stk_capture *capture)
{
    const struct stk_buf *line = &capture->streams[STK_STREAM_STDERR].line.last;
    if (line->len == 0) return;
    stk_buf_adds(buf, ": ");
    stk_text_add_escaped(buf, line->data, stk_utf8_cut(line->data, line->len));
}

static void add_how(struct stk_buf *buf, const char *how, const char *meaning,
                    const struct stk_capture *capture)
{
    stk_buf_adds(buf, how);
    if (meaning != NULL) stk_buf_addf(buf, " (%s)", meaning);
    add_complaint(buf, capture);
}

static const struct exit_row *find_row(int exit_status)
{
    const struct exit_row *row = exit_rows;
    while (exit_status < row->from || exit_status > row->to) {
        row++;
    }
    return row;
}

static void add_signal(struct stk_buf *buf, const struct stk_capture *capture, int signal)
{
    char how[64];
    (void)snprintf(how, sizeof(how), "killed by signal %d", signal);
    const char *name = sigdescr_np(signal);
    if (signal == SIGKILL) name = "Killed; not by stoker, perhaps for want of memory";
    add_how(buf, how, name, capture);
}

void stk_verdict_add_ended(struct stk_buf *buf, const struct stk_capture *capture, int status)
{
    if (WIFSIGNALED(status)) {
        add_signal(buf, capture, WTERMSIG(status));
        return;
    }
    char how[64];
    (void)snprintf(how, sizeof(how), "exit status %d", WEXITSTATUS(status));
    add_how(buf, how, find_row(WEXITSTATUS(status))->meaning, capture);
}

/* ---- the result -------------------------------------------------------- */

static void take_result(struct stk_exec_result *result, const struct stk_capture *capture)
{
    struct stk_capture_text found = stk_capture_result(capture);
    if (found.len > capture->answer_limit) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL,
                        "the result is longer than the task's limit of %zu bytes",
                        capture->answer_limit);
        return;
    }
    if (!stk_utf8_is_valid(found.text, found.len)) {
        stk_verdict_say(result, STK_OUTCOME_FAILED_FINAL, "the result is not UTF-8 text");
        return;
    }

    STK_CLEANUP(stk_json_freep) json_t *json = NULL;
    result->result_is_text =
        found.len > 0 && stk_json_parse(found.text, found.len, &json, NULL) != STK_OK;
    stk_buf_add(&result->result, found.text, found.len);
}

/* ---- "come back in ..." ------------------------------------------------ */

static bool read_seconds(const json_t *value, double *ret)
{
    if (json_is_string(value)) return stk_parse_double(json_string_value(value), ret);
    if (!json_is_number(value)) return false;
    *ret = json_number_value(value);
    return true;
}

/* {"retry_after": seconds}, at most a day; what makes no sense is not said. */
static bool read_retry_after(const struct stk_capture *capture, stk_time_ns *ret)
{
    struct stk_capture_text found = stk_capture_result(capture);
    STK_CLEANUP(stk_json_freep) json_t *json = NULL;
    double seconds = 0;
    if (found.len > capture->answer_limit) return false;
    if (stk_json_parse(found.text, found.len, &json, NULL) != STK_OK) return false;
    if (!read_seconds(json_object_get(json, "retry_after"), &seconds)) return false;

    if (seconds < 0) seconds = 0;
    if (seconds > RETRY_AFTER_S_MAX) seconds = RETRY_AFTER_S_MAX;
    *ret = (stk_time_ns)(seconds * (double)STK_SECOND);
    return true;
}

static void take_until(struct stk_exec_result *result, const struct stk_capture *capture,
                       stk_time_ns now)
{
    stk_time_ns wait = RETRY_AFTER_DEFAULT;
    bool said = read_retry_after(capture, &wait);
    result->until_said = said;
    if (said || result->outcome == STK_OUTCOME_THROTTLED) result->until = now + wait;
}

/* ---- the end ----------------------------------------------------------- */

void stk_verdict_ended(struct stk_exec_result *result, const struct stk_capture *capture,
                       int status, stk_time_ns now)
{
    enum stk_outcome outcome =
        WIFSIGNALED(status) ? STK_OUTCOME_FAILED : find_row(WEXITSTATUS(status))->outcome;
    result->outcome = outcome;
    if (outcome == STK_OUTCOME_COMPLETED) {
        take_result(result, capture);
        return;
    }

    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_verdict_add_ended(&text, capture, status);
    stk_verdict_say(result, outcome, "%s", stk_buf_str(&text));
    if (WIFSIGNALED(status)) return;
    if (outcome == STK_OUTCOME_THROTTLED || outcome == STK_OUTCOME_FAILED) {
        take_until(result, capture, now);
    }
}
