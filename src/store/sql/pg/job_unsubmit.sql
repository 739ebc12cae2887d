-- $1 ids: takes back what a failed submit of this transaction has inserted
DELETE FROM stoker.job WHERE id = ANY ($1::bigint[])
