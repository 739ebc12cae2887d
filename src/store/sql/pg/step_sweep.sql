-- $1 first id, $2 last id, $3 limit, $4 sweep -> id, state; said as in jobs_task
SELECT j.id, j.state::text
  FROM (VALUES (0), (1), (2), (3)) AS s(shelf)
 CROSS JOIN LATERAL (
       SELECT id, state
         FROM stoker.job
        WHERE sweep_id IS NOT NULL AND sweep_id = ANY (ARRAY[$4::bigint])
          AND (shelf, id) >= (s.shelf, $1::bigint) AND (shelf, id) <= (s.shelf, $2::bigint)
        ORDER BY sweep_id, shelf, id
        LIMIT $3::bigint) AS j
 ORDER BY j.id
 LIMIT $3::bigint
