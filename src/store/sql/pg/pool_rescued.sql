-- those that have ended, and of which nothing is running any more
WITH done AS (
    UPDATE stoker.pool p
       SET rescued = true
     WHERE NOT rescued AND stopped_at IS NOT NULL
       AND NOT EXISTS (SELECT
                         FROM (SELECT unnest(l.ids) AS id FROM stoker.claim_log l WHERE l.pool_id = p.id) m
                         JOIN stoker.job j ON j.id = m.id
                         LEFT JOIN stoker.remote r ON r.job_id = j.id
                        WHERE j.state = 'running' AND j.pool_id = p.id
                          AND NOT coalesce(r.parked, false))
    RETURNING id
)
DELETE FROM stoker.claim_log WHERE pool_id IN (SELECT id FROM done)
