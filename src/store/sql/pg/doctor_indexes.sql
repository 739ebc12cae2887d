-- $1 names of those that should be there -> name of one that is not as it should be, whether it is there at all
WITH there AS MATERIALIZED (
    SELECT c.relname::text AS name, i.indisvalid AND i.indisready AS good
      FROM pg_index i
      JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'stoker'
)
SELECT name, true FROM there WHERE NOT good
 UNION ALL
SELECT name, false FROM unnest($1::text[]) AS wanted(name) WHERE name NOT IN (SELECT name FROM there)
 ORDER BY 1
