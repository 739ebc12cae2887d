-- $1 ids, $2 now, $3 error: pending ones
UPDATE stoker.job
   SET state = 'cancelled', due = false, ready_at = NULL, held = NULL, cancel = true,
       finished_at = $2::bigint, error = $3::text
 WHERE id = ANY ($1::bigint[]) AND state = 'pending'
