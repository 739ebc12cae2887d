/* SPDX-License-Identifier: MIT
 *
 * The jobs that this store has claimed and not settled: what a pool's beat
 * writes down for its rescuers, and where a claimed job belongs, so that
 * completing it asks nothing. A hash table of open addressing: a job's place is
 * the first free one from its id on; taking one out moves later ones up.
 */
#include "store/pg/pg.h"

#include <stdlib.h>

#include "base/alloc.h"

enum { SIZE_MIN = 64 };

static size_t home_of(const struct live_set *set, int64_t id)
{
    return (size_t)((uint64_t)id * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (set->size - 1);
}

/* The job's place, or the free one where it would be. */
static struct live *place_of(const struct live_set *set, int64_t id)
{
    size_t at = home_of(set, id);
    while (set->places[at].id != 0 && set->places[at].id != id) {
        at = (at + 1) & (set->size - 1);
    }
    return &set->places[at];
}

static void grow(struct live_set *set)
{
    struct live_set old = *set;
    set->size = old.size == 0 ? SIZE_MIN : 2 * old.size;
    set->places = stk_alloc(set->size * sizeof(*set->places));
    for (size_t i = 0; i < old.size; i++) {
        if (old.places[i].id != 0) *place_of(set, old.places[i].id) = old.places[i];
    }
    free(old.places);
}

struct live *stk_pg_live_find(struct stk_pg *self, int64_t id)
{
    if (self->live.count == 0) return NULL;
    struct live *place = place_of(&self->live, id);
    return place->id == id ? place : NULL;
}

void stk_pg_live_add(struct stk_pg *self, const struct live *live)
{
    struct live_set *set = &self->live;
    if (2 * (set->count + 1) > set->size) grow(set);
    struct live *place = place_of(set, live->id);
    if (place->id == 0) set->count++;
    *place = *live;
}

void stk_pg_live_remove(struct stk_pg *self, int64_t id)
{
    struct live_set *set = &self->live;
    struct live *gone = stk_pg_live_find(self, id);
    if (gone == NULL) return;
    set->count--;
    size_t hole = (size_t)(gone - set->places);
    for (size_t at = (hole + 1) & (set->size - 1); set->places[at].id != 0;
         at = (at + 1) & (set->size - 1)) {
        size_t home = home_of(set, set->places[at].id);
        bool may_move = ((at - home) & (set->size - 1)) >= ((at - hole) & (set->size - 1));
        if (!may_move) continue;
        set->places[hole] = set->places[at];
        hole = at;
    }
    set->places[hole] = (struct live){ 0 };
}
