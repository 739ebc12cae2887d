-- $1 task -> 1 when jobs of it are held
SELECT 1 FROM stoker.job WHERE task_id = $1::bigint AND held IS NOT NULL LIMIT 1
