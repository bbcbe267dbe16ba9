-- Since when the provider shows no such render, or no file of it; NULL: it shows it. It takes no place then.
ALTER TABLE jobs ADD COLUMN missing_since REAL;
