-- -> application_id, tables of anybody, tables of stoker's
SELECT (SELECT application_id FROM pragma_application_id),
       (SELECT count(*) FROM sqlite_schema WHERE type = 'table'),
       (SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'stk_migration');
