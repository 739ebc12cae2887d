-- of each sweep and task: $1 sweep, $2 queue, $3 task, $4 ended_at, $5 to $9 changes by state
INSERT INTO stoker.job_delta (sweep_id, queue_id, task_id, ended_at, pending, running, completed,
                              failed, cancelled)
SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
                     $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
