-- one deep
SAVEPOINT call
