-- $1 now, $2 ids, $3 attempt ids: claimed in a commit whose answer was lost -> poll_at of those that run elsewhere;
-- they are parked again, never pending: they would be submitted twice
WITH lost AS (
    UPDATE stoker.job j
       SET worker = 0
      FROM unnest($2::bigint[], $3::bigint[]) AS s(id, attempt_id)
     WHERE j.id = s.id AND j.attempt_id = s.attempt_id AND j.state = 'running'
       AND EXISTS (SELECT FROM stoker.remote r WHERE r.job_id = j.id AND r.phase <> 'submitting')
    RETURNING j.id
)
UPDATE stoker.remote r
   SET parked = true, poll_at = $1::bigint
  FROM lost l
 WHERE r.job_id = l.id
RETURNING r.poll_at
