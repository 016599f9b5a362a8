-- How far a migration that is run in batches has come: written by each batch in its
-- own transaction. No part of the log; when all is done the log says so.
CREATE TABLE git_migrate.progress (
	path text COLLATE "C" NOT NULL,
	blob text COLLATE "C" NOT NULL,
	upto text COLLATE "C" NOT NULL,
	batches bigint NOT NULL,
	"rows" bigint NOT NULL,
	at text COLLATE "C" NOT NULL,
	PRIMARY KEY (path, blob)
);
