-- $1 name, $2 whether the credential, else the work -> sealed or NULL, generation
SELECT CASE WHEN $2::boolean THEN credential ELSE work END, generation
  FROM stoker.session
 WHERE name = $1::text
