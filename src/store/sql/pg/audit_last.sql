-- -> id, hash of the newest row
SELECT id, hash FROM stoker.audit ORDER BY id DESC LIMIT 1
