-- $1 ids, $2 now
UPDATE stoker.job
   SET state = 'pending', due = true, ready_at = $2::bigint, attempt = 0, interruptions = 0,
       retries = retries + 1, cancel = false, pool_id = NULL, worker = NULL, started_at = NULL,
       finished_at = NULL, result = NULL, error = NULL
 WHERE id = ANY ($1::bigint[]) AND state IN ('completed', 'failed', 'cancelled')
