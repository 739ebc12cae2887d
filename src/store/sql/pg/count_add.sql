-- $1 sweeps, $2 queues, $3 tasks, $4 to $8 by how much pending, running, completed, failed, cancelled
-- change, $9 when jobs of it ended last, or 0
INSERT INTO stoker.job_delta (sweep_id, queue_id, task_id, pending, running, completed, failed,
                              cancelled, ended_at)
SELECT *
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
              $7::bigint[], $8::bigint[], $9::bigint[])
