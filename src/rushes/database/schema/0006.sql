-- Copies of clips that people asked for: where, and what came of it. A job may have several.
CREATE TABLE copies (
    job_id  TEXT NOT NULL REFERENCES jobs (id),
    place   TEXT NOT NULL,                         -- the path in one spelling, as JSON text
    wanted  TEXT NOT NULL,                         -- JSON: path, is_folder, force
    made    TEXT NOT NULL DEFAULT '[]',            -- JSON: the files
    problem TEXT,                                  -- why it could not be made when it was tried last
    PRIMARY KEY (job_id, place)
) STRICT;
CREATE INDEX copies_by_place ON copies (place);
INSERT INTO copies (job_id, place, wanted)
SELECT id, json_quote(out), json_object('path', out, 'is_folder', json('false'), 'force', json('false'))
FROM jobs WHERE out IS NOT NULL;
-- jobs.out stays, unused: a worker or a server of the release before may still be running, and reads it.
