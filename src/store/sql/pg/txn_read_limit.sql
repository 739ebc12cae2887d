-- of each question, in milliseconds
SET LOCAL statement_timeout = 2000
