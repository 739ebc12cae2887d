-- $1 ids, $2 error: running ones
UPDATE stoker.job
   SET cancel = true, error = $2::text
 WHERE id = ANY ($1::bigint[]) AND state = 'running' AND NOT cancel
