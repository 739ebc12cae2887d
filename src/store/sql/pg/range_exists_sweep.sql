-- $1 first id, $2 last id, $3 sweep -> 1 when there is a job
SELECT 1
  FROM stoker.job
 WHERE sweep_id = $3::bigint AND shelf IN (0, 1, 2, 3) AND id BETWEEN $1::bigint AND $2::bigint
 LIMIT 1
