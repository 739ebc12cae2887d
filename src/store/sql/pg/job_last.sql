-- -> the newest id, or NULL
SELECT max(id) FROM stoker.job
