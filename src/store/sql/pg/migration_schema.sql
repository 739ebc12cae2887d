-- only when it is missing: even IF NOT EXISTS asks for the right to create one
CREATE SCHEMA stoker
