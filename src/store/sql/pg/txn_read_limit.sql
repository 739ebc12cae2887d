-- of each question, in milliseconds; compiling a large plan would take half of that, and none is worth it
-- -> the database's clock
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000,
       set_config('statement_timeout', '2000', true), set_config('jit', 'off', true)
