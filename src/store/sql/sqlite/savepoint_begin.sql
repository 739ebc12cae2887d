-- one deep
SAVEPOINT call;
