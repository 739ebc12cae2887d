-- -> as past_look; no other pool finds the same change at a time
SELECT system, timeline, xid, seen_at, lost_at, lost, txid_snapshot_xmax(txid_current_snapshot())
  FROM stoker.past
   FOR UPDATE
