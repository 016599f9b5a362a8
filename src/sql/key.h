/* A key as catalogs and objects have it, taken apart again. */
#ifndef SQL_KEY_H
#define SQL_KEY_H

struct pool;

/**
 * Schema and name as the database has them, without quotes; `*schema` is NULL where the
 * key has none. The pool's, or the key's own.
 */
void sql_key_parts(struct pool *pool, const char *key, const char **schema,
		   const char **base);

#endif
