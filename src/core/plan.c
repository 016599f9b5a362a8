#include "base/compat.h"

#include "base/err.h"
#include "base/io.h"
#include "base/sha256.h"
#include "base/text.h"
#include "core/plan.h"

enum { ID_DIGITS_MIN = 7 };

void plan_release(struct plan *p)
{
	pool_release(&p->pool);
	memset(p, 0, sizeof(*p));
}

static int cmp_position(const void *a, const void *b, void *items)
{
	const struct migration *m = items;

	return strcmp(m[*(const size_t *)a].path, m[*(const size_t *)b].path);
}

plan_digest *plan_digests(const struct plan *p)
{
	plan_digest *all = xcalloc(p->nr + 1, sizeof(*all));
	struct sha256 *h = sha256_new();
	char blob[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < p->nr; i++) {
		sha256_add(h, oid_hex(&p->items[i].blob, blob), OID_HEXSZ);
		sha256_add(h, " ", 1);
		sha256_add(h, p->items[i].path, strlen(p->items[i].path));
		sha256_add(h, "\n", 1);
		sha256_peek(h, all[i]);
	}
	sha256_free(h);
	return all;
}

void plan_index(struct plan *p)
{
	size_t i;

	p->by_path = pool_alloc(&p->pool, (p->nr ? p->nr : 1) * sizeof(*p->by_path));
	for (i = 0; i < p->nr; i++)
		p->by_path[i] = i;
	if (p->nr > 1)
		qsort_r(p->by_path, p->nr, sizeof(*p->by_path), cmp_position, p->items);
}

ssize_t plan_find(const struct plan *p, const char *path)
{
	size_t low = 0, high = p->nr, mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		order = strcmp(path, p->items[p->by_path[mid]].path);
		if (order == 0)
			return (ssize_t)p->by_path[mid];
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return -1;
}

/* The message's trailers, and of other keys the header's. */
static void bind_trailers(struct plan *p, struct migration *m)
{
	const struct trailers *message = &m->in_message, *header = &m->in_header;
	struct trailers *t = &m->trailers;
	bool heard = m->company <= 1;
	size_t i;

	t->items = pool_alloc(&p->pool,
			      (message->nr + header->nr + 1) * sizeof(*t->items));
	for (i = 0; heard && i < message->nr; i++)
		t->items[t->nr++] = message->items[i];
	for (i = 0; i < header->nr; i++)
		if (!heard || !trailers_get(message, header->items[i].key))
			t->items[t->nr++] = header->items[i];
}

int plan_describe(struct plan *p, size_t pos, struct err *err)
{
	struct migration *m = &p->items[pos];

	if (m->known)
		return 0;
	if (p->source.describe(p->source.ctx, &p->pool, m, err) < 0)
		return err_wrap(err, "migration '%s'", m->path);
	bind_trailers(p, m);
	m->known = true;
	return 0;
}

/* Splits `name ("subject")`; false when the value has another form. */
static bool split_value(const char *value, struct resolution *out)
{
	size_t len = strcspn(value, " \t"), rest_len;
	const char *rest;

	if (len == 0 || len >= sizeof(out->name))
		return false;
	memcpy(out->name, value, len);
	out->name[len] = '\0';
	rest_len = strlen(value + len);
	rest = text_trim(value + len, &rest_len);
	if (rest_len == 0)
		return true;
	if (rest_len < 4 || strncmp(rest, "(\"", 2) != 0 ||
	    strncmp(rest + rest_len - 2, "\")", 2) != 0)
		return false;
	rest_len -= 4;
	if (rest_len >= sizeof(out->subject))
		rest_len = sizeof(out->subject) - 1;
	memcpy(out->subject, rest + 2, rest_len);
	out->subject[rest_len] = '\0';
	return true;
}

static void hit(struct resolution *r, size_t pos)
{
	if (r->how == RESOLVE_NONE) {
		r->how = RESOLVE_FOUND;
		r->pos = pos;
	} else if (r->how == RESOLVE_FOUND) {
		r->how = RESOLVE_MANY;
		r->other = pos;
	}
}

static bool same_base(const char *base, const char *name)
{
	size_t len = strlen(name);

	return strncmp(base, name, len) == 0 &&
	       (base[len] == '\0' || strcmp(base + len, ".sql") == 0);
}

static void by_path(const struct plan *p, size_t limit, struct resolution *r)
{
	size_t folder = strlen(p->folder), i;
	const char *below = r->name;
	ssize_t pos;
	bool whole;

	if (strncmp(below, "./", 2) == 0)
		below += 2;
	whole = strchr(below, '/') != NULL;
	if (strncmp(below, p->folder, folder) == 0 && below[folder] == '/')
		below += folder + 1;
	pos = plan_find(p, below);
	if (pos < 0)
		pos = plan_find(p, r->name);
	if (pos >= 0) {
		if ((size_t)pos < limit)
			hit(r, (size_t)pos);
		return;
	}
	for (i = 0; i < limit; i++)
		if (same_base(whole ? p->items[i].path : migration_base(p->items[i].path),
			      below))
			hit(r, i);
}

static void by_id(const struct plan *p, size_t limit, struct resolution *r)
{
	size_t len = strlen(r->name), i;

	for (i = 0; i < limit; i++)
		if (!oid_is_zero(&p->items[i].commit) &&
		    oid_has_prefix(&p->items[i].commit, r->name, len))
			hit(r, i);
	if (r->how != RESOLVE_NONE)
		return;
	for (i = 0; i < limit; i++)
		if (oid_has_prefix(&p->items[i].arrival, r->name, len))
			hit(r, i);
}

void plan_resolve(const struct plan *p, size_t limit, const char *value,
		  struct resolution *out)
{
	size_t digits;

	memset(out, 0, sizeof(*out));
	if (limit > p->nr)
		limit = p->nr;
	if (trailer_is_issue(value)) {
		out->how = RESOLVE_ISSUE;
		return;
	}
	if (!split_value(value, out)) {
		out->how = RESOLVE_FORM;
		return;
	}
	out->how = RESOLVE_NONE;
	by_path(p, limit, out);
	digits = strspn(out->name, "0123456789abcdefABCDEF");
	if (out->how != RESOLVE_NONE || out->name[digits] || digits < ID_DIGITS_MIN)
		return;
	out->is_id = true;
	by_id(p, limit, out);
}

int plan_by_subject(struct plan *p, const char *subject, ssize_t *pos, struct err *err)
{
	size_t i;

	*pos = -1;
	if (!subject[0])
		return 0;
	for (i = 0; i < p->nr; i++) {
		if (plan_describe(p, i, err) < 0)
			return -1;
		if (!p->items[i].subject || strcmp(p->items[i].subject, subject) != 0)
			continue;
		if (*pos >= 0) {
			*pos = -1;
			return 0;
		}
		*pos = (ssize_t)i;
	}
	return 0;
}
