-- who adds to the log does so alone until the transaction ends; readers are let through
LOCK TABLE stoker.audit IN SHARE ROW EXCLUSIVE MODE
