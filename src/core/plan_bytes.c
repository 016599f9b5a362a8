#include "base/compat.h"

#include "base/buf.h"
#include "core/plan.h"
#include "core/plan_bytes.h"

/*
 * Three numbers: entries, misfits, bytes of names. Then by_path, the entries in
 * their order, the misfits, and the names of both, each with a NUL.
 */
enum {
	HEAD_SIZE = 12,
	ENTRY_SIZE = 3 * OID_RAWSZ + 8,
	MISFIT_SIZE = 8,
};

static void put_oid(struct buf *out, const struct oid *id)
{
	buf_add(out, id->id, OID_RAWSZ);
}

static void put_entry(struct buf *out, const struct migration *m)
{
	put_oid(out, &m->blob);
	put_oid(out, &m->commit);
	put_oid(out, &m->arrival);
	buf_add_u32(out, m->mode);
	buf_add_u32(out, m->company);
}

void plan_encode(const struct plan *p, struct buf *out)
{
	struct buf names = BUF_INIT;
	size_t i;

	for (i = 0; i < p->nr; i++)
		buf_add(&names, p->items[i].path, strlen(p->items[i].path) + 1);
	for (i = 0; i < p->nr_misfits; i++)
		buf_add(&names, p->misfits[i].path, strlen(p->misfits[i].path) + 1);
	buf_add_u32(out, (uint32_t)p->nr);
	buf_add_u32(out, (uint32_t)p->nr_misfits);
	buf_add_u32(out, (uint32_t)names.len);
	for (i = 0; i < p->nr; i++)
		buf_add_u32(out, (uint32_t)p->by_path[i]);
	for (i = 0; i < p->nr; i++)
		put_entry(out, &p->items[i]);
	for (i = 0; i < p->nr_misfits; i++) {
		buf_add_u32(out, p->misfits[i].mode);
		buf_add_u32(out, (uint32_t)p->misfits[i].name);
	}
	buf_add(out, buf_str(&names), names.len);
	buf_release(&names);
}

/* Where the parts of the bytes are. */
struct parts {
	size_t nr, nr_misfits, names_len;
	const char *by_path, *entries, *misfits;
	const char *name, *end; /* in the pool, and moved on from name to name */
};

static int find_parts(struct pool *pool, const char *data, size_t len, struct parts *p)
{
	uint64_t wanted;
	char *names;

	if (len < HEAD_SIZE)
		return -1;
	p->nr = u32_at(data);
	p->nr_misfits = u32_at(data + 4);
	p->names_len = u32_at(data + 8);
	wanted = (uint64_t)p->nr * (4 + ENTRY_SIZE) +
		 (uint64_t)p->nr_misfits * MISFIT_SIZE + p->names_len;
	if (len - HEAD_SIZE != wanted || (p->names_len && data[len - 1] != '\0'))
		return -1;
	p->by_path = data + HEAD_SIZE;
	p->entries = p->by_path + 4 * p->nr;
	p->misfits = p->entries + ENTRY_SIZE * p->nr;
	names = pool_alloc(pool, p->names_len + 1);
	memcpy(names, p->misfits + MISFIT_SIZE * p->nr_misfits, p->names_len);
	p->name = names;
	p->end = names + p->names_len;
	return 0;
}

/* NULL when there are no more. */
static const char *next_name(struct parts *p)
{
	const char *name = p->name;

	if (name == p->end)
		return NULL;
	p->name += strlen(name) + 1;
	return name;
}

static int get_entries(struct plan *plan, struct parts *p)
{
	const char *at = p->entries;
	struct migration *m;
	size_t i;

	for (i = 0; i < p->nr; i++, at += ENTRY_SIZE) {
		m = &plan->items[i];
		m->path = next_name(p);
		memcpy(m->blob.id, at, OID_RAWSZ);
		memcpy(m->commit.id, at + OID_RAWSZ, OID_RAWSZ);
		memcpy(m->arrival.id, at + 2 * OID_RAWSZ, OID_RAWSZ);
		m->mode = u32_at(at + 3 * OID_RAWSZ);
		m->company = u32_at(at + 3 * OID_RAWSZ + 4);
		if (!m->path || migration_name_check(m->path) != NAME_OK || !m->company ||
		    oid_is_zero(&m->commit) || oid_is_zero(&m->arrival) ||
		    (m->mode != MODE_REGULAR && m->mode != MODE_EXECUTABLE))
			return -1;
	}
	return 0;
}

/* Each once: the names rise. */
static int get_by_path(struct plan *plan, const struct parts *p)
{
	size_t i;

	for (i = 0; i < p->nr; i++) {
		plan->by_path[i] = u32_at(p->by_path + 4 * i);
		if (plan->by_path[i] >= p->nr ||
		    (i && strcmp(plan->items[plan->by_path[i - 1]].path,
				 plan->items[plan->by_path[i]].path) >= 0))
			return -1;
	}
	return 0;
}

static int get_misfits(struct misfit *misfits, struct parts *p)
{
	uint32_t name;
	size_t i;

	for (i = 0; i < p->nr_misfits; i++) {
		name = u32_at(p->misfits + MISFIT_SIZE * i + 4);
		misfits[i].path = next_name(p);
		misfits[i].mode = u32_at(p->misfits + MISFIT_SIZE * i);
		misfits[i].name = (enum name_verdict)name;
		if (!misfits[i].path || name == NAME_OTHER || name > NAME_EXTENSION)
			return -1;
	}
	return p->name == p->end ? 0 : -1;
}

int plan_decode(struct plan *plan, const char *data, size_t len)
{
	struct misfit *misfits;
	struct parts p;

	if (find_parts(&plan->pool, data, len, &p) < 0)
		return -1;
	plan->items = pool_alloc(&plan->pool, (p.nr + 1) * sizeof(*plan->items));
	plan->by_path = pool_alloc(&plan->pool, (p.nr + 1) * sizeof(*plan->by_path));
	misfits = pool_alloc(&plan->pool, (p.nr_misfits + 1) * sizeof(*misfits));
	if (get_entries(plan, &p) < 0 || get_misfits(misfits, &p) < 0 ||
	    get_by_path(plan, &p) < 0)
		return -1;
	plan->nr = p.nr;
	plan->misfits = misfits;
	plan->nr_misfits = p.nr_misfits;
	return 0;
}
