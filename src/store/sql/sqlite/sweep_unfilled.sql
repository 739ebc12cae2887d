-- ?1 after id -> the oldest id above it whose points are not all in, or NULL
SELECT min(id) FROM sweep WHERE filled = 0 AND id > ?1;
