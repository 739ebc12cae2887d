-- -> the database's clock, its timeline, the number of the next transaction
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer)::bigint
       END,
       txid_snapshot_xmax(txid_current_snapshot())
