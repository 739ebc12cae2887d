-- ?1 name of the user
DELETE FROM token WHERE person = ?1;
