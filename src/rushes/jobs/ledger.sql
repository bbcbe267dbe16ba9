-- name: job
-- One job with its last submission, its progress and its money.
SELECT jobs.*, submissions.ticket, submissions.attempt, submissions.posted_at,
       progress.fraction, progress.queue_position,
       holds.amount AS held, holds.settled_at, spend.amount AS spent, spend.known AS spent_known,
       CASE WHEN jobs.state = 'waiting' AND jobs.reason IS NULL AND jobs.fallbacks = '[]' THEN (
           SELECT wall.id FROM jobs wall
           WHERE wall.state = 'blocked' AND wall.engine = jobs.engine AND wall.account = jobs.account
             AND wall.reason NOT IN ('price', 'budget', 'model', 'ledger', 'unreadable', 'internal error', 'unreachable')
           ORDER BY wall.created_at LIMIT 1) END AS wall
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
       holds.amount AS held, holds.settled_at, spend.amount AS spent, spend.known AS spent_known,
       CASE WHEN jobs.state = 'waiting' AND jobs.reason IS NULL AND jobs.fallbacks = '[]' THEN (
           SELECT wall.id FROM jobs wall
           WHERE wall.state = 'blocked' AND wall.engine = jobs.engine AND wall.account = jobs.account
             AND wall.reason NOT IN ('price', 'budget', 'model', 'ledger', 'unreadable', 'internal error', 'unreachable')
           ORDER BY wall.created_at LIMIT 1) END AS wall
FROM jobs
LEFT JOIN submissions ON submissions.job_id = jobs.id
     AND submissions.attempt = (SELECT max(attempt) FROM submissions last WHERE last.job_id = jobs.id)
LEFT JOIN progress.progress ON progress.job_id = jobs.id
LEFT JOIN holds ON holds.job_id = jobs.id
LEFT JOIN spend ON spend.job_id = jobs.id
WHERE :state IS NULL OR jobs.state = :state
ORDER BY jobs.created_at DESC, jobs.rowid DESC
LIMIT :limit

-- name: rows_of_jobs
SELECT * FROM jobs WHERE id = :id

-- name: rows_of_holds
SELECT * FROM holds WHERE job_id = :id

-- name: rows_of_submissions
SELECT * FROM submissions WHERE job_id = :id ORDER BY attempt DESC LIMIT 1

-- name: ids_like
-- Job ids that begin with what was typed.
SELECT id FROM jobs WHERE id >= :start AND id < :start || '{' ORDER BY id LIMIT 5

-- name: same_key
-- The job that a caller's own key stands for, at any age.
SELECT id, digest, state FROM jobs WHERE key = :key AND ordinal = :ordinal

-- name: free_key
-- Nothing came of the job under this key; the key is to stand for another one.
UPDATE jobs SET key = key || ' (' || id || ')', updated_at = :now WHERE key = :key AND ordinal = :ordinal

-- name: same_digest
-- A job that would make the very same clip: live or of unknown outcome; ended, and paid for or perhaps paid
-- for, at any age; or free and completed just now. A completion in the future is one from before the clock
-- was set back: it counts as recent. A clip of a plan is paid for by the plan, and so may be one that was lost.
SELECT jobs.id FROM jobs
LEFT JOIN holds ON holds.job_id = jobs.id
LEFT JOIN spend ON spend.job_id = jobs.id
WHERE jobs.digest = :digest
  AND (jobs.state NOT IN ('completed', 'failed', 'canceled')
       OR spend.amount > 0
       OR (holds.amount > 0 AND holds.settled_at IS NULL)
       OR (jobs.state = 'failed'
           AND json_extract(iif(json_valid(jobs.quote), jobs.quote, '{}'), '$.basis') = 'included_in_plan'
           AND json_extract(iif(json_valid(jobs.error), jobs.error, '{}'), '$.billed') = 'unknown')
       OR (jobs.state = 'completed'
           AND (completed_at > :recent OR json_extract(iif(json_valid(jobs.quote), jobs.quote, '{}'), '$.basis') = 'included_in_plan')
           AND EXISTS (SELECT 1 FROM clips WHERE clips.job_id = jobs.id)))
ORDER BY jobs.state IN ('failed', 'canceled'), jobs.created_at DESC LIMIT 1

-- name: add_job
INSERT INTO jobs (id, state, engine, account, key_source, model, provider, request, quote, digest, ordinal, key,
                  fallbacks, warnings, created_at, updated_at)
VALUES (:id, 'waiting', :engine, :account, :key_source, :model, :provider, :request, :quote, :digest, :ordinal,
        :key, :fallbacks, :warnings, :now, :now)

-- name: restore_job
-- A job that a sidecar tells of. It is over; nobody has its ticket any more.
INSERT INTO jobs (id, state, engine, account, model, provider, request, quote, digest, ordinal, key, charged,
                  created_at, updated_at, completed_at)
