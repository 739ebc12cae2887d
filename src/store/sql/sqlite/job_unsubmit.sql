-- ?1 first id, ?2 last id: takes back what a failed submit of this transaction has inserted
DELETE FROM job WHERE id BETWEEN ?1 AND ?2;
