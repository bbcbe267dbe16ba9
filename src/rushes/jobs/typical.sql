-- name: durations
-- How many seconds the newest renders of the same kind took, from the create that was sent to the poll that
-- found them done. Only an account's newest completed jobs are looked through: this is asked for every job.
SELECT (SELECT min(events.at) FROM events
        WHERE events.job_id = newest.id AND events.kind = 'rendered') - submissions.posted_at AS seconds
FROM (SELECT id, model, request FROM jobs
      WHERE state = 'completed' AND engine = :engine AND account = :account
      ORDER BY created_at DESC LIMIT :looked_through) newest
JOIN submissions ON submissions.job_id = newest.id AND submissions.engine = :engine
     AND submissions.outcome = 'accepted'
WHERE newest.model = :model
  AND json_valid(newest.request)
  AND json_extract(newest.request, '$.seconds') IS :seconds
  AND json_extract(newest.request, '$.resolution') IS :resolution
  AND seconds > 0
LIMIT :most
