-- who adds tasks and queues does so alone, until its transaction ends: two that added the same ones in
-- another order would wait for each other, and a conflict would leave a gap in the ids
SELECT pg_advisory_xact_lock(7370, 2)
