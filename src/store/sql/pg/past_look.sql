-- -> system, timeline, xid, seen_at, lost_at, lost, the number of the next transaction
SELECT system, timeline, xid, seen_at, lost_at, lost, txid_snapshot_xmax(txid_current_snapshot())
  FROM stoker.past
