-- Offers that somebody has to agree to before a door may buy them, each once.
CREATE TABLE quotes (
    id          TEXT PRIMARY KEY,
    offer       TEXT NOT NULL,                     -- JSON: what would be made, by which model, for how much
    count       INTEGER NOT NULL CHECK (count > 0),
    most        INTEGER,                           -- what one clip may cost where its price is not known
    quoted_at   REAL NOT NULL,
    expires_at  REAL NOT NULL,
    approved_at REAL,
    approved_by TEXT,                              -- who agreed, in words
    key         TEXT                               -- of the jobs that it bought
) STRICT;
CREATE INDEX quotes_by_age ON quotes (expires_at);
