#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/plan.h"
#include "core/policy.h"
#include "core/proof.h"
#include "flow/push.h"
#include "flow/require.h"
#include "git/config.h"
#include "git/history.h"
#include "git/notes.h"
#include "git/repo.h"

struct asked {
	struct repo *repo;
	struct plan *plan;
	size_t from;
	const bool *only; /* these positions alone; NULL: all */
	struct findings *f;
};

static bool is_judged(const struct asked *a, size_t pos)
{
	return pos >= a->from && (!a->only || a->only[pos]);
}

static bool is_asked(struct repo *repo, const char *key)
{
	return config_bool(repo_config(repo), key, false);
}

/* What git says of a signature in one letter (%G?). */
static const char *signature_word(char letter)
{
	switch (letter) {
	case 'N':
		return "is not signed";
	case 'B':
		return "has a signature that does not fit";
	case 'U':
		return "is signed with a key that is not among the allowed ones";
	case 'X':
	case 'Y':
		return "has a signature or key that has expired";
	case 'R':
		return "is signed with a key that was revoked";
	default:
		return "has a signature that cannot be checked here";
	}
}

static void refuse_signature(const struct asked *a, size_t pos, char letter)
{
	const struct migration *m = &a->plan->items[pos];
	char hex[OID_HEXSZ + 1];

	findings_add(a->f, RULE_UNSIGNED, false, m->path,
		     "commit %.12s, which brings migration '%s', %s",
		     oid_hex(&m->commit, hex), m->path, signature_word(letter));
	findings_hint(a->f,
		      config_get(repo_config(a->repo), "gpg.ssh.allowedsignersfile")
			      ? "Sign it with a key that the server knows (git commit "
				"--amend -S)."
			      : "Sign it (git commit --amend -S); who judges has to name "
				"the allowed keys: git config "
				"gpg.ssh.allowedSignersFile <file>.");
}

/* "<hex> <letter>" a line, in the order asked for. */
static void judge_letters(const struct asked *a, const size_t *of, size_t nr,
			  const char *said)
{
	char hex[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < nr; i++) {
		oid_hex(&a->plan->items[of[i]].commit, hex);
		if (strncmp(said, hex, OID_HEXSZ) != 0 || said[OID_HEXSZ] != ' ')
			refuse_signature(a, of[i], 'E');
		else if (said[OID_HEXSZ + 1] != 'G')
			refuse_signature(a, of[i], said[OID_HEXSZ + 1]);
		said += strcspn(said, "\n");
		said += *said == '\n';
	}
}

enum { AT_ONCE = 256, BEFORE = 6 };

/* git itself verifies, in one child; the keys are those of its own configuration. */
static int ask_git(const struct asked *a, const size_t *of, size_t nr, struct err *err)
{
	/* not rev-list: that does not read which keys are allowed */
	const char *args[BEFORE + AT_ONCE + 1] = {
		"log",	      "--no-walk=unsorted", "--no-show-signature",
		"--no-patch", "--format=%H %G?",    "--end-of-options"
	};
	char(*hex)[OID_HEXSZ + 1] = xcalloc(nr + 1, sizeof(*hex));
	struct buf out = BUF_INIT, said = BUF_INIT;
	size_t i;
	int status;

	for (i = 0; i < nr; i++)
		args[BEFORE + i] = oid_hex(&a->plan->items[of[i]].commit, hex[i]);
	status = repo_git(a->repo, args, &out, &said, err);
	if (status > 0)
		status = err_set(err, ERR_FATAL, "git log failed: %s", buf_str(&said));
	else if (status == 0)
		judge_letters(a, of, nr, buf_str(&out));
	buf_release(&out);
	buf_release(&said);
	free(hex);
	return status;
}

static int check_signed(const struct asked *a, struct err *err)
{
	const struct migration *items = a->plan->items;
	size_t of[AT_ONCE], nr = 0, pos;
	int ret = 0;

	for (pos = a->from; pos < a->plan->nr && ret == 0; pos++) {
		if (!is_judged(a, pos) || oid_is_zero(&items[pos].commit) ||
		    (nr && oid_eq(&items[of[nr - 1]].commit, &items[pos].commit)))
			continue;
		of[nr++] = pos;
		if (nr == AT_ONCE) {
			ret = ask_git(a, of, nr, err);
			nr = 0;
		}
	}
	return ret == 0 && nr ? ask_git(a, of, nr, err) : ret;
}

