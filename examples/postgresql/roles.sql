-- The roles of a stoker database, each with no more rights than it needs.
--
-- Run it with psql as a superuser, connected to the database that stoker is to
-- use; again after each `stoker migrate` that made something new. It may be run
-- any number of times. Passwords are not its business: \password NAME, or
-- certificates, or Kerberos (docs/postgresql.md).
--
--   stoker_owner     owns the schema; nobody signs in as it
--   stoker_migrator  signs in only for `stoker migrate`, and then acts as the owner
--   stoker_runtime   pools, the server, commands: all of the daily work, no change of the schema
--   stoker_submitter a group for other programs: may call stoker.submit(), nothing else
--   stoker_analyst   a group for people: reads the views, and no secret
\set ON_ERROR_STOP on
BEGIN;

DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES ('stoker_owner', 'NOLOGIN'), ('stoker_migrator', 'LOGIN'),
                                        ('stoker_runtime', 'LOGIN'), ('stoker_submitter', 'NOLOGIN'),
                                        ('stoker_analyst', 'NOLOGIN')) AS w(name, may)
    LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name) THEN
            EXECUTE format('CREATE ROLE %I %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION', wanted.name,
                           wanted.may);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE CREATE, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO stoker_migrator, stoker_runtime, stoker_submitter, '
                   'stoker_analyst', current_database());
END $$;

-- What the migrator makes is the owner's, so that any migrator may change it.
GRANT stoker_owner TO stoker_migrator;
ALTER ROLE stoker_migrator SET role = 'stoker_owner';

CREATE SCHEMA IF NOT EXISTS stoker AUTHORIZATION stoker_owner;
REVOKE ALL ON SCHEMA stoker FROM PUBLIC;
GRANT USAGE ON SCHEMA stoker TO stoker_runtime, stoker_submitter, stoker_analyst;

-- Nobody may call a function just because it exists.
ALTER DEFAULT PRIVILEGES FOR ROLE stoker_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE stoker_owner IN SCHEMA stoker
      GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO stoker_runtime;
ALTER DEFAULT PRIVILEGES FOR ROLE stoker_owner IN SCHEMA stoker
      GRANT USAGE, SELECT, UPDATE ON SEQUENCES TO stoker_runtime;
ALTER DEFAULT PRIVILEGES FOR ROLE stoker_owner IN SCHEMA stoker
      GRANT EXECUTE ON FUNCTIONS TO stoker_runtime;

-- What is there already: before the first migration nothing, and the second run
-- of this file then has something to do here.
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA stoker TO stoker_runtime;
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA stoker TO stoker_runtime;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA stoker FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stoker TO stoker_runtime;

DO $$
DECLARE
    this record;
BEGIN
    IF to_regclass('stoker.migration') IS NULL THEN
        RAISE NOTICE 'no schema yet: run this file again after stoker migrate';
        RETURN;
    END IF;
    -- Which migrations have run is for the migrator to write. UPDATE on the audit
    -- log is the right to lock it; its triggers refuse the rest to everybody.
    REVOKE INSERT, UPDATE, DELETE ON stoker.migration FROM stoker_runtime;
    REVOKE DELETE ON stoker.audit FROM stoker_runtime;

    -- Views run with the rights of their owner: the tables, and in them credentials,
    -- password hashes and tokens, stay closed.
    FOR this IN SELECT c.oid::regclass AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                 WHERE n.nspname = 'stoker' AND c.relkind = 'v'
    LOOP
        EXECUTE format('GRANT SELECT ON %s TO stoker_analyst', this.name);
    END LOOP;
    GRANT EXECUTE ON FUNCTION stoker.rfc3339(bigint) TO stoker_analyst;
    GRANT SELECT ON stoker.migration TO stoker_analyst;

    -- stoker.submit() runs with the rights of its caller.
    GRANT EXECUTE ON FUNCTION stoker.submit(text, jsonb, integer, text, timestamptz) TO stoker_submitter;
    GRANT SELECT ON stoker.task TO stoker_submitter;
    GRANT INSERT, SELECT (id, task_id, key, params) ON stoker.job TO stoker_submitter;
    GRANT USAGE ON SEQUENCE stoker.job_id TO stoker_submitter;
    GRANT INSERT ON stoker.job_delta TO stoker_submitter;
END $$;

COMMIT;
