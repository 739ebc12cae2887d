-- -> in recovery, fsync, full_page_writes, synchronous_commit, autovacuum, connections that may be and are open,
-- broken pages seen, pid of this session's server process, the database's clock
SELECT pg_is_in_recovery(), current_setting('fsync')::boolean, current_setting('full_page_writes')::boolean,
       current_setting('synchronous_commit'), current_setting('autovacuum')::boolean,
       current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint,
       (SELECT sum(numbackends)::bigint FROM pg_stat_database),
       (SELECT coalesce(checksum_failures, 0) FROM pg_stat_database WHERE datname = current_database()),
       pg_backend_pid()::bigint, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000
