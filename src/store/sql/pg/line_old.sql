-- $1 those before this moment go
DELETE FROM stoker.console_line WHERE at < $1::bigint
