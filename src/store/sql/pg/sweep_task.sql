-- $1 sweep -> its task
SELECT task_id FROM stoker.sweep WHERE id = $1::bigint
