-- -> id, hash of the newest row
SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1;
