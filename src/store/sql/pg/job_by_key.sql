-- $1 task, $2 key -> id, params
SELECT id, params FROM stoker.job WHERE task_id = $1::bigint AND key = $2::text
