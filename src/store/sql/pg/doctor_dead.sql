-- $1 rows -> tables with more dead rows than that and than a fifth of all: name, dead rows, per cent, minutes since
-- they were last cleaned up or NULL; those that were in the last five minutes are left out
SELECT relname::text, n_dead_tup, 100 * n_dead_tup / (n_live_tup + n_dead_tup),
       (extract(epoch FROM now() - greatest(last_vacuum, last_autovacuum)) / 60)::bigint
  FROM pg_stat_user_tables
 WHERE schemaname = 'stoker' AND n_dead_tup > $1::bigint AND 4 * n_dead_tup > n_live_tup
   AND coalesce(now() - greatest(last_vacuum, last_autovacuum) > interval '5 minutes', true)
 ORDER BY n_dead_tup DESC
 LIMIT 3
