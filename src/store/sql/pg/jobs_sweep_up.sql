-- $1 first id, $2 last id, $3 limit, $4 shelves, $5 whether only completed ones are meant, $6 sweep -> id;
-- said as in jobs_task
SELECT j.id
  FROM unnest($4::bigint[]) AS s(shelf)
 CROSS JOIN LATERAL (
       SELECT id
         FROM stoker.job
        WHERE sweep_id IS NOT NULL AND sweep_id = ANY (ARRAY[$6::bigint])
          AND (shelf, id) >= (s.shelf, $1::bigint) AND (shelf, id) <= (s.shelf, $2::bigint)
          AND (NOT $5::boolean OR state = 'completed')
        ORDER BY sweep_id, shelf, id
        LIMIT $3::bigint) AS j
 ORDER BY j.id
 LIMIT $3::bigint
