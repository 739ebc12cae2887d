-- the call's writes go; savepoint_keep ends it
ROLLBACK TO call;
