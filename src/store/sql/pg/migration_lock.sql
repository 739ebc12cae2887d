-- one process at a time; ends with the transaction
SELECT pg_advisory_xact_lock(7370, 2)
