-- of each line: $1 pool, $2 job, $3 at, $4 worker, $5 text; $6 now
INSERT INTO stoker.console_line (pool_id, job_id, at, shipped, worker, text)
SELECT pool_id, nullif(job_id, 0), at, $6::bigint, worker, text
  FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::text[]) WITH ORDINALITY
       AS g(pool_id, job_id, at, worker, text, n)
 ORDER BY n
