-- $1 now -> when the next one after that is due, or NULL
SELECT min(next_at) FROM stoker.notice WHERE next_at > $1::bigint
