/* SPDX-License-Identifier: MIT
 *
 * commands - the list of commands, in the order in which help shows them.
 *
 * Each name is a record `stk_cli_<name>`, in the file of that command. Whoever
 * adds one adds a row here, and nothing else.
 */
#ifndef STK_CLI_COMMANDS_H
#define STK_CLI_COMMANDS_H

#include "cli/cli.h"

/* clang-format off */
/*    record             file            */
#define STK_COMMAND_MAP(X)                \
    X(up)             /* up.c          */ \
    X(submit)         /* submit.c      */ \
    X(sweep)          /* sweep.c       */ \
    X(sweep_extend)   /* sweep.c       */ \
    X(sweep_show)     /* sweep_show.c  */ \
    X(sweep_list)     /* sweep_list.c  */ \
    X(sweep_retry)    /* change.c      */ \
    X(sweep_cancel)   /* change.c      */ \
    X(status)         /* status.c      */ \
    X(jobs)           /* jobs.c        */ \
    X(job)            /* job.c         */ \
    X(why)            /* why.c         */ \
    X(retry)          /* change.c      */ \
    X(cancel)         /* change.c      */ \
    X(results)        /* results.c     */ \
    X(logs)           /* logs.c        */ \
    X(events)         /* events.c      */ \
    X(queue_list)     /* queue.c       */ \
    X(queue_pause)    /* queue.c       */ \
    X(queue_resume)   /* queue.c       */ \
    X(session_status) /* session.c     */ \
    X(session_renew)  /* session.c     */ \
    X(session_login)  /* session.c     */ \
    X(session_ready)  /* session.c     */ \
    X(session_done)   /* session.c     */ \
    X(session_import) /* session.c     */ \
    X(session_cancel) /* session.c     */ \
    X(session_check)  /* session.c     */ \
    X(session_unlock) /* session.c     */ \
    X(session_pause)  /* session.c     */ \
    X(session_resume) /* session.c     */ \
    X(limits)         /* limits.c      */ \
    X(limits_set)     /* limits.c      */ \
    X(limits_clear)   /* limits.c      */ \
    X(user_list)      /* user.c        */ \
    X(user_add)       /* user.c        */ \
    X(user_grant)     /* user.c        */ \
    X(user_revoke)    /* user.c        */ \
    X(user_password)  /* user.c        */ \
    X(user_totp)      /* user.c        */ \
    X(user_remove)    /* user.c        */ \
    X(token_list)     /* user.c        */ \
    X(token_add)      /* user.c        */ \
    X(token_remove)   /* user.c        */ \
    X(key_rotate)     /* key.c         */ \
    X(audit)          /* user.c        */ \
    X(notify_list)    /* notify.c      */ \
    X(notify_test)    /* notify.c      */ \
    X(doctor)         /* doctor.c      */ \
    X(migrate)        /* migrate.c     */ \
    X(move)           /* move.c        */ \
    X(bench)          /* bench.c       */ \
    X(help)           /* help_cmd.c    */ \
    X(version)        /* version.c     */
/* clang-format on */

#define STK_COMMAND_DECLARE(name) extern const struct stk_command_info stk_cli_##name;
STK_COMMAND_MAP(STK_COMMAND_DECLARE)
#undef STK_COMMAND_DECLARE

#endif
