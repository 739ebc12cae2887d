-- ?1 now, ?2 kind, ?3 job, ?4 sweep, ?5 pool, ?6 queue, ?7 actor, ?8 text
INSERT INTO event (at, kind, job_id, sweep_id, pool_id, queue, actor, text)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
