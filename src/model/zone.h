/* SPDX-License-Identifier: MIT
 *
 * zone - when a day ends somewhere.
 *
 * The C library knows time zones only as a state of the whole process (TZ,
 * tzset), which threads may not change. So the compiled rules (TZif, RFC 8536,
 * versions 1 to 4) are read from /usr/share/zoneinfo when the configuration is,
 * and asked without I/O from then on. After the last transition of the file its
 * rule ("EST5EDT,M3.2.0,M11.1.0") goes on for ever.
 *
 * Memory:  stk_zone_open makes, stk_zone_free ends; NULL is UTC everywhere.
 * Threads: read-only once made.
 * Errors:  STK_NOT_FOUND: no such zone, or its rules cannot be read.
 */
#ifndef STK_MODEL_ZONE_H
#define STK_MODEL_ZONE_H

#include "base/err.h"

struct stk_zone;

/* "UTC" gives NULL and needs no file. */
STK_MUST_USE enum stk_rc stk_zone_open(const char *name, struct stk_zone **ret,
                                       struct stk_error *err);
/* The bytes of a file of zoneinfo. False: they are none. */
bool stk_zone_parse(const void *bytes, size_t len, struct stk_zone **ret);
void stk_zone_free(struct stk_zone *zone);

/* Seconds to add to UTC. */
int64_t stk_zone_offset_s(const struct stk_zone *zone, stk_time_ns at);
/* The first moment after `at` with another local date: midnight, or what the
 * clocks show first where they are put forward at midnight. */
stk_time_ns stk_zone_next_day(const struct stk_zone *zone, stk_time_ns at);

#endif
