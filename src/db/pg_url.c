/* Connection URLs: read by libpq, shown without what is secret. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "db/pg.h"

/*
 * libpq takes what stands behind the first '@' for a host, and anything for a
 * port. A password with an '@' of its own would end up there, and be shown.
 */
static bool is_plausible(const PQconninfoOption *options)
{
	const char *host = pg_url_get(options, "host");
	const char *port = pg_url_get(options, "port");

	if (host && host[0] != '/' && strpbrk(host, "@ \t\r\n"))
		return false;
	return !port || strspn(port, "0123456789,") == strlen(port);
}

/*
 * An '@' in the path behind the host: a password with a '/'
 * of its own, the rest of which would be taken for a host or a database.
 */
static bool has_stray_at(const char *url)
{
	const char *rest = strstr(url, "://"), *slash;

	slash = rest ? strpbrk(rest + 3, "/?") : NULL;
	return slash && *slash == '/' && memchr(slash, '@', strcspn(slash, "?")) != NULL;
}

PQconninfoOption *pg_url_parse(const struct pq *pq, const char *url, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *options = has_stray_at(url) ? NULL
						      : pq->conninfo_parse(url, &why);

	pq->freemem(why); /* quotes the URL, password and all */
	if (options && is_plausible(options))
		return options;
	pq->conninfo_free(options);
	err_set(err, ERR_USAGE, "the URL of the PostgreSQL target cannot be read");
	err_hint(err, "target-url",
		 "It is postgresql://[user@]host[:port]/database[?option=value]. "
		 "Characters "
		 "like @ : / %% in a part of it are written as %%XX. (It is not shown "
		 "here: "
		 "it may hold a password.)");
	return NULL;
}

const char *pg_url_get(const PQconninfoOption *options, const char *keyword)
{
	for (; options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	return NULL;
}

static void add_encoded(struct buf *out, const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (ascii_isalnum(c) || (c && strchr("-._~", c)))
			buf_addc(out, c);
		else
			buf_addf(out, "%%%02X", c);
	}
}

static void add_host(struct buf *out, const char *host, size_t len)
{
	if (memchr(host, ':', len)) /* an IPv6 address */
		buf_addf(out, "[%.*s]", (int)len, host);
	else
		add_encoded(out, host, len);
}

/* "h1:1,h2:2": libpq keeps hosts and ports as lists of their own. */
static void add_hosts(struct buf *out, const char *host, const char *port)
{
	size_t len;

	for (;;) {
		len = strcspn(host, ",");
		add_host(out, host, len);
		host += len;
		len = strcspn(port, ",");
		if (len) {
			buf_addc(out, ':');
			add_encoded(out, port, len);
		}
		if (port[len] == ',' || *host == '\0')
			port += len;
		if (*host == '\0' && *port == '\0')
			break;
		host += *host == ',';
		port += *port == ',';
		buf_addc(out, ',');
	}
}

void pg_url_other(const PQconninfoOption *options, const char *dbname, struct buf *out)
{
	const PQconninfoOption *o;
	char before = '?';

	buf_adds(out, "postgresql:///");
	add_encoded(out, dbname, strlen(dbname));
	for (o = options; o->keyword; o++) {
		if (!o->val || strcmp(o->keyword, "dbname") == 0)
			continue;
		buf_addf(out, "%c%s=", before, o->keyword);
		add_encoded(out, o->val, strlen(o->val));
		before = '&';
	}
}

void pg_url_show(const PQconninfoOption *options, struct buf *out)
{
	/* of the other options some can hold a secret (options, sslkey, ...) */
	static const char *const shown[] = { "service", "sslmode",
					     "target_session_attrs" };
	const char *user = pg_url_get(options, "user");
	const char *host = pg_url_get(options, "host");
	const char *port = pg_url_get(options, "port");
	const char *dbname = pg_url_get(options, "dbname");
	const PQconninfoOption *o;
	char before = '?';
	size_t i;

	buf_adds(out, "postgresql://");
	if (user) {
		add_encoded(out, user, strlen(user));
		buf_addc(out, '@');
	}
	add_hosts(out, host ? host : "", port ? port : "");
	buf_addc(out, '/');
	if (dbname)
		add_encoded(out, dbname, strlen(dbname));
	for (o = options; o->keyword; o++) {
		for (i = 0; i < ARRAY_SIZE(shown); i++)
			if (strcmp(o->keyword, shown[i]) == 0)
				break;
		if (!o->val || i == ARRAY_SIZE(shown))
			continue;
		buf_addf(out, "%c%s=", before, o->keyword);
		add_encoded(out, o->val, strlen(o->val));
		before = '&';
	}
}
