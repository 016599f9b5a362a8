#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/plan.h"
#include "core/policy.h"
#include "core/proof.h"
#include "flow/rehearsed.h"
#include "flow/require.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

/* A commit that answers for the bytes of a migration. */
struct writer {
	size_t pos;
	struct oid commit;
	bool later; /* than the one that brings it: it edits */
};

struct asked {
	struct repo *repo;
	struct plan *plan;
	const struct required *what;
	struct findings *f;
	struct writer *writers; /* by position */
	size_t nr, alloc, edited;
};

/* Those that git is asked for one by one. */
enum { EDITED_MAX = 200 };

static bool is_asked(struct repo *repo, const char *key)
{
	return config_bool(repo_config(repo), key, false);
}

/* Whether an entry is new, or has other bytes than it had before, or is asked for. */
static bool is_judged(const struct asked *a, size_t pos)
{
	const struct plan *was = a->what->was;
	ssize_t old;

	if (a->what->only)
		return a->what->only[pos];
	if (pos >= a->what->from || !was)
		return pos >= a->what->from;
	old = plan_find(was, a->plan->items[pos].path);
	return old >= 0 && !oid_eq(&was->items[old].blob, &a->plan->items[pos].blob);
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

static void refuse_signature(const struct asked *a, const struct writer *w, char letter)
{
	const struct migration *m = &a->plan->items[w->pos];
	char hex[OID_HEXSZ + 1];

	findings_add(a->f, RULE_UNSIGNED, false, m->path,
		     "commit %.12s, which %s migration '%s', %s",
		     oid_hex(&w->commit, hex), w->later ? "edits" : "brings", m->path,
		     signature_word(letter));
	findings_hint(a->f,
		      config_get(repo_config(a->repo), "gpg.ssh.allowedsignersfile")
			      ? "Sign it with a key that the server knows (git commit "
				"--amend -S)."
			      : "Sign it (git commit --amend -S); who judges has to name "
				"the allowed keys: git config "
				"gpg.ssh.allowedSignersFile <file>.");
}

/* "<hex> <letter>" a line, in the order asked for. */
static void judge_letters(const struct asked *a, const struct writer *const *of,
			  size_t nr, const char *said)
{
	char hex[OID_HEXSZ + 1];
	size_t i;

	for (i = 0; i < nr; i++) {
		oid_hex(&of[i]->commit, hex);
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
static int ask_git(const struct asked *a, const struct writer *const *of, size_t nr,
		   struct err *err)
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
		args[BEFORE + i] = oid_hex(&of[i]->commit, hex[i]);
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
	const struct writer *of[AT_ONCE];
	size_t nr = 0, i;
	int ret = 0;

	for (i = 0; i < a->nr && ret == 0; i++) {
		if (oid_is_zero(&a->writers[i].commit) ||
		    (nr && oid_eq(&of[nr - 1]->commit, &a->writers[i].commit)))
			continue;
		of[nr++] = &a->writers[i];
		if (nr == AT_ONCE) {
			ret = ask_git(a, of, nr, err);
			nr = 0;
		}
	}
	return ret == 0 && nr ? ask_git(a, of, nr, err) : ret;
}

/* Whether a commit's message tells of a review by another than its `author`: 1, 0, -1. */
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
		ret = proof_is_reviewed(author ? author : c.author, by, nr);
	}
	pool_release(&pool);
	return ret;
}

/* The same of the merge that it came with, if that has the bytes that are judged. */
static int merge_tells(const struct asked *a, const struct migration *m, struct err *err)
{
	struct oid blob;
	unsigned mode;
	int holds;

	if (oid_is_zero(&m->arrival) || oid_eq(&m->arrival, &m->commit))
		return 0;
	holds = history_holds(a->repo, &m->arrival, m->path, &blob, &mode, err);
	if (holds <= 0 || !oid_eq(&blob, &m->blob))
		return holds < 0 ? -1 : 0;
	return tells_review(a->repo, &m->arrival, m->author, err);
}

static void refuse_unreviewed(const struct asked *a, const struct writer *w)
{
	const struct migration *m = &a->plan->items[w->pos];
	/* a merge that is not made yet may still say so */
	bool open = oid_is_zero(&m->arrival);
	char hex[OID_HEXSZ + 1];

	if (w->later)
		findings_add(a->f, RULE_UNREVIEWED, open, m->path,
			     "the edit of migration '%s' in commit %.12s was reviewed by "
			     "nobody but its author",
			     m->path, oid_hex(&w->commit, hex));
	else
		findings_add(a->f, RULE_UNREVIEWED, open, m->path,
			     "migration '%s' was reviewed by nobody but its author",
			     m->path);
	findings_hint(a->f, "Let somebody else read it, and add the trailer "
			    "\"Reviewed-by: Name <mail>\" to its commit or to "
			    "the merge that brings it.");
}

