-- -> tables that autovacuum was told to leave alone
SELECT c.relname::text
  FROM pg_class c
  JOIN pg_namespace n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL pg_options_to_table(c.reloptions) AS o
 WHERE n.nspname = 'stoker' AND c.relkind = 'r' AND o.option_name = 'autovacuum_enabled'
   AND NOT o.option_value::boolean
 ORDER BY 1
