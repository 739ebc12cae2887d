-- $1 system, $2 timeline, $3 xid, $4 now
INSERT INTO stoker.past (id, system, timeline, xid, seen_at)
VALUES (1, $1::bigint, $2::bigint, $3::bigint, $4::bigint)
    ON CONFLICT (id) DO UPDATE
   SET system = excluded.system, timeline = excluded.timeline, xid = excluded.xid, seen_at = excluded.seen_at
