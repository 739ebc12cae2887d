/* SPDX-License-Identifier: MIT */
#include "store/pg/pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

const struct stk_engine stk_engine_pg = { .schemes = { "postgresql", "postgres" },
                                          .is_shared = true,
#define ENGINE_ROW(name) .name = stk_pg_##name,
                                          STK_ENGINE_MAP(ENGINE_ROW)
#undef ENGINE_ROW
};

/* Nobody owns a store that many may open. */
enum stk_rc stk_pg_owner(const char *url, struct stk_owner *ret, struct stk_error *err)
{
    (void)url, (void)ret;
    return stk_fail(err, STK_NOT_FOUND, "a PostgreSQL store has no owner");
}

char *stk_pg_socket_path(const char *url)
{
    (void)url;
    return NULL;
}

/* "DATABASE on HOST:PORT", as far as the URL says; never anything else of it. */
static char *make_place(const struct stk_pq *pq, const char *url)
{
    const char *host = "localhost", *port = "", *name = "";
    char *why = NULL;
    PQconninfoOption *options = pq->PQconninfoParse(url, &why);
    pq->PQfreemem(why);
    for (const PQconninfoOption *option = options; option != NULL && option->keyword != NULL;
         option++) {
        if (option->val == NULL || *option->val == '\0') continue;
        if (strcmp(option->keyword, "host") == 0) host = option->val;
        if (strcmp(option->keyword, "port") == 0) port = option->val + strspn(option->val, ",");
        if (strcmp(option->keyword, "dbname") == 0) name = option->val;
    }
    char *place = stk_format("PostgreSQL%s%s on %s%s%s", *name != '\0' ? " " : "", name, host,
                             *port != '\0' ? ":" : "", port);
    if (options != NULL) pq->PQconninfoFree(options);
    return place;
}

/* A pool finds out at its start whether all statements fit the schema; a short
 * command prepares only those that it runs. */
static enum stk_rc prepare_all(struct stk_pg *self, struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < STMT_COUNT_ && rc == STK_OK; i++) {
        rc = stk_pg_prepare(self, (enum stmt)i, err);
        if (rc == STK_OK && self->sent_count + 4 >= STK_PG_SENT_MAX) {
            rc = stk_pg_collect(self, NULL, err);
        }
    }
    return rc == STK_OK ? stk_pg_collect(self, NULL, err) : rc;
}

static enum stk_rc set_up(struct stk_pg *self, const struct stk_store_options *options,
                          struct stk_error *err)
{
    enum stk_rc rc = stk_pg_be_connected(self, err);
    if (rc == STK_OK) {
        rc = self->read_only ? stk_pg_version_check(self, err) : stk_pg_migrate(self, err);
    }
    if (rc == STK_OK && options->serves) {
        rc = prepare_all(self, err);
        if (rc == STK_BUSY && self->unnamed) rc = STK_OK; /* a pooler: none stays prepared */
    }
    return rc == STK_OK && !self->read_only ? stk_pg_words(self, err) : rc;
}

enum stk_rc stk_pg_open(const char *url, const struct stk_store_options *options,
                        struct stk_store **ret, struct stk_error *err)
{
    const struct stk_pq *pq = NULL;
    enum stk_rc rc = stk_pq_load(&pq, err);
    if (rc == STK_OK) rc = stk_pg_check_url(pq, url, err);
    if (rc != STK_OK) return rc;

    struct stk_pg *self = stk_alloc(sizeof(*self));
    self->base.engine = &stk_engine_pg;
    self->pq = pq;
    self->url = stk_strdup(url);
    self->place = make_place(pq, url);
    self->command = stk_strdup(options->command != NULL ? options->command : "stoker");
    self->read_only = options->read_only;
    self->lease_ns = options->lease_ns != 0 ? options->lease_ns : STK_LEASE_STANDARD;
    self->next_due = STK_NEVER;
    self->next_poll = STK_NEVER;
    STK_CLEANUP(stk_store_closep) struct stk_store *made = &self->base;
    rc = set_up(self, options, err);
    if (rc != STK_OK) return rc;
    *ret = made;
    made = NULL;
    return STK_OK;
}

static void doings_free(struct doings *doings)
{
    free(doings->claims);
    free(doings->settles);
}

void stk_pg_close(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    if (self->in_txn) stk_pg_rollback(store);
    stk_pg_disconnect(self);
    stk_words_clear(&self->words);
    stk_tally_release(&self->counts);
    stk_tally_release(&self->counts_saved);
    stk_pg_gates_release(self);
    doings_free(&self->doings);
    doings_free(&self->doubt.doings);
    stk_buf_release(&self->scratch);
    stk_buf_release(&self->text);
    free(self->live.places);
    free(self->late);
    free(self->floors);
    free(self->url);
    free(self->place);
    free(self->command);
    free(self);
}
