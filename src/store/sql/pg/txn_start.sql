-- -> the database's clock, the transaction's number
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000, txid_current()
