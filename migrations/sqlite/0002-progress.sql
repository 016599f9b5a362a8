-- How far a migration that is run in batches has come: written by each batch in its
-- own transaction. No part of the log; when all is done the log says so.
CREATE TABLE git_migrate_progress (
	path TEXT NOT NULL,
	blob TEXT NOT NULL,
	upto TEXT NOT NULL,
	batches INTEGER NOT NULL,
	"rows" INTEGER NOT NULL,
	at TEXT NOT NULL,
	PRIMARY KEY (path, blob)
);
