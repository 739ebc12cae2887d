-- $1 ids: of running ones, to the pools that have them in hand
INSERT INTO stoker.cancel_ask AS a (job_id, pool_id)
SELECT j.id, j.pool_id
  FROM stoker.job j
  LEFT JOIN stoker.remote r ON r.job_id = j.id
 WHERE j.id = ANY ($1::bigint[]) AND j.state = 'running' AND NOT coalesce(r.parked, false)
    ON CONFLICT (job_id) DO UPDATE SET pool_id = excluded.pool_id
