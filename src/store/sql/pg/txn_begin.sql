-- begins to write; READ COMMITTED, whatever the database says
BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE
