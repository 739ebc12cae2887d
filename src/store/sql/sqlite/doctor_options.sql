-- -> name and value of each option that doctor looks at
SELECT 'journal_mode', journal_mode FROM pragma_journal_mode
 UNION ALL
SELECT 'page_size', page_size FROM pragma_page_size
 UNION ALL
SELECT 'page_count', page_count FROM pragma_page_count
 UNION ALL
SELECT 'synchronous', synchronous FROM pragma_synchronous;
