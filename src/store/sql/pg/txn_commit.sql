-- ends what txn_begin began
COMMIT
