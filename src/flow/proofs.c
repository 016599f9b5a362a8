#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/vec.h"
#include "core/migration.h"
#include "core/proof.h"
#include "flow/proofs.h"
#include "flow/target.h"
#include "git/notes.h"
#include "git/repo.h"

struct reading {
	struct repo *repo;
	struct pool *pool;
	struct proofs *out;
};

void proofs_release(struct proofs *p)
{
	free(p->items);
	memset(p, 0, sizeof(*p));
}

static const char *field(struct pool *pool, const char *line, const char *key)
{
	char text[MIGRATION_PATH_MAX + 1];

	return proof_field(line, key, text, sizeof(text)) ? pool_strdup(pool, text)
							  : NULL;
}

static int read_ref(void *arg, const char *ref, struct err *err)
{
	struct reading *to = arg;
	struct notes notes = { 0 };
	const char *kind = pool_strdup(to->pool, ref + strlen(PROOF_REFS));
	struct proof *p;
	struct oid tip;
	size_t i;
	int found = repo_ref(to->repo, ref, &tip, err);

	if (found <= 0)
		return found;
	if (notes_read_at(to->repo, &tip, to->pool, &notes, err) < 0)
		return -1;
	for (i = 0; i < notes.nr; i++) {
		if (!notes.lines[i].line[0])
			continue;
		VEC_GROW(to->out->items, to->out->nr, to->out->alloc);
		p = &to->out->items[to->out->nr++];
		p->kind = kind;
		p->object = notes.lines[i].object;
		p->line = notes.lines[i].line;
		p->path = field(to->pool, p->line, "path");
		p->result = field(to->pool, p->line, "result");
	}
	return 0;
}

int proofs_read(struct repo *repo, struct pool *pool, struct proofs *out, struct err *err)
{
	struct reading to = { repo, pool, out };

	return repo_each_ref(repo, PROOF_REFS, read_ref, &to, err) < 0 ? -1 : 0;
}

enum { TRIES = 20, PAUSE_MS = 15, MESSAGE_MAX = 400 };

void proofs_hint_unsigned(struct err *err)
{
	if (strcmp(err->advice, "sign") != 0)
		return;
	err_hint(err, "sign",
		 "Nothing was noted. Do it again when the key can sign; \"git config "
		 "migrate.signNotes false\" notes it without a signature.");
}

int proofs_append(struct repo *repo, const char *kind, const struct oid *object,
		  const char *line, struct err *err)
{
	static const struct oid none;
	const struct note_line note = { *object, line };
	struct buf ref = BUF_INIT, message = BUF_INIT;
	struct oid tip;
	int i, ret = 1;

	buf_addf(&ref, PROOF_REFS "%s", kind);
	buf_addf(&message, "migrate: %s\n\n%.*s\n", kind, MESSAGE_MAX, line);
	for (i = 0; ret > 0 && i < TRIES; i++) {
		struct notes_commit where = { &tip, &tip, &none };

		tip = none;
		if (i && wait_poll.wait(NULL, -1, 0, PAUSE_MS * i, err) < 0)
			break;
		if (repo_ref(repo, ref.s, &tip, err) < 0)
			break;
		ret = notes_append(repo, ref.s, &where, &note, 1, message.s, err);
	}
	if (ret > 0 && err->code == ERR_NONE)
		err_set(err, ERR_FATAL, "could not write '%s': others kept writing",
			ref.s);
	if (ret != 0)
		proofs_hint_unsigned(err);
	buf_release(&ref);
	buf_release(&message);
	return ret == 0 ? 0 : -1;
}
