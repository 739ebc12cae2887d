-- what was done since is gone
ROLLBACK TO SAVEPOINT call
