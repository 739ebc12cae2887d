-- ?1.. the columns of session in sqlite/gates.c; the secrets stay
INSERT INTO session (name, state, resume_state, generation, issued_at, expires_at, deadline_at,
                     changed_at, closed_at, reason, renewed_by, renewed_at, renew_tried, tries,
                     try_at, checked_at, link, code, challenge_at, challenge_until, poll_every_ns,
                     challenges, ready_at, blocked_until, blocks, wish, wish_by, wish_at, epoch,
                     keeper, lease_until, block_unknown)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
        ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31,
        ?32)
    ON CONFLICT (name) DO UPDATE
   SET state = excluded.state, resume_state = excluded.resume_state,
       generation = excluded.generation, issued_at = excluded.issued_at,
       expires_at = excluded.expires_at, deadline_at = excluded.deadline_at,
       changed_at = excluded.changed_at, closed_at = excluded.closed_at, reason = excluded.reason,
       renewed_by = excluded.renewed_by, renewed_at = excluded.renewed_at,
       renew_tried = excluded.renew_tried, tries = excluded.tries, try_at = excluded.try_at,
       checked_at = excluded.checked_at, link = excluded.link, code = excluded.code,
       challenge_at = excluded.challenge_at, challenge_until = excluded.challenge_until,
       poll_every_ns = excluded.poll_every_ns, challenges = excluded.challenges,
       ready_at = excluded.ready_at, blocked_until = excluded.blocked_until,
       blocks = excluded.blocks, wish = excluded.wish, wish_by = excluded.wish_by,
       wish_at = excluded.wish_at, epoch = excluded.epoch, keeper = excluded.keeper,
       lease_until = excluded.lease_until, block_unknown = excluded.block_unknown;
