-- $1 now, $2 event, $3 subject, $4 key, $5 text, $6 facts, $7 next_at, $8 channels left; no change when
-- the key was used already
INSERT INTO stoker.notice (at, event, subject, key, text, facts, next_at, channels)
VALUES ($1::bigint, $2::text, $3::text, $4::text, $5::text, $6::text, $7::bigint, $8::text)
    ON CONFLICT (key) DO NOTHING