VALUES (:id, :state, :engine, :account, :model, :provider, :request, :quote, :digest, :ordinal, :key, :charged,
        :created_at, :completed_at, :completed_at)
ON CONFLICT (id) DO UPDATE SET state = excluded.state, reason = NULL, error = NULL, due_at = 0, tries = 0,
    charged = excluded.charged, updated_at = excluded.updated_at, completed_at = excluded.completed_at

-- name: restore_hold
INSERT INTO holds (job_id, engine, amount, currency, held_at, settled_at)
VALUES (:id, :engine, :amount, :currency, :created_at, :completed_at)
ON CONFLICT (job_id) DO UPDATE SET settled_at = excluded.settled_at

-- name: restore_submission
-- It was sent: so a person may correct what it cost.
INSERT INTO submissions (job_id, attempt, engine, account, key, intended_at, posted_at, outcome)
VALUES (:id, 1, :engine, :account, :submission, :created_at, :created_at, 'accepted')
ON CONFLICT DO UPDATE SET posted_at = excluded.posted_at, outcome = excluded.outcome

-- name: add_hold
INSERT INTO holds (job_id, engine, amount, currency, held_at)
VALUES (:id, :engine, :amount, :currency, :now)

-- name: add_event
INSERT INTO events (job_id, at, kind, detail) VALUES (:id, :now, :kind, :detail)

-- name: word_on_bill
-- How often a person has said what a job cost, since it was last taken up again.
SELECT count(*) AS words FROM events
WHERE job_id = :id AND kind IN ('reconciled', 'abandoned')
  AND json_extract(iif(json_valid(detail), detail, '{}'), '$.charged') IS NOT NULL
  AND id > coalesce((SELECT max(id) FROM events WHERE job_id = :id AND kind = 'bill_reopened'), 0)

-- name: events
SELECT at, kind, detail FROM events WHERE job_id = :id ORDER BY id

-- name: first_doubt
-- Why it was not known at first whether the last attempt was accepted.
SELECT detail FROM events
WHERE job_id = :id AND kind = 'outcome_unknown'
  AND at >= (SELECT max(intended_at) FROM submissions WHERE job_id = :id)
ORDER BY id LIMIT 1

-- name: submissions
SELECT * FROM submissions WHERE job_id = :id ORDER BY attempt

-- name: move
-- A job goes from one of the states in :from (a JSON list) to :to. No row changes where it stands elsewhere.
UPDATE jobs
SET state = :to, reason = :reason, due_at = :due_at, tries = :tries, error = :error, updated_at = :now,
    completed_at = CASE WHEN :to = 'completed' THEN :now ELSE completed_at END
WHERE id = :id AND state IN (SELECT value FROM json_each(:from))

-- name: end_unreadable
-- A job ends that cannot be read, whatever its row says.
UPDATE jobs SET state = 'failed', reason = NULL, due_at = 0, error = :error, updated_at = :now WHERE id = :id

-- name: wish_cancel
UPDATE jobs SET cancel_requested = 1, updated_at = :now WHERE id = :id

-- name: copies
SELECT * FROM copies WHERE job_id = :id ORDER BY rowid

-- name: owed_copies
SELECT copies.* FROM copies JOIN jobs ON jobs.id = copies.job_id
WHERE jobs.state = 'completed' AND (made = '[]' OR problem IS NOT NULL)
  AND job_id IN (SELECT value FROM json_each(:ids)) ORDER BY copies.rowid

-- name: copied_to
SELECT job_id FROM copies JOIN jobs ON jobs.id = copies.job_id
WHERE place = :place AND made = '[]' AND jobs.state NOT IN ('completed', 'failed', 'canceled')

-- name: want_copy
INSERT INTO copies (job_id, place, wanted) VALUES (:id, :place, :wanted)
ON CONFLICT (job_id, place) DO UPDATE SET wanted = excluded.wanted, made = '[]', problem = NULL

-- name: record_copy
UPDATE copies SET made = :made, problem = :problem WHERE job_id = :id AND place = :place

-- name: forget_failed_copies
DELETE FROM copies WHERE job_id = :id AND problem IS NOT NULL

-- name: forget_replaced_copies
DELETE FROM copies WHERE made = :made AND job_id != :id

-- name: set_charge
UPDATE jobs SET charged = :charged WHERE id = :id

-- name: set_quote
UPDATE jobs SET quote = :quote, updated_at = :now WHERE id = :id

-- name: hold_amount
-- Another amount is set aside, beginning now.
UPDATE holds SET amount = :amount, held_at = :now, settled_at = NULL WHERE job_id = :id

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
-- Held now: by jobs that are under way or whose bill is not known. Money is read past every index: one that
-- lacks rows would hide some of it.
SELECT engine, sum(amount) AS amount FROM holds NOT INDEXED WHERE settled_at IS NULL GROUP BY engine

