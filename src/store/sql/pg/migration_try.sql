-- -> whether this is now the one that migrates; ends with the transaction
SELECT pg_try_advisory_xact_lock(7370, 2)
