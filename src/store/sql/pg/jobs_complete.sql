-- $1 now; of each job: $2 id, $3 attempt id, $4 result: JSON or NULL -> id of those that its attempt held
UPDATE stoker.job j
   SET state = 'completed', attempt_id = NULL, finished_at = $1::bigint, result = s.result,
       error = NULL
  FROM unnest($2::bigint[], $3::bigint[], $4::text[]) AS s(id, attempt_id, result)
 WHERE j.id = s.id AND j.attempt_id = s.attempt_id AND j.state = 'running'
RETURNING j.id
