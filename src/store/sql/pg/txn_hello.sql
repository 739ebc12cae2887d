-- $1 the server process that libpq was told of, $2 milliseconds -> the database's clock, its timeline, how long the
-- server waits for us inside a transaction; behind a pooler that stays as it is: others would inherit it
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer)::bigint
       END,
       CASE WHEN pg_backend_pid() = $1::bigint
            THEN set_config('idle_in_transaction_session_timeout', ($2::bigint)::text, false)
       END
