-- $1 seconds -> what keeps a transaction open for longer, for how many seconds, whether it is a prepared one
-- (whose name comes first); the oldest first
SELECT what, seconds, prepared
  FROM (SELECT format('pid %s (%s of role %s, %s)', pid, coalesce(nullif(application_name, ''), 'a client'),
                      coalesce(usename, '-'), coalesce(state, backend_type)) AS what,
               extract(epoch FROM clock_timestamp() - xact_start)::bigint AS seconds, false AS prepared
          FROM pg_stat_activity
         WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid()
           AND (datname = current_database() OR backend_xmin IS NOT NULL)
         UNION ALL
        SELECT quote_literal(gid), extract(epoch FROM clock_timestamp() - prepared)::bigint, true
          FROM pg_prepared_xacts
         WHERE database = current_database()) AS old
 WHERE seconds > $1::bigint
 ORDER BY seconds DESC
 LIMIT 3
