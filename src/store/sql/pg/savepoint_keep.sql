-- also after savepoint_undo
RELEASE SAVEPOINT call
