-- hints of others, and one's own
LISTEN stoker
