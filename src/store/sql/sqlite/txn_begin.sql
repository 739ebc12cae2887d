-- takes the write lock at once: no upgrade that could fail half way
BEGIN IMMEDIATE;
