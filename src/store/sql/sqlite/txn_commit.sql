-- STK_OK only after the log is synced
COMMIT;
