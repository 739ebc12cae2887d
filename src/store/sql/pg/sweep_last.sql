-- -> the newest id, or NULL
SELECT max(id) FROM stoker.sweep
