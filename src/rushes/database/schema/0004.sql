-- A quote may be meant for another clip although the same one was paid for before.
ALTER TABLE quotes ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
