#include "base/compat.h"

#include "base/pool.h"
#include "core/ledger.h"
#include "core/plan.h"
#include "flow/record_make.h"
#include "flow/target.h"
#include "git/repo.h"

void scribe_init(struct scribe *s, struct repo *repo, const struct target *target,
		 const struct oid *head)
{
	memset(s, 0, sizeof(*s));
	nonce_random(s->run);
	oid_hex(head, s->head);
	repo_identity(repo, &s->by);
	s->target = target;
}

void scribe_release(struct scribe *s)
{
	buf_release(&s->by);
}

void scribe_begin(const struct scribe *s, struct pool *pool, const struct record *last,
		  enum event event, struct record *out)
{
	char at[CLOCK_TEXT];

	memset(out, 0, sizeof(*out));
	clock_utc(at);
	out->seq = last ? last->seq + 1 : 1;
	out->event = event;
	out->field[FIELD_PREV] = last ? pool_strdup(pool, last->hash) : RECORD_NO_PREV;
	out->field[FIELD_HEAD] = s->head;
	out->field[FIELD_AT] = pool_strdup(pool, at);
	out->field[FIELD_BY] = s->by.s;
	out->field[FIELD_RUN] = s->run;
	out->field[FIELD_ENGINE] = s->target->driver->engine(s->target->db);
	out->field[FIELD_TARGET] = s->target->ledger.target;
	out->field[FIELD_TOOL] = "git-migrate/" PACKAGE_VERSION;
}

void scribe_migration(struct pool *pool, struct record *r, const struct plan *plan,
		      size_t pos, const char *sha256)
{
	const struct migration *m = &plan->items[pos];
	char hex[OID_HEXSZ + 1];

	r->field[FIELD_PATH] = m->path;
	r->field[FIELD_BLOB] = pool_strdup(pool, oid_hex(&m->blob, hex));
	r->field[FIELD_SHA256] = pool_strdup(pool, sha256);
	/* behind a shallow boundary nobody knows who brought it: the asked commit */
	r->field[FIELD_COMMIT] = oid_is_zero(&m->commit)
					 ? r->field[FIELD_HEAD]
					 : pool_strdup(pool, oid_hex(&m->commit, hex));
}
