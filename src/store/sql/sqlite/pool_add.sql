-- ?1 host, ?2 pid, ?3 workers, ?4 now
INSERT INTO pool (host, pid, workers, started_at, beat_at) VALUES (?1, ?2, ?3, ?4, ?4);
