-- ?1 task, ?2 queue, ?3 sweep, ?4 due, ?5 priority, ?6 ready_at, ?7 now, ?8 key, ?9 identity, ?10 params;
-- no change when the key or the sweep has it already, NOT NULL fails when params are no JSON
INSERT INTO job (task_id, queue_id, sweep_id, state, due, priority, ready_at,
                 created_at, key, identity, params)
VALUES (?1, ?2, ?3, 'pending', ?4, ?5, ?6, ?7, ?8, ?9,
        CASE WHEN json_valid(?10) THEN ?10 END)
    ON CONFLICT DO NOTHING;
