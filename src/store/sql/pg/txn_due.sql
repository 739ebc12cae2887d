-- -> the next ready_at not yet promoted, the next poll
SELECT (SELECT min(ready_at) FROM stoker.job WHERE NOT due AND ready_at IS NOT NULL),
       (SELECT min(poll_at) FROM stoker.remote WHERE parked)
