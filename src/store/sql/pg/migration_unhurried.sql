-- a role's time limits are for its daily work; ends with the transaction
SELECT set_config('statement_timeout', '0', true), set_config('lock_timeout', '0', true)
