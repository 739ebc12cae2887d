-- -> state, n
SELECT state, sum(n) FROM job_count GROUP BY state;
