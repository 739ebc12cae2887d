-- $1 number of a transaction -> committed, aborted, in progress; NULL: none of this server
SELECT CASE WHEN $1::bigint < txid_snapshot_xmax(txid_current_snapshot())
            THEN txid_status($1::bigint) END
