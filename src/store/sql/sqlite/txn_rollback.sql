-- nothing of it happened
ROLLBACK;
