-- name: job
-- One job with its last submission, its progress and its money.
SELECT jobs.*, submissions.ticket, submissions.attempt, submissions.posted_at,
       progress.fraction, progress.queue_position,
       holds.amount AS held, holds.settled_at, spend.amount AS spent, spend.known AS spent_known
FROM jobs
LEFT JOIN submissions ON submissions.job_id = jobs.id
     AND submissions.attempt = (SELECT max(attempt) FROM submissions last WHERE last.job_id = jobs.id)
LEFT JOIN progress.progress ON progress.job_id = jobs.id
LEFT JOIN holds ON holds.job_id = jobs.id
LEFT JOIN spend ON spend.job_id = jobs.id
WHERE jobs.id = :id

-- name: jobs
-- The newest jobs first; :state NULL means all of them.
SELECT jobs.*, submissions.ticket, submissions.attempt, submissions.posted_at,
       progress.fraction, progress.queue_position,
       holds.amount AS held, holds.settled_at, spend.amount AS spent, spend.known AS spent_known
FROM jobs
LEFT JOIN submissions ON submissions.job_id = jobs.id
     AND submissions.attempt = (SELECT max(attempt) FROM submissions last WHERE last.job_id = jobs.id)
LEFT JOIN progress.progress ON progress.job_id = jobs.id
LEFT JOIN holds ON holds.job_id = jobs.id
LEFT JOIN spend ON spend.job_id = jobs.id
WHERE :state IS NULL OR jobs.state = :state
ORDER BY jobs.created_at DESC, jobs.rowid DESC
LIMIT :limit

-- name: ids_like
-- Job ids that begin with what was typed.
SELECT id FROM jobs WHERE id >= :start AND id < :start || '{' ORDER BY id LIMIT 5

-- name: same_key
-- The job that a caller's own key stands for, at any age.
SELECT id, digest, state FROM jobs WHERE key = :key AND ordinal = :ordinal

-- name: free_key
-- Nothing came of this job; its key is to stand for another one.
UPDATE jobs SET key = key || ' (' || id || ')', updated_at = :now WHERE id = :id

-- name: same_digest
-- A job that would make the very same clip and need not be paid again: live, of unknown outcome, or just
-- completed. A completion in the future is one from before the clock was set back: it counts as recent.
SELECT id FROM jobs
WHERE digest = :digest
  AND (state IN ('waiting', 'submitting', 'queued', 'running', 'collecting', 'blocked', 'outcome_unknown')
       OR (state = 'completed' AND completed_at > :recent
           AND EXISTS (SELECT 1 FROM clips WHERE clips.job_id = jobs.id)))
ORDER BY created_at DESC LIMIT 1

-- name: add_job
INSERT INTO jobs (id, state, engine, account, model, provider, request, quote, digest, ordinal, key, out,
                  fallbacks, created_at, updated_at)
VALUES (:id, 'waiting', :engine, :account, :model, :provider, :request, :quote, :digest, :ordinal, :key, :out,
        :fallbacks, :now, :now)

-- name: add_hold
INSERT INTO holds (job_id, engine, amount, currency, held_at)
VALUES (:id, :engine, :amount, :currency, :now)

-- name: add_event
INSERT INTO events (job_id, at, kind, detail) VALUES (:id, :now, :kind, :detail)

-- name: events
SELECT at, kind, detail FROM events WHERE job_id = :id ORDER BY id

-- name: submissions
SELECT * FROM submissions WHERE job_id = :id ORDER BY attempt

-- name: move
-- A job goes from one of the states in :from (a JSON list) to :to. No row changes where it stands elsewhere.
UPDATE jobs
SET state = :to, reason = :reason, due_at = :due_at, tries = :tries, error = :error, updated_at = :now,
    completed_at = CASE WHEN :to = 'completed' THEN :now ELSE completed_at END
WHERE id = :id AND state IN (SELECT value FROM json_each(:from))

-- name: wish_cancel
UPDATE jobs SET cancel_requested = 1, updated_at = :now WHERE id = :id

-- name: set_out
UPDATE jobs SET out = :out, updated_at = :now WHERE id = :id

-- name: settle_hold
UPDATE holds SET settled_at = :now WHERE job_id = :id

-- name: reopen_hold
UPDATE holds SET settled_at = NULL WHERE job_id = :id

-- name: add_spend
-- What was charged; a later and better figure replaces an earlier one.
INSERT INTO spend (job_id, engine, model, amount, currency, known, spent_at)
SELECT jobs.id, jobs.engine, jobs.model, :amount, holds.currency, :known, :now
FROM jobs JOIN holds ON holds.job_id = jobs.id WHERE jobs.id = :id
ON CONFLICT (job_id) DO UPDATE SET amount = excluded.amount, known = excluded.known

-- name: forget_spend
-- It turned out that nothing was charged.
DELETE FROM spend WHERE job_id = :id

-- name: held
-- Held now: by jobs that are under way or whose bill is not known.
SELECT engine, sum(amount) AS amount FROM holds WHERE settled_at IS NULL GROUP BY engine

-- name: spent
-- Spent since the day and since the month began. No upper end: what was spent before the clock was set back
-- still counts.
SELECT engine, sum(amount) AS month, sum(CASE WHEN spent_at >= :day THEN amount ELSE 0 END) AS day
FROM spend WHERE spent_at >= :month GROUP BY engine

-- name: worker
-- The process that took the ledger over last; whether it still lives, the lock tells.
SELECT pid FROM fence

-- name: attention
-- How many jobs a worker would have something to do for, now or later.
SELECT count(*) AS jobs FROM jobs
WHERE state IN ('waiting', 'submitting', 'queued', 'running', 'collecting')
   OR (state IN ('blocked', 'outcome_unknown') AND due_at > 0)

-- name: spent_by_quarter
-- What was charged, by quarter of an hour, which every time zone's midnight falls on.
SELECT CAST(spent_at / 900 AS INTEGER) * 900 AS at, engine, model, count(*) AS jobs,
       sum(amount) AS amount, sum(CASE WHEN known THEN 0 ELSE amount END) AS unconfirmed
FROM spend
WHERE spent_at >= :since
GROUP BY 1, engine, model

-- name: held_by_quarter
-- What is set aside by jobs under way or whose bill is not known, by the quarter of an hour it was set aside.
SELECT CAST(holds.held_at / 900 AS INTEGER) * 900 AS at, holds.engine, jobs.model, count(*) AS jobs,
       sum(holds.amount) AS amount
FROM holds JOIN jobs ON jobs.id = holds.job_id
WHERE holds.settled_at IS NULL AND holds.amount > 0 AND holds.held_at >= :since
GROUP BY 1, holds.engine, jobs.model

-- name: keyed
-- Which jobs the keys in :keys (a JSON list) stand for.
SELECT id, key, ordinal, digest, state FROM jobs WHERE key IN (SELECT value FROM json_each(:keys))

-- name: tally
-- How many of the jobs in :ids (a JSON list) are in each state, and how many of those go on by themselves.
SELECT state, count(*) AS jobs, sum(due_at > 0) AS due FROM jobs
WHERE id IN (SELECT value FROM json_each(:ids))
GROUP BY state
