-- Where the key that pays for a job came from, in words, never the key itself; NULL: none, or not known.
ALTER TABLE jobs ADD COLUMN key_source TEXT;
