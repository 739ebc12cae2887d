-- ?1 id, ?2 now, ?3 actor, ?4 action, ?5 subject, ?6 reason, ?7 prev, ?8 hash
INSERT INTO audit (id, at, actor, action, subject, reason, prev, hash)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8);
