-- -> the columns of session in pg/gates.c, version, the database's clock; by name
SELECT name, state, resume_state, generation, issued_at, expires_at, deadline_at, changed_at,
       closed_at, reason, renewed_by, renewed_at, renew_tried, tries, try_at, checked_at, link,
       code, challenge_at, challenge_until, poll_every_ns, challenges, ready_at, blocked_until,
       blocks, wish, wish_by, wish_at, epoch, keeper, lease_until, block_unknown, version,
       (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000
  FROM stoker.session
 ORDER BY name COLLATE "C"
