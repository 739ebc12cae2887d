-- ?1 the pool that is alive -> id, host, pid
SELECT id, host, pid FROM pool WHERE stopped_at IS NULL AND id <> ?1;
