-- one moment for several questions
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY
