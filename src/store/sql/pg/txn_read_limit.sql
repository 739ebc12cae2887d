-- of each question, in milliseconds; compiling a large plan would take half of that, and none is worth it
SELECT set_config('statement_timeout', '2000', true), set_config('jit', 'off', true)
