-- -> whether there is any remote job
SELECT EXISTS (SELECT 1 FROM remote);
