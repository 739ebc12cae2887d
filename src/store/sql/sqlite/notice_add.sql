-- ?1 now, ?2 event, ?3 subject, ?4 key, ?5 text, ?6 facts, ?7 next_at, ?8 channels left; no change when
-- the key was used already, NOT NULL fails when a JSON is none
INSERT INTO notice (at, event, subject, key, text, facts, next_at, channels)
VALUES (?1, ?2, ?3, ?4, ?5, CASE WHEN json_valid(?6) THEN ?6 END, ?7,
        CASE WHEN json_valid(?8) THEN ?8 END)
    ON CONFLICT (key) DO NOTHING;
