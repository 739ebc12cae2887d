-- $1 first id, $2 last id, $3 limit, $4 shelves, $5 whether only completed ones are meant, $6 sweep -> id
SELECT j.id
  FROM unnest($4::bigint[]) AS s(shelf)
 CROSS JOIN LATERAL (
       SELECT id
         FROM stoker.job
        WHERE sweep_id = $6::bigint AND shelf = s.shelf AND id BETWEEN $1::bigint AND $2::bigint
          AND (NOT $5::boolean OR state = 'completed')
        ORDER BY id DESC
        LIMIT $3::bigint) AS j
 ORDER BY j.id DESC
 LIMIT $3::bigint
