-- $1 payload; nobody waits for the disk: a hint may be lost
SELECT set_config('synchronous_commit', 'off', true), pg_notify('stoker', $1::text)
