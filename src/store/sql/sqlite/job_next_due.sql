-- -> the earliest ready_at not yet promoted, or NULL
SELECT min(ready_at) FROM job WHERE due = 0 AND ready_at IS NOT NULL;
