-- ends what txn_begin or txn_read began
ROLLBACK
