-- -> whether there is a schema "stoker", in it a table of migrations, anything else
SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'stoker'),
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'stoker' AND c.relname = 'migration' AND c.relkind = 'r'),
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'stoker' AND c.relname <> 'migration' AND c.relkind IN ('r', 'p', 'v', 'm'))
