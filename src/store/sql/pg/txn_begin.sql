-- begins to write
BEGIN
