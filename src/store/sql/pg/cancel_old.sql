-- of pools that are gone, which nobody will hear any more
DELETE FROM stoker.cancel_ask a
 WHERE NOT EXISTS (SELECT FROM stoker.pool p WHERE p.id = a.pool_id AND p.stopped_at IS NULL)
