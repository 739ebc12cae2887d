-- -> the database's clock, its timeline
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000,
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE (('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer)::bigint
       END
