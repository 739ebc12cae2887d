/* SPDX-License-Identifier: MIT
 *
 * stmts - one name for each file of sql/pg: STMT_JOB_CLAIM is job_claim.sql.
 */
#ifndef STK_STORE_PG_STMTS_H
#define STK_STORE_PG_STMTS_H

#include "sql_pg_names.h"

enum stmt {
#define STMT_NAME(name) STMT_##name,
    SQL_PG_MAP(STMT_NAME)
#undef STMT_NAME
        STMT_COUNT_
};

#endif
