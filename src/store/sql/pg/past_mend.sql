-- numbers that another server gave
UPDATE stoker.event SET xid = 0 WHERE xid > txid_current()
