-- -> which cluster this is, for its whole life
SELECT system_identifier FROM pg_control_system()
