-- $1.. the columns of session in pg/gates.c, $33 nothing; no change when somebody else was quicker
INSERT INTO stoker.session (name, state, resume_state, generation, issued_at, expires_at,
                            deadline_at, changed_at, closed_at, reason, renewed_by, renewed_at,
                            renew_tried, tries, try_at, checked_at, link, code, challenge_at,
                            challenge_until, poll_every_ns, challenges, ready_at, blocked_until,
                            blocks, wish, wish_by, wish_at, epoch, keeper, lease_until,
                            block_unknown)
SELECT $1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint,
       $9::bigint, $10::text, $11::text, $12::bigint, $13::bigint, $14::bigint, $15::bigint,
       $16::bigint, $17::text, $18::text, $19::bigint, $20::bigint, $21::bigint, $22::bigint,
       $23::bigint, $24::bigint, $25::bigint, $26::text, $27::text, $28::bigint, $29::bigint,
       $30::text, $31::bigint, $32::boolean
 WHERE $33::bigint = 0
    ON CONFLICT (name) DO NOTHING
