-- $1 first id, $2 last id, $3 limit, $4 sweep -> id, state
SELECT j.id, j.state::text
  FROM (VALUES (0), (1), (2), (3)) AS s(shelf)
 CROSS JOIN LATERAL (
       SELECT id, state
         FROM stoker.job
        WHERE sweep_id = $4::bigint AND shelf = s.shelf AND id BETWEEN $1::bigint AND $2::bigint
        ORDER BY id
        LIMIT $3::bigint) AS j
 ORDER BY j.id
 LIMIT $3::bigint
