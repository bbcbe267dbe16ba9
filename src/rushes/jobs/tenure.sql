-- name: take_over
UPDATE fence SET epoch = epoch + 1, pid = :pid

-- name: epoch
SELECT epoch FROM fence

-- name: carried
-- What a worker carries: everything under way, and what it will come back to. Oldest first.
SELECT id FROM jobs
WHERE state IN ('submitting', 'queued', 'running', 'collecting')
   OR (state IN ('blocked', 'outcome_unknown') AND due_at > 0)
ORDER BY created_at

-- name: ended
-- Which of the jobs in :ids (a JSON list) have ended.
SELECT id FROM jobs
WHERE state IN ('completed', 'failed', 'canceled') AND id IN (SELECT value FROM json_each(:ids))

-- name: claimable
-- Waiting jobs of one engine that may start now, oldest first. While a job of the same account is blocked
-- the others wait too: they would meet the same wall, unless it is one of that job alone; one that has a
-- fallback goes. Where `due_at` lies further off than any pause we make, the clock was set back; it counts as
-- due.
SELECT jobs.id FROM jobs
WHERE jobs.state = 'waiting' AND jobs.engine = :engine
  AND (jobs.due_at <= :now OR jobs.due_at > :now + :longest_pause)
  AND (jobs.fallbacks != '[]' OR NOT EXISTS (
      SELECT 1 FROM jobs wall
      WHERE wall.state = 'blocked' AND wall.engine = jobs.engine AND wall.account = jobs.account
        AND wall.reason NOT IN ('price', 'budget', 'model', 'ledger', 'unreadable', 'internal error', 'unreachable')
        AND wall.due_at > :now AND wall.due_at <= :now + :longest_pause))
ORDER BY jobs.created_at, jobs.rowid
LIMIT :limit

-- name: fallbacks
SELECT fallbacks FROM jobs WHERE id = :id

-- name: turn_to
-- The job is to be made by another engine.
UPDATE jobs
SET engine = :engine, account = :account, key_source = :key_source, model = :model, provider = :provider, request = :request,
    quote = :quote, fallbacks = :fallbacks, updated_at = :now
WHERE id = :id

-- name: hold_at
UPDATE holds SET engine = :engine, amount = :hold, currency = :currency, settled_at = NULL WHERE job_id = :id

-- name: engines_waiting
SELECT DISTINCT engine FROM jobs WHERE state = 'waiting'

-- name: occupied
-- How many of an engine's places are taken: what is, or may be, at the provider. An unknown outcome that is
-- left to a person takes none, nor does what the provider does not show any more, or a few of them would stop
-- the engine.
SELECT count(*) AS jobs FROM jobs
WHERE engine = :engine
  AND (state = 'submitting' OR (state IN ('queued', 'running') AND missing_since IS NULL) OR (state = 'outcome_unknown' AND due_at > 0))

-- name: next_due
-- When the next job that is put off may go on.
SELECT min(due_at) AS at FROM jobs WHERE state = 'waiting' AND due_at > :now

-- name: wishes
-- Jobs that somebody wants canceled.
SELECT id FROM jobs
WHERE cancel_requested = 1 AND state IN ('submitting', 'queued', 'running', 'blocked', 'outcome_unknown')

-- name: unblock
-- One job of an account went through: the others that met the wall are due at once.
UPDATE jobs SET due_at = 1, updated_at = :now
WHERE state = 'blocked' AND engine = :engine AND account = :account AND reason NOT IN ('ledger', 'unreadable')

-- name: set_aside
-- A job that cannot be read is left to a person: where it may be at its provider, nothing is sent anew.
UPDATE jobs
SET state = CASE WHEN state = 'outcome_unknown' OR (state = 'submitting' AND :posted) THEN 'outcome_unknown'
                 ELSE 'blocked' END,
    reason = 'unreadable', due_at = 0, error = :error, updated_at = :now
WHERE id = :id AND state NOT IN ('completed', 'failed', 'canceled')

-- name: warn
UPDATE jobs SET warnings = :warnings WHERE id = :id

-- name: held_up
UPDATE jobs SET reason = :reason, updated_at = :now WHERE id = :id

-- name: missing
UPDATE jobs SET missing_since = :since, reason = :reason, updated_at = :now WHERE id = :id

-- name: bind
UPDATE jobs SET account = :account, key_source = :key_source, updated_at = :now WHERE id = :id

-- name: bind_submissions
UPDATE submissions SET account = :account
WHERE job_id = :id AND engine = (SELECT engine FROM jobs WHERE id = :id)

-- name: add_submission
INSERT INTO submissions (job_id, attempt, engine, account, key, intended_at)
SELECT jobs.id, 1 + (SELECT count(*) FROM submissions WHERE job_id = jobs.id),
       jobs.engine, jobs.account, :key, :now
FROM jobs WHERE jobs.id = :id

-- name: last_submission
SELECT * FROM submissions WHERE job_id = :id ORDER BY attempt DESC LIMIT 1

-- name: posted
UPDATE submissions SET posted_at = :now, notes = :notes, outcome = 'unknown'
WHERE job_id = :id AND attempt = :attempt

-- name: accepted
UPDATE submissions SET ticket = :ticket, outcome = 'accepted' WHERE job_id = :id AND attempt = :attempt

-- name: outcome
-- What the provider answered is evidence, and stays.
UPDATE submissions SET outcome = :outcome, raw = coalesce(:raw, raw) WHERE job_id = :id AND attempt = :attempt

-- name: accepted_facts
UPDATE jobs SET facts = :facts, warnings = :warnings WHERE id = :id

-- name: tickets
-- Every ticket the ledger holds for an account; :account NULL means all of an engine's.
SELECT ticket FROM submissions
WHERE engine = :engine AND (:account IS NULL OR account = :account) AND ticket IS NOT NULL

-- name: rivals
-- Other creates of an account whose outcome is as unknown: one thing in a list could be any of them.
SELECT count(*) AS jobs FROM submissions JOIN jobs ON jobs.id = submissions.job_id
WHERE submissions.engine = :engine AND submissions.account = :account AND jobs.id != :id
  AND submissions.posted_at IS NOT NULL AND submissions.ticket IS NULL AND submissions.outcome = 'unknown'
  AND jobs.state IN ('submitting', 'outcome_unknown')

-- name: posts_since
-- When creates were sent, for the sliding window of a rate limit.
SELECT posted_at FROM submissions
WHERE engine = :engine AND account = :account AND posted_at > :since ORDER BY posted_at

-- name: progress
INSERT INTO progress.progress (job_id, fraction, queue_position, at)
VALUES (:id, :fraction, :queue_position, :now)
ON CONFLICT (job_id) DO UPDATE SET fraction = excluded.fraction,
    queue_position = excluded.queue_position, at = excluded.at

-- name: forget_progress
DELETE FROM progress.progress WHERE job_id = :id
