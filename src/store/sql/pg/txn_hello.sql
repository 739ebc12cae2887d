-- $1 the server process that libpq was told of, $2 milliseconds -> the database's clock, its timeline, the number
-- of the next transaction; and for this connection: how long the server waits for us inside a transaction, and
-- no compiling of statements, which costs more than ours take. Behind a pooler both stay as they are: others
-- would inherit them.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer)::bigint
       END,
       txid_snapshot_xmax(txid_current_snapshot()),
       CASE WHEN pg_backend_pid() = $1::bigint
            THEN set_config('idle_in_transaction_session_timeout', ($2::bigint)::text, false)
       END,
       CASE WHEN pg_backend_pid() = $1::bigint THEN set_config('jit', 'off', false) END
