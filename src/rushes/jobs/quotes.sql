-- name: add
INSERT INTO quotes (id, offer, count, most, again, quoted_at, expires_at)
VALUES (:id, :offer, :count, :most, :again, :now, :expires_at)

-- name: quote
SELECT * FROM quotes WHERE id = :id

-- name: approve
-- Somebody agreed. An agreement that is there already stays as it is, and one that came too late is none.
UPDATE quotes SET approved_at = :now, approved_by = :by
WHERE id = :id AND approved_at IS NULL AND expires_at > :now

-- name: claim
-- The jobs under this key are those that the quote buys; there is only ever one key.
UPDATE quotes SET key = :key
WHERE id = :id AND approved_at IS NOT NULL AND expires_at > :now AND (key IS NULL OR key = :key)

-- name: forget
-- What nobody agreed to, long ago.
DELETE FROM quotes WHERE approved_at IS NULL AND expires_at < :before RETURNING offer
