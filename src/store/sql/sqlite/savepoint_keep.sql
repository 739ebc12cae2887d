-- the call's writes stay
RELEASE call;
