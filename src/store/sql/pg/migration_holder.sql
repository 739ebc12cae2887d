-- -> process of the server that migrates, who that is; as far as this role may know
SELECT l.pid::bigint, coalesce(nullif(a.application_name, ''), 'another program')
  FROM pg_locks l
  LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.classid = 7370 AND l.objid = 2 AND l.granted
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
