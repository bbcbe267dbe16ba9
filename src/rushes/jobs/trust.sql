-- name: identity
SELECT * FROM identity

-- name: lies_at
-- Where the file lies that is this ledger.
UPDATE identity SET path = :path, device = :device, inode = :inode

-- name: count_create
UPDATE identity SET sent = sent + 1

-- name: finding
UPDATE identity SET finding = :finding, detail = :detail

-- name: vouch
-- A person says that this is the one that continues: nothing that was sent elsewhere is held against it.
UPDATE identity SET sent = max(sent, :sent), finding = NULL, detail = NULL, acknowledged = :acknowledged

-- name: branch
-- A copy goes its own way.
UPDATE identity SET id = lower(hex(randomblob(16)))

-- name: unsent
-- Jobs that would still be paid for, oldest first: no create of theirs was sent, or none was accepted.
SELECT jobs.id, jobs.state, jobs.reason FROM jobs JOIN holds ON holds.job_id = jobs.id
WHERE holds.amount > 0 AND holds.settled_at IS NULL
  AND (jobs.state = 'waiting'
       OR (jobs.state = 'submitting' AND NOT EXISTS (
           SELECT 1 FROM submissions WHERE submissions.job_id = jobs.id AND submissions.attempt = (
               SELECT max(attempt) FROM submissions last WHERE last.job_id = jobs.id)
           AND submissions.posted_at IS NOT NULL))
       OR (jobs.state = 'blocked' AND NOT EXISTS (
           SELECT 1 FROM submissions WHERE submissions.job_id = jobs.id AND submissions.ticket IS NOT NULL)))
ORDER BY jobs.created_at, jobs.rowid

-- name: clips_without_job
-- Which of the clips in :clips (a JSON list of [clip's id, job's id]) the ledger knows nothing of.
SELECT json_extract(value, '$[0]') AS clip FROM json_each(:clips)
WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = json_extract(value, '$[1]'))
  AND NOT EXISTS (SELECT 1 FROM clips WHERE clips.id = json_extract(value, '$[0]'))

-- name: bought_twice_perhaps
-- Unsent jobs for which an older one stands for the same request, read without any index: what an index that
-- lacked rows may have let in.
SELECT jobs.id, older.id AS older FROM jobs NOT INDEXED
JOIN holds ON holds.job_id = jobs.id
JOIN jobs AS older NOT INDEXED ON older.digest = jobs.digest OR (older.key = jobs.key AND older.ordinal = jobs.ordinal)
WHERE jobs.state = 'waiting' AND holds.amount > 0 AND older.rowid < jobs.rowid
  AND older.state NOT IN ('failed', 'canceled')

-- name: put_to_a_person
UPDATE jobs SET state = 'blocked', reason = 'ledger', due_at = 0, error = :error WHERE id = :id

-- name: note_put_to_a_person
INSERT INTO events (job_id, at, kind, detail) VALUES (:id, :now, 'put_to_a_person', '{}')

-- name: one_job_a_key
-- Keeps a key with the oldest of the jobs that have it.
UPDATE jobs SET key = key || ' (' || id || ')'
WHERE key IS NOT NULL AND EXISTS (
    SELECT 1 FROM jobs older
    WHERE older.key = jobs.key AND older.ordinal = jobs.ordinal AND older.rowid < jobs.rowid)

-- name: in_doubt
-- Jobs that stand still because it is in doubt whether this ledger is the only one, or whole.
-- Without those that were put to a person one by one.
SELECT id FROM jobs WHERE state = 'blocked' AND reason = 'ledger'
  AND NOT EXISTS (SELECT 1 FROM events WHERE job_id = jobs.id AND kind = 'put_to_a_person')

-- name: were_put_to_a_person
SELECT job_id FROM events WHERE kind = 'put_to_a_person'

-- name: made_before
-- Jobs that wait for a word, and were stored while the ledger did not know of a clip that had been made.
SELECT jobs.id, max(older.id) AS older FROM jobs
JOIN jobs AS older ON older.digest = jobs.digest AND older.rowid > jobs.rowid AND older.created_at < jobs.created_at
WHERE jobs.state = 'blocked' AND jobs.reason = 'ledger' AND older.state = 'completed'
  AND NOT EXISTS (SELECT 1 FROM events WHERE job_id = jobs.id AND kind = 'put_to_a_person')
GROUP BY jobs.id