/* In the commit that answers for it, or in the merge that it came with. */
static int check_reviewed(const struct asked *a, struct err *err)
{
	const struct writer *w;
	const struct migration *m;
	size_t i;
	int told;

	for (i = 0; i < a->nr; i++) {
		w = &a->writers[i];
		m = &a->plan->items[w->pos];
		if (plan_describe(a->plan, w->pos, err) < 0)
			return -1;
		told = oid_is_zero(&w->commit)
			       ? 0
			       : tells_review(a->repo, &w->commit,
					      w->later ? NULL : m->author, err);
		if (told == 0)
			told = merge_tells(a, m, err);
		if (told < 0)
			return -1;
		if (!told)
			refuse_unreviewed(a, w);
	}
	return 0;
}

static int check_rehearsed(const struct asked *a, struct err *err)
{
	bool *passed = xcalloc(a->plan->nr + 1, sizeof(*passed));
	/* of what has landed its rehearsal of then is asked, whatever came since */
	const struct rehearsed_query query = { .repo = a->repo,
					       .push = a->what->push,
					       .plan = a->plan,
					       .tip = a->what->only ? NULL
								    : a->what->tip };
	const char *path;
	size_t pos;
	int ret = rehearsed_find(&query, passed, err);

	for (pos = 0; pos < a->plan->nr && ret == 0; pos++) {
		if (passed[pos] || !is_judged(a, pos))
			continue;
		path = a->plan->items[pos].path;
		findings_add(a->f, RULE_UNREHEARSED, false, path,
			     "no rehearsal of migration '%s' as it is has passed", path);
		findings_hint(a->f, "Rehearse it, and push what is noted of that: git "
				    "push origin " REHEARSALS_REF);
	}
	free(passed);
	return ret;
}

static void add_writer(struct asked *a, size_t pos, const struct oid *commit, bool later)
{
	VEC_GROW(a->writers, a->nr, a->alloc);
	a->writers[a->nr].pos = pos;
	a->writers[a->nr].commit = *commit;
	a->writers[a->nr++].later = later;
}

/* The commit that last changed the file, as git tells it: the one that made it so. */
static int find_editor(const struct asked *a, size_t pos, struct oid *out,
		       struct err *err)
{
	char tip[OID_HEXSZ + 1];
	struct buf path = BUF_INIT, said = BUF_INIT, wrong = BUF_INIT;
	const char *args[] = { "rev-list", "--max-count=1", tip, "--", NULL, NULL };
	int status;

	oid_hex(a->what->tip, tip);
	buf_addf(&path, "%s/%s", a->plan->folder, a->plan->items[pos].path);
	args[4] = path.s;
	status = repo_git(a->repo, args, &said, &wrong, err);
	if (status > 0)
		err_set(err, ERR_FATAL, "git rev-list failed: %s", buf_str(&wrong));
	else if (status == 0 &&
		 (said.len < OID_HEXSZ || oid_parse(out, said.s, OID_HEXSZ) < 0))
		status = err_set(err, ERR_FATAL, "could not tell which commit edits '%s'",
				 path.s);
	buf_release(&path);
	buf_release(&said);
	buf_release(&wrong);
	return status == 0 ? 0 : -1;
}

/*
 * Who answers for it: the commit that brings it, unless that landed before, and the
 * one that edited it since, or a signed commit would lend its name to other bytes.
 */
static int add_writers(struct asked *a, size_t pos, struct err *err)
{
	const struct migration *m = &a->plan->items[pos];
	struct oid blob, editor;
	unsigned mode;
	int holds;

	if (pos >= a->what->from)
		add_writer(a, pos, &m->commit, false);
	if (oid_is_zero(&m->commit))
		return 0;
	holds = history_holds(a->repo, &m->commit, m->path, &blob, &mode, err);
	if (holds < 0 || (holds && oid_eq(&blob, &m->blob)))
		return holds < 0 ? -1 : 0;
	if (a->edited++ == EDITED_MAX)
		return err_set(err, ERR_REFUSED,
			       "more than %d migrations were edited after the commits "
			       "that bring them",
			       EDITED_MAX);
	if (find_editor(a, pos, &editor, err) < 0)
		return -1;
	add_writer(a, pos, &editor, true);
	return 0;
}

static int check_asked(struct asked *a, struct err *err)
{
	bool signs = is_asked(a->repo, "migrate.requiresigned");
	bool reviews = is_asked(a->repo, "migrate.requirereview");
	size_t pos;
	int ret = 0;

	for (pos = 0; (signs || reviews) && pos < a->plan->nr && ret == 0; pos++)
		if (is_judged(a, pos))
			ret = add_writers(a, pos, err);
	if (ret == 0 && signs)
		ret = check_signed(a, err);
	if (ret == 0 && reviews)
		ret = check_reviewed(a, err);
	if (ret == 0 && is_asked(a->repo, "migrate.requirerehearsal"))
		ret = check_rehearsed(a, err);
	free(a->writers);
	return ret;
}

int require_check(struct repo *repo, const struct required *what, struct findings *f,
		  struct err *err)
{
	struct asked a = { .repo = repo, .plan = what->plan, .what = what, .f = f };

	if (is_asked(repo, "migrate.onemigrationpercommit"))
		policy_one_each(what->plan, what->from, f);
	return check_asked(&a, err);
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
	const struct required what = { .plan = plan, .only = only, .tip = &plan->head };
	struct asked a = { .repo = repo, .plan = plan, .what = &what, .f = f };

	return check_asked(&a, err);
}
