-- -> id, at, actor, action, subject, reason, prev, hash; the oldest first
SELECT id, at, actor, action, subject, reason, prev, hash FROM audit ORDER BY id;