-- name: held_by_sent
-- The same by jobs whose create was sent, and may have been accepted.
SELECT holds.engine, sum(holds.amount) AS amount FROM holds NOT INDEXED
WHERE holds.settled_at IS NULL AND EXISTS (
    SELECT 1 FROM submissions
    WHERE submissions.job_id = holds.job_id AND submissions.posted_at IS NOT NULL
      AND submissions.outcome IN ('unknown', 'accepted'))
GROUP BY holds.engine

-- name: spent
-- Spent since the day and since the month began. No upper end: what was spent before the clock was set back
-- still counts.
SELECT engine, sum(amount) AS month, sum(CASE WHEN spent_at >= :day THEN amount ELSE 0 END) AS day
FROM spend NOT INDEXED WHERE spent_at >= :month GROUP BY engine

-- name: worker
-- The process that took the ledger over last; whether it still lives, the lock tells.
SELECT pid FROM fence

-- name: attention
-- How many jobs a worker would have something to do for, now or later. What waits for a person, blocked, for
-- its key, or behind a blocked job of its account, only when that is due. Where that lies further off than any
-- pause we make, the clock was set back; it counts as due.
SELECT count(*) AS jobs FROM jobs
WHERE state IN ('submitting', 'queued', 'running', 'collecting')
   OR (state = 'waiting' AND (fallbacks != '[]' OR NOT EXISTS (
       SELECT 1 FROM jobs wall
       WHERE wall.state = 'blocked' AND wall.engine = jobs.engine AND wall.account = jobs.account
         AND wall.reason NOT IN ('price', 'budget', 'model', 'ledger', 'unreadable', 'internal error', 'unreachable')
         AND wall.due_at > :now AND wall.due_at <= :now + :longest_pause)))
   OR (state = 'outcome_unknown' AND due_at > 0 AND coalesce(reason, '') != 'key')
   OR ((state = 'blocked' OR (state = 'outcome_unknown' AND reason = 'key'))
       AND due_at > 0 AND (due_at <= :now OR due_at > :now + :longest_pause))

-- name: blocked_of_account
SELECT count(*) AS jobs FROM jobs
WHERE state = 'blocked' AND engine = :engine AND account = :account
  AND reason NOT IN ('price', 'budget', 'model', 'ledger', 'unreadable', 'internal error', 'unreachable')

-- name: lacking_key
-- The accounts of jobs that were put aside because the worker did not have their key.
SELECT DISTINCT engine, account FROM jobs
WHERE state IN ('blocked', 'outcome_unknown') AND reason = 'key' AND due_at > 1

-- name: lacking_this_key
SELECT id FROM jobs
WHERE state IN ('blocked', 'outcome_unknown') AND reason = 'key' AND due_at > 1
  AND engine = :engine AND account = :account

-- name: needs_key
-- Whether a worker has, or may come to have, something to do for an account: for a job, or for its fallbacks.
SELECT EXISTS (SELECT 1 FROM jobs
               WHERE engine = :engine AND account = :account
                 AND (state IN ('waiting', 'submitting', 'queued', 'running', 'collecting')
                      OR (state IN ('blocked', 'outcome_unknown') AND due_at > 0)))
    OR EXISTS (SELECT 1 FROM jobs, json_each(iif(json_valid(jobs.fallbacks), jobs.fallbacks, '[]')) AS other
               WHERE jobs.state IN ('waiting', 'submitting', 'blocked') AND jobs.fallbacks != '[]'
                 AND json_extract(other.value, '$.engine') = :engine
                 AND json_extract(other.value, '$.account') = :account) AS needed

-- name: set_payer
UPDATE jobs SET account = :account, key_source = :key_source, updated_at = :now WHERE id = :id

-- name: spent_by_quarter
-- What was charged, by quarter of an hour, which every time zone's midnight falls on.
SELECT CAST(spent_at / 900 AS INTEGER) * 900 AS at, engine, model, count(*) AS jobs,
       sum(amount) AS amount, sum(CASE WHEN known THEN 0 ELSE amount END) AS unconfirmed
FROM spend NOT INDEXED
WHERE spent_at >= :since
GROUP BY 1, engine, model

-- name: unusual_charges
-- What was charged far above what was held for it: more than twice. Corrected by hand, it is one no more.
SELECT spend.job_id AS id, spend.amount, holds.amount AS held FROM spend
JOIN holds ON holds.job_id = spend.job_id
WHERE spend.spent_at >= :since AND spend.amount > 2 * holds.amount
ORDER BY spend.amount DESC LIMIT 20

-- name: held_by_quarter
-- What is set aside by jobs under way or whose bill is not known, by the quarter of an hour it was set aside.
SELECT CAST(holds.held_at / 900 AS INTEGER) * 900 AS at, holds.engine, jobs.model, count(*) AS jobs,
       sum(holds.amount) AS amount
FROM holds NOT INDEXED JOIN jobs ON jobs.id = holds.job_id
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
