-- How far a migration that is run in batches has come: written by each batch in its
-- own transaction. No part of the log; when all is done the log says so.
CREATE TABLE IF NOT EXISTS git_migrate.progress (
	path text NOT NULL,
	blob text NOT NULL,
	upto text NOT NULL,
	batches bigint NOT NULL,
	"rows" bigint NOT NULL,
	at text NOT NULL,
	PRIMARY KEY (path, blob)
);
