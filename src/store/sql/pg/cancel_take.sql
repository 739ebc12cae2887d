-- $1 pool -> jobs it is to stop, once; one that has ended since, or that another has by now, is not meant
WITH heard AS (
    DELETE FROM stoker.cancel_ask WHERE pool_id = $1::bigint RETURNING job_id
)
SELECT j.id
  FROM heard h
  JOIN stoker.job j ON j.id = h.job_id
 WHERE j.state = 'running' AND j.cancel AND j.pool_id = $1::bigint
