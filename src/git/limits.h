/*
 * How large a thing may be that strangers push: more than anybody needs, and little
 * enough that a hook can read several of them. git-migrate-hooks(5) lists them. For
 * git/ alone.
 */
#ifndef GIT_LIMITS_H
#define GIT_LIMITS_H

enum {
	/* a merge of thousands of branches, with a message of hundreds of pages */
	LIMIT_COMMIT = 1 << 20,
	/* 100,000 files and more in one folder; two are compared at a time */
	LIMIT_TREE = 8 << 20,
	/* .gitmigrate: a few lines */
	LIMIT_SETTINGS = 64 << 10,
	/* a migration; forges draw the line at 100 MB, apply does not */
	LIMIT_MIGRATION = 256 << 20,
	/* a trailer, which is a line to be read by people */
	LIMIT_TRAILER = 16 << 10,
	/* trailers of one commit or header, each looked for in the plan */
	LIMIT_TRAILERS = 1000,
	/* one note: all that happened to one commit in one database */
	LIMIT_NOTE = 16 << 20,
	/* packs in memory at a time, while others wait for theirs */
	LIMIT_MAPPED = 16 << 20,
};

#endif
