-- $1 name, $2 whether the credential, else the work, $3 sealed or NULL
UPDATE stoker.session
   SET credential = CASE WHEN $2::boolean THEN $3::bytea ELSE credential END,
       work = CASE WHEN $2::boolean THEN work ELSE $3::bytea END
 WHERE name = $1::text
