/* SPDX-License-Identifier: MIT */
#include "pool/readers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"

struct stk_readers {
    char *url;
    pthread_mutex_t lock;
    pthread_cond_t returned;
    struct stk_store *free[STK_READERS_MAX]; /* opened, not lent */
    size_t free_count;
    size_t out; /* lent, or being opened */
};

struct stk_readers *stk_readers_open(const char *url)
{
    struct stk_readers *readers = stk_alloc(sizeof(*readers));
    readers->url = stk_strdup(url);
    (void)pthread_mutex_init(&readers->lock, NULL);
    (void)pthread_cond_init(&readers->returned, NULL);
    return readers;
}

void stk_readers_close(struct stk_readers *readers)
{
    if (readers == NULL) return;
    for (size_t i = 0; i < readers->free_count; i++) {
        stk_store_close(readers->free[i]);
    }
    (void)pthread_cond_destroy(&readers->returned);
    (void)pthread_mutex_destroy(&readers->lock);
    free(readers->url);
    free(readers);
}

/* A store out of the free ones, or NULL with the right to open one more. */
static struct stk_store *borrow(struct stk_readers *readers)
{
    struct stk_store *store = NULL;
    (void)pthread_mutex_lock(&readers->lock);
    while (readers->free_count == 0 && readers->out == STK_READERS_MAX) {
        (void)pthread_cond_wait(&readers->returned, &readers->lock);
    }
    if (readers->free_count > 0) store = readers->free[--readers->free_count];
    readers->out++;
    (void)pthread_mutex_unlock(&readers->lock);
    return store;
}

static void give_back(struct stk_readers *readers, struct stk_store *store)
{
    (void)pthread_mutex_lock(&readers->lock);
    readers->out--;
    if (store != NULL) readers->free[readers->free_count++] = store;
    (void)pthread_cond_signal(&readers->returned);
    (void)pthread_mutex_unlock(&readers->lock);
}

enum stk_rc stk_readers_read(struct stk_readers *readers, stk_read_fn fn, void *arg,
                             struct stk_error *err)
{
    struct stk_store *store = borrow(readers);
    enum stk_rc rc = STK_OK;
    if (store == NULL) {
        const struct stk_store_options options = { .read_only = true };
        rc = stk_store_open(readers->url, &options, &store, err);
    }
    if (rc == STK_OK) rc = fn(store, arg, err);
    give_back(readers, store);
    return rc;
}
