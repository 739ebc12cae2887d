-- one moment for several reads
BEGIN;
