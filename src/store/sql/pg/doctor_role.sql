-- -> who this is, a superuser, may change the schema, sees what other roles do
SELECT current_user::text, rolsuper, has_schema_privilege(current_user, 'stoker', 'CREATE'),
       pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')
  FROM pg_roles
 WHERE rolname = current_user