/* Whether a commit's message tells of a review by somebody else: 1, 0, -1. */
static int tells_review(struct repo *repo, const struct oid *commit, const char *author,
			struct err *err)
{
	struct history_commit c;
	struct pool pool = { 0 };
	const char **by;
	size_t nr;
	int ret = history_commit(repo, commit, &pool, &c, err);

	if (ret == 0) {
		nr = trailers_named(&by, &pool, c.message, "Reviewed-by");
		ret = proof_is_reviewed(author, by, nr);
	}
	pool_release(&pool);
	return ret;
}

/* In the commit that brings it, or in the merge that it came with. */
static int check_reviewed(const struct asked *a, struct err *err)
{
	const struct migration *m;
	size_t pos;
	int told;

	for (pos = a->from; pos < a->plan->nr; pos++) {
		m = &a->plan->items[pos];
		if (!is_judged(a, pos))
			continue;
		if (plan_describe(a->plan, pos, err) < 0)
			return -1;
		told = oid_is_zero(&m->commit)
			       ? 0
			       : tells_review(a->repo, &m->commit, m->author, err);
		if (told == 0 && !oid_is_zero(&m->arrival) &&
		    !oid_eq(&m->arrival, &m->commit))
			told = tells_review(a->repo, &m->arrival, m->author, err);
		if (told < 0)
			return -1;
		if (told)
			continue;
		/* a merge that is not made yet may still say so */
		findings_add(a->f, RULE_UNREVIEWED, oid_is_zero(&m->arrival), m->path,
			     "migration '%s' was reviewed by nobody but its author",
			     m->path);
		findings_hint(a->f, "Let somebody else read it, and add the trailer "
				    "\"Reviewed-by: Name <mail>\" to its commit or to "
				    "the merge that brings it.");
	}
	return 0;
}

/* Marks what a line says to have passed. */
static void hear(const struct asked *a, const char *line, bool *passed)
{
	char path[MIGRATION_PATH_MAX + 1];
	ssize_t pos = -1;

	if (proof_path(line, path, sizeof(path)))
		pos = plan_find(a->plan, path);
	if (pos >= 0 && proof_is_rehearsal(line, &a->plan->items[pos]))
		passed[pos] = true;
}

static int check_rehearsed(const struct asked *a, const struct push *push,
			   struct err *err)
{
	bool *passed = xcalloc(a->plan->nr + 1, sizeof(*passed));
	struct notes notes = { 0 };
	struct pool pool = { 0 };
	const char *path;
	struct oid tip;
	size_t pos, i;
	int ret = push_tip(a->repo, push, REHEARSALS_REF, &tip, err);

	if (ret > 0)
		ret = notes_read_at(a->repo, &tip, &pool, &notes, err);
	for (i = 0; i < notes.nr; i++)
		hear(a, notes.lines[i].line, passed);
	for (pos = a->from; pos < a->plan->nr && ret == 0; pos++) {
		if (passed[pos] || !is_judged(a, pos))
			continue;
		path = a->plan->items[pos].path;
		findings_add(a->f, RULE_UNREHEARSED, false, path,
			     "no rehearsal of migration '%s' as it is has passed", path);
		findings_hint(a->f, "Rehearse it, and push what is noted of that: git "
				    "push origin " REHEARSALS_REF);
	}
	pool_release(&pool);
	free(passed);
	return ret;
}

static int check_asked(const struct asked *a, const struct push *push, struct err *err)
{
	if (is_asked(a->repo, "migrate.requiresigned") && check_signed(a, err) < 0)
		return -1;
	if (is_asked(a->repo, "migrate.requirereview") && check_reviewed(a, err) < 0)
		return -1;
	if (is_asked(a->repo, "migrate.requirerehearsal"))
		return check_rehearsed(a, push, err);
	return 0;
}

int require_check(struct repo *repo, struct plan *plan, size_t from,
		  const struct push *push, struct findings *f, struct err *err)
{
	const struct asked a = { repo, plan, from, NULL, f };

	if (is_asked(repo, "migrate.onemigrationpercommit"))
		policy_one_each(plan, from, f);
	return check_asked(&a, push, err);
}

bool require_is_asked(struct repo *repo)
{
	return is_asked(repo, "migrate.requiresigned") ||
	       is_asked(repo, "migrate.requirereview") ||
	       is_asked(repo, "migrate.requirerehearsal");
}

int require_landed(struct repo *repo, struct plan *plan, const bool *only,
		   struct findings *f, struct err *err)
{
	const struct asked a = { repo, plan, 0, only, f };

	return check_asked(&a, NULL, err);
}
