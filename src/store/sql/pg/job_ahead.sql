-- $1 id, $2 most -> how many of its queue a claim takes first; no row: there is no such job
SELECT (SELECT count(*)
          FROM (SELECT
                  FROM stoker.job a
                 WHERE a.due AND a.queue_id = j.queue_id AND (a.rank, a.id) < (j.rank, j.id)
                 ORDER BY a.rank, a.id
                 LIMIT $2::bigint) AS ahead)
  FROM stoker.job j
 WHERE j.id = $1::bigint
