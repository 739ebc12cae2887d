/* SPDX-License-Identifier: MIT
 *
 * libpq - PostgreSQL's client library as a table of functions, loaded when
 * first asked for: it brings TLS, Kerberos and LDAP along, which a command on a
 * SQLite store must not pay for (base/late.h).
 *
 * Threads: any.
 * Errors:  STK_UNAVAILABLE: there is no libpq, or one that is too old (< 14).
 */
#ifndef STK_STORE_PG_LIBPQ_H
#define STK_STORE_PG_LIBPQ_H

#include <libpq-fe.h>

#include "base/err.h"

/* clang-format off */
#define STK_PQ_MAP(X)                                                              \
    X(PQconnectStartParams) X(PQfinish) X(PQsocket) X(PQstatus)                       \
    X(PQerrorMessage) X(PQconninfoParse) X(PQconninfoFree) X(PQserverVersion)      \
    X(PQsetnonblocking) X(PQflush) X(PQconsumeInput) X(PQisBusy) X(PQgetResult)    \
    X(PQenterPipelineMode) X(PQpipelineSync) X(PQsendPrepare) X(PQsendQueryPrepared) \
    X(PQsendQueryParams) X(PQresultStatus) X(PQresultErrorField) X(PQresultErrorMessage) \
    X(PQclear) X(PQntuples) X(PQgetvalue) X(PQgetlength) X(PQgetisnull) X(PQcmdStatus) \
    X(PQcmdTuples) X(PQnotifies) X(PQfreemem) X(PQhost) X(PQport) X(PQdb) X(PQuser)  \
    X(PQsetNoticeProcessor) X(PQparameterStatus) X(PQexitPipelineMode)           \
    X(PQexec) X(PQputCopyData) X(PQputCopyEnd) X(PQgetCopyData) X(PQsendQuery) \
    X(PQbackendPID) X(PQconnectPoll)
/* clang-format on */

struct stk_pq {
#define STK_PQ_FIELD(name) __typeof__(name) *name;
    STK_PQ_MAP(STK_PQ_FIELD)
#undef STK_PQ_FIELD
};

STK_MUST_USE enum stk_rc stk_pq_load(const struct stk_pq **ret, struct stk_error *err);

#endif
