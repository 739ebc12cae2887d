-- $1 first id, $2 last id, $3 limit, $4 shelves, $5 whether only completed ones are meant, $6 tasks -> id;
-- ANY and the pairs leave this order to one index: by id alone the walk would pass all other jobs
SELECT j.id
  FROM unnest($6::bigint[]) AS t(id)
 CROSS JOIN unnest($4::bigint[]) AS s(shelf)
 CROSS JOIN LATERAL (
       SELECT id
         FROM stoker.job
        WHERE task_id = ANY (ARRAY[t.id])
          AND (shelf, id) >= (s.shelf, $1::bigint) AND (shelf, id) <= (s.shelf, $2::bigint)
          AND (NOT $5::boolean OR state = 'completed')
        ORDER BY task_id, shelf, id
        LIMIT $3::bigint) AS j
 ORDER BY j.id
 LIMIT $3::bigint
