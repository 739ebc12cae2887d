-- ?1 sweep -> state, n
SELECT state, sum(n) FROM job_count WHERE sweep_id = ?1 GROUP BY state;
