-- those that have ended, and of which nothing is running any more
UPDATE stoker.pool p
   SET rescued = true
 WHERE NOT rescued AND stopped_at IS NOT NULL
   AND NOT EXISTS (SELECT FROM unnest(p.running) AS r(id)
                     JOIN stoker.job j ON j.id = r.id
                    WHERE j.state = 'running' AND j.pool_id = p.id)
   AND NOT EXISTS (SELECT FROM stoker.job j
                    WHERE j.pool_id = p.id AND j.started_at >= p.beat_at - 60000000000
                      AND j.state = 'running')
   AND NOT EXISTS (SELECT FROM stoker.remote r
                     JOIN stoker.job j ON j.id = r.job_id
                    WHERE NOT r.parked AND j.state = 'running' AND j.pool_id = p.id)
