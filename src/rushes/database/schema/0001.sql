-- The ledger, first version. Never edited after a release: the next change is 0002.sql.
-- Times are seconds since 1970 (UTC). Money is whole millionths of a dollar.

-- Which worker is the living one. Every write of a worker is held against it.
CREATE TABLE fence (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    epoch INTEGER NOT NULL,
    pid   INTEGER                                  -- of the process that took over last
) STRICT;
INSERT INTO fence (only, epoch) VALUES (1, 0);

-- One row for each request for one clip.
CREATE TABLE jobs (
    id               TEXT PRIMARY KEY,
    state            TEXT NOT NULL CHECK (state IN (
                         'waiting', 'submitting', 'queued', 'running', 'collecting', 'completed',
                         'outcome_unknown', 'blocked', 'failed', 'canceled')),
    reason           TEXT,                         -- why it stands still, where it does
    engine           TEXT NOT NULL,                -- the configured instance's name
    account          TEXT NOT NULL,
    model            TEXT NOT NULL,
    provider         TEXT NOT NULL,
    request          TEXT NOT NULL,                -- JSON, complete
    quote            TEXT NOT NULL,                -- JSON
    digest           TEXT NOT NULL,                -- what makes two requests the same
    ordinal          INTEGER NOT NULL DEFAULT 0,
    key              TEXT,                         -- the caller's own
    out              TEXT,                         -- where a copy of the clip is wanted
    due_at           REAL NOT NULL DEFAULT 0,      -- not taken up before
    tries            INTEGER NOT NULL DEFAULT 0,   -- since it last got anywhere
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    charged          INTEGER,                      -- what the provider says it cost
    error            TEXT,                         -- JSON
    warnings         TEXT NOT NULL DEFAULT '[]',
    facts            TEXT NOT NULL DEFAULT '{}',   -- what the provider said when it accepted
    fallbacks        TEXT NOT NULL DEFAULT '[]',   -- JSON; what it would be at the engines to turn to, in order
    created_at       REAL NOT NULL,
    updated_at       REAL NOT NULL,
    completed_at     REAL
) STRICT;
CREATE UNIQUE INDEX jobs_by_key ON jobs (key, ordinal) WHERE key IS NOT NULL;
CREATE INDEX jobs_by_digest ON jobs (digest, created_at);
CREATE INDEX jobs_by_state ON jobs (state, engine, account, created_at);
CREATE INDEX jobs_by_age ON jobs (created_at);

-- Money set aside when a job is admitted, until it is settled.
CREATE TABLE holds (
    job_id     TEXT PRIMARY KEY REFERENCES jobs (id),
    engine     TEXT NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount >= 0),
    currency   TEXT NOT NULL,
    held_at    REAL NOT NULL,
    settled_at REAL
) STRICT;
CREATE INDEX holds_open ON holds (settled_at, engine);

-- One row for each attempt to have a provider accept a job. It needs a hold: no door spends past the budget.
CREATE TABLE submissions (
    job_id      TEXT NOT NULL REFERENCES holds (job_id),
    attempt     INTEGER NOT NULL,
    engine      TEXT NOT NULL,
    account     TEXT NOT NULL,
    key         TEXT NOT NULL UNIQUE,              -- sent with the create, where the service honours one
    intended_at REAL NOT NULL,
    posted_at   REAL,                              -- written just before the create is sent
    notes       TEXT,                              -- JSON; what the engine wants back to find out what became of it
    ticket      TEXT,                              -- JSON, canonical; written before anything else
    outcome     TEXT,                              -- accepted, refused, not_sent, unknown
    raw         TEXT,                              -- the body of an answer nobody could read
    PRIMARY KEY (job_id, attempt),
    UNIQUE (engine, account, ticket)
) STRICT, WITHOUT ROWID;
CREATE INDEX submissions_by_post ON submissions (engine, account, posted_at);

-- What was charged.
CREATE TABLE spend (
    job_id   TEXT PRIMARY KEY REFERENCES jobs (id),
    engine   TEXT NOT NULL,
    model    TEXT NOT NULL,
    amount   INTEGER NOT NULL,
    currency TEXT NOT NULL,
    known    INTEGER NOT NULL,                     -- 0: the provider did not say, the held amount is booked
    spent_at REAL NOT NULL
) STRICT;
CREATE INDEX spend_by_day ON spend (spent_at, engine);

-- Everything that happened to a job, oldest first. Only ever added to.
CREATE TABLE events (
    id     INTEGER PRIMARY KEY,
    job_id TEXT NOT NULL,
    at     REAL NOT NULL,
    kind   TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX events_by_job ON events (job_id, id);

-- The library's clips. Everything here also stands in the sidecar beside the file.
CREATE TABLE clips (
    id         TEXT PRIMARY KEY,
    job_id     TEXT NOT NULL,
    path       TEXT NOT NULL UNIQUE,               -- relative to the library's folder
    sha256     TEXT NOT NULL,
    prompt     TEXT NOT NULL,
    model      TEXT NOT NULL,
    created_at REAL NOT NULL,
    sidecar    TEXT NOT NULL                       -- JSON, the same text as the file's
) STRICT;
CREATE INDEX clips_by_job ON clips (job_id);
CREATE INDEX clips_by_age ON clips (created_at);
