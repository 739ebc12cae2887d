-- -> the earliest poll_at of a parked job, or NULL
SELECT min(poll_at) FROM stoker.remote WHERE parked
