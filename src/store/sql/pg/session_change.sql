-- $1.. the columns of session in pg/gates.c, $33 the version that was read; the secrets stay
UPDATE stoker.session
   SET state = $2::text, resume_state = $3::text, generation = $4::bigint,
       issued_at = $5::bigint, expires_at = $6::bigint, deadline_at = $7::bigint,
       changed_at = $8::bigint, closed_at = $9::bigint, reason = $10::text,
       renewed_by = $11::text, renewed_at = $12::bigint, renew_tried = $13::bigint,
       tries = $14::bigint, try_at = $15::bigint, checked_at = $16::bigint, link = $17::text,
       code = $18::text, challenge_at = $19::bigint, challenge_until = $20::bigint,
       poll_every_ns = $21::bigint, challenges = $22::bigint, ready_at = $23::bigint,
       blocked_until = $24::bigint, blocks = $25::bigint, wish = $26::text, wish_by = $27::text,
       wish_at = $28::bigint, epoch = $29::bigint, keeper = $30::text, lease_until = $31::bigint,
       block_unknown = $32::boolean, version = version + 1
 WHERE name = $1::text AND version = $33::bigint
