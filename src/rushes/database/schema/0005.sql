-- Which ledger this is, and where its file lay when a paid create was last thought of: what `rushes ledger`
-- tells a copy, or one that was restored from a backup, by.
CREATE TABLE identity (
    only         INTEGER PRIMARY KEY CHECK (only = 1),
    id           TEXT NOT NULL,                    -- random; a copy that goes its own way gets another
    sent         INTEGER NOT NULL DEFAULT 0,       -- paid creates that were about to be sent; only ever grows
    path         TEXT,                             -- of the file, NULL: nothing paid was stored yet
    device       TEXT,                             -- text: some systems number files with 128 bits
    inode        TEXT,
    finding      TEXT,                             -- what the worker found wrong, NULL: nothing
    detail       TEXT,                             -- the same in words
    acknowledged INTEGER NOT NULL DEFAULT 0        -- clips of unknown jobs that a person knows of
) STRICT;
INSERT INTO identity (only, id) VALUES (1, lower(hex(randomblob(16))));
