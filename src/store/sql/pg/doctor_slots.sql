-- $1 transactions -> replication slots that nobody reads, or that keep dead rows of longer ago: name, whether in use
SELECT slot_name::text, active
  FROM pg_replication_slots
 WHERE NOT active OR age(xmin) > $1::bigint OR age(catalog_xmin) > $1::bigint
 ORDER BY slot_name
 LIMIT 3
