-- name: add
INSERT INTO clips (id, job_id, path, sha256, prompt, model, created_at, sidecar)
VALUES (:id, :job_id, :path, :sha256, :prompt, :model, :created_at, :sidecar)
ON CONFLICT (id) DO UPDATE SET path = excluded.path, sha256 = excluded.sha256, sidecar = excluded.sidecar

-- name: get
SELECT * FROM clips WHERE id = :id

-- name: ids_like
-- Clip ids that begin with what was typed.
SELECT id FROM clips WHERE id >= :start AND id < :start || '{' ORDER BY id LIMIT 5

-- name: of_job
SELECT * FROM clips WHERE job_id = :job_id ORDER BY id

-- name: search
-- The newest clips first whose prompt or model holds a text; '' means all of them.
SELECT * FROM clips
WHERE :text = '' OR instr(lower(prompt), lower(:text)) OR instr(lower(model), lower(:text))
ORDER BY created_at DESC, id LIMIT :limit

-- name: all
SELECT * FROM clips ORDER BY created_at, id

-- name: remove
DELETE FROM clips WHERE id = :id

-- name: at_path
SELECT id, sha256 FROM clips WHERE path = :path

-- name: named_references
-- The hash of every reference that a job, a fallback of one, a quote or a clip names.
SELECT json_extract(one.value, '$.sha256') AS sha256
FROM jobs, json_each(jobs.request, '$.references') AS one
UNION
SELECT json_extract(one.value, '$.sha256')
FROM jobs, json_each(jobs.fallbacks) AS step, json_each(json_extract(step.value, '$.request'), '$.references') AS one
WHERE jobs.fallbacks != '[]'
UNION
SELECT json_extract(one.value, '$.sha256')
FROM quotes, json_each(quotes.offer, '$.request.references') AS one
UNION
SELECT one.value FROM clips, json_each(clips.sidecar, '$.references') AS one
