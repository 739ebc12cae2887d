-- $1 those that came before this moment go
DELETE FROM stoker.console_line WHERE shipped < $1::bigint
