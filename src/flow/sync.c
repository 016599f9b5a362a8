#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/plan.h"
#include "flow/join.h"
#include "flow/mirror.h"
#include "flow/parted.h"
#include "flow/sync.h"
#include "flow/target.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"

/* How often others may be first with a push. */
enum { ROUNDS = 10 };

struct one {
	const char *name;
	bool named; /* on the command line */
	bool forked, looked, told;
};

/* A mirror that the remote has. */
struct remote_ref {
	const char *target;
	struct oid tip;
};

struct sync {
	struct repo *repo;
	const struct sync_options *o;
	struct sync_result *result;
	struct pool pool;
	const char *remote;
	struct one *targets;
	size_t nr, alloc;
	struct remote_ref *refs; /* of the remote, as of this round */
	size_t nr_refs, alloc_refs;
	struct plan plan;
	bool has_plan;
};

static void tell(struct sync *s, enum sync_step step, const char *target,
		 const char *text, size_t nr)
{
	const struct sync_event e = {
		.step = step, .target = target, .text = text, .nr = nr
	};

	s->o->tell(s->o->arg, &e);
}

static int take_remote(void *arg, const char *name)
{
	struct sync *s = arg;

	if (!s->remote || strcmp(name, "origin") == 0)
		s->remote = pool_strdup(&s->pool, name);
	return 0;
}

static int is_remote(void *arg, const char *name)
{
	return strcmp(arg, name) == 0;
}

static int find_remote(struct sync *s, struct err *err)
{
	struct config *config = repo_config(s->repo);
	struct buf name = BUF_INIT;

	s->remote = s->o->remote ? s->o->remote : config_get(config, "migrate.remote");
	if (!s->remote)
		config_subsections(config, "remote", "url", take_remote, s);
	if (!s->remote) {
		err_set(err, ERR_REFUSED, "this repository has no remote");
		err_hint(err, "noRemote",
			 "\"git remote add origin <url>\" names a server to keep the "
			 "proof on.");
		return -1;
	}
	buf_adds(&name, s->remote);
	if (!config_subsections(config, "remote", "url", is_remote, name.s)) {
		err_set(err, ERR_REFUSED, "there is no remote '%s'", s->remote);
		err_hint(err, "noRemote", "\"git remote -v\" lists them.");
	}
	buf_release(&name);
	return err->code == ERR_NONE ? 0 : -1;
}

/* git's own words when it could not. */
static int git_said(const struct buf *said, const char *what, const char *remote,
		    struct err *err)
{
	err_set(err, ERR_FATAL, "could not %s '%s'", what, remote);
	err_detail(err, "%s", said->len ? said->s : "git said nothing.");
	err_hint(err, "remote",
		 "What is here is complete; run \"git migrate sync\" again when the "
		 "server can be reached.");
	return -1;
}

/* "<id>\t<ref>" for each. */
static void take_refs(struct sync *s, const char *line)
{
	const size_t before = OID_HEXSZ + 1 + strlen(MIRROR_REFS);
	struct remote_ref *r;
	size_t len;

	s->nr_refs = 0;
	for (; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		VEC_GROW(s->refs, s->nr_refs, s->alloc_refs);
		r = &s->refs[s->nr_refs];
		if (len <= before || line[OID_HEXSZ] != '\t' ||
		    !starts_with(line + OID_HEXSZ + 1, MIRROR_REFS) ||
		    oid_parse(&r->tip, line, OID_HEXSZ) < 0)
			continue;
		r->target = pool_strndup(&s->pool, line + before, len - before);
		s->nr_refs += target_name_ok(r->target);
	}
}

static int list_refs(struct sync *s, struct err *err)
{
	const char *args[] = { "ls-remote", "--end-of-options", s->remote,
			       MIRROR_REFS "*", NULL };
	struct buf out = BUF_INIT, said = BUF_INIT;
	int status = repo_git_asking(s->repo, args, NULL, &out, &said, err);

	if (status > 0)
		status = git_said(&said, "read the mirrors of", s->remote, err);
	else if (status == 0)
		take_refs(s, buf_str(&out));
	buf_release(&out);
	buf_release(&said);
	return status;
}

static const struct remote_ref *on_remote(const struct sync *s, const char *target)
{
	size_t i;

	for (i = 0; i < s->nr_refs; i++)
		if (strcmp(s->refs[i].target, target) == 0)
			return &s->refs[i];
	return NULL;
}

/* What was fetched of a mirror; zero: nothing. */
static int fetched_tip(struct sync *s, const char *target, struct oid *tip,
		       struct err *err)
{
	struct buf ref = BUF_INIT;
	int found;

	memset(tip, 0, sizeof(*tip));
	buf_addf(&ref, "refs/notes/%s/migrate/%s", s->remote, target);
	found = repo_ref(s->repo, ref.s, tip, err);
	buf_release(&ref);
	return found < 0 ? -1 : 0;
}

/* Whether the remote has what was not fetched yet: 1, 0, -1. */
static int has_news(struct sync *s, struct err *err)
{
	struct oid tip;
	size_t i;

	for (i = 0; i < s->nr_refs; i++) {
		if (fetched_tip(s, s->refs[i].target, &tip, err) < 0)
			return -1;
		if (!oid_eq(&tip, &s->refs[i].tip))
			return 1;
	}
	return 0;
}

static int was_rewritten(struct sync *s, const struct buf *said, struct err *err)
{
	err_set(err, ERR_REFUSED, "a mirror on '%s' was rewritten", s->remote);
	err_detail(err, "%s", said->s);
	err_hint(err, "rewritten",
		 "Records that were there are gone. What was fetched of them before is "
		 "kept here, below refs/notes/%s/migrate/; the server's own log of its "
		 "refs tells who did it.",
		 s->remote);
	return -1;
}

static int fetch(struct sync *s, struct err *err)
{
	struct buf spec = BUF_INIT, said = BUF_INIT;
	const char *args[] = { "fetch",
			       "--no-progress",
			       "--no-tags",
			       "--no-write-fetch-head",
			       "--no-prune",
			       "--no-recurse-submodules",
			       "--no-auto-maintenance",
			       "--end-of-options",
			       s->remote,
			       NULL,
			       NULL };
	int status;

	/* without a '+': a mirror that was rewritten there must not replace the proof
	   that is here */
	buf_addf(&spec, MIRROR_REFS "*:refs/notes/%s/migrate/*", s->remote);
	args[ARRAY_SIZE(args) - 2] = spec.s;
	status = repo_git_asking(s->repo, args, NULL, NULL, &said, err);
	if (status > 0)
		status = strstr(buf_str(&said), "non-fast-forward")
				 ? was_rewritten(s, &said, err)
				 : git_said(&said, "fetch the mirrors from", s->remote,
					    err);
	buf_release(&spec);
	buf_release(&said);
	return status;
}

/* What the remote has now, here. One connection where there is nothing new. */
static int bring(struct sync *s, struct err *err)
{
	int news;

	if (list_refs(s, err) < 0)
		return -1;
	news = has_news(s, err);
	return news > 0 ? fetch(s, err) : news;
}

static struct one *find_one(struct sync *s, const char *name)
{
	size_t i;

	for (i = 0; i < s->nr; i++)
		if (strcmp(s->targets[i].name, name) == 0)
			return &s->targets[i];
	return NULL;
}

static void add_one(struct sync *s, const char *name, bool named)
{
	if (find_one(s, name))
		return;
	VEC_GROW(s->targets, s->nr, s->alloc);
	s->targets[s->nr++] = (struct one){ .name = pool_strdup(&s->pool, name),
					    .named = named };
}

static int add_mirrored(void *arg, const char *name, struct err *err UNUSED)
{
	add_one(arg, name, false);
	return 0;
}

static int add_configured(void *arg, const char *name)
{
	if (target_name_ok(name))
		add_one(arg, name, false);
	return 0;
}

static int find_targets(struct sync *s, struct err *err)
{
	size_t i;

	for (i = 0; i < s->o->nr_targets; i++) {
		if (target_check_name(s->o->targets[i], err) < 0)
			return -1;
		add_one(s, s->o->targets[i], true);
	}
	if (s->o->nr_targets)
		return 0;
	config_subsections(repo_config(s->repo), "migrate", "url", add_configured, s);
	return mirror_each(s->repo, add_mirrored, s, err);
}

static bool is_configured(struct sync *s, const char *name)
{
	struct buf key = BUF_INIT;
	bool ret;

	buf_addf(&key, "migrate.%s.url", name);
	ret = config_get(repo_config(s->repo), key.s) != NULL;
	buf_release(&key);
	return ret;
}

/* Before anything is written: whether all there is of a target is one log. 0 or -1. */
static int look_at(struct sync *s, struct one *t, const struct ledger *tracker,
		   struct err *err)
{
	struct pool pool = { 0 };
	struct parted p;
	int ret = parted_look(s->repo, t->name, tracker, &pool, &p, err);

	t->looked = ret == 0;
	if (ret == 0 && p.what) {
		s->result->forked += !t->forked;
		t->forked = true;
		tell(s, SYNC_FORKED, t->name, p.what, 0);
	} else if (ret == 0 && p.taken_out) {
		tell(s, SYNC_TAKEN_OUT, t->name, s->remote, p.taken_out);
	}
	pool_release(&pool);
	return ret;
}

static int append_tracker(struct sync *s, struct one *one, size_t *written,
			  struct err *err)
{
	const struct target_options o = { .name = one->name };
	struct target t = { 0 };
	int ret = -1;

	if (target_open(&t, s->repo, &o, err) == 0 &&
	    (!t.ledger.nr || target_check_identity(&t, s->repo, err) == 0) &&
	    target_settle_others(&t, NULL, err) == 0)
		ret = look_at(s, one, &t.ledger, err);
	if (ret == 0 && !one->forked)
		ret = mirror_catch_up(s->repo, one->name, &t.ledger, written, err);
	target_release(&t);
	return ret;
}

/* What the databases at hand have and their mirrors lack. */
static int append_all(struct sync *s, struct err *err)
{
	struct err why;
	size_t i, written;

	for (i = 0; i < s->nr && !s->o->offline; i++) {
		struct one *t = &s->targets[i];

		if (!is_configured(s, t->name))
			continue;
		memset(&why, 0, sizeof(why));
		written = 0;
		if (append_tracker(s, t, &written, &why) == 0) {
			if (written)
				tell(s, SYNC_APPENDED, t->name, NULL, written);
		} else if (t->named || why.code == ERR_INTERRUPTED) {
			*err = why;
			return -1;
		} else {
			s->result->unreachable++;
			tell(s, SYNC_UNREACHABLE, t->name, why.message, 0);
		}
	}
	return 0;
}

/* The plan says where records belong; an empty repository has none. */
static int read_plan(struct sync *s, struct err *err)
{
	struct err no_commit = { 0 };
	struct oid commit;

	if (repo_resolve(s->repo, s->o->rev ? s->o->rev : "HEAD", &commit, &no_commit) <
	    0) {
		if (s->o->rev)
			*err = no_commit;
		return s->o->rev ? -1 : 0;
	}
	if (repo_load_shared(s->repo, &commit, err) < 0 ||
	    history_plan(s->repo, &commit, &s->plan, err) < 0)
		return -1;
	s->has_plan = true;
	return 0;
}

static int join_one(struct sync *s, struct one *t, struct err *err)
{
	size_t copied = 0;

	if (!t->looked && look_at(s, t, NULL, err) < 0)
		return -1;
	t->looked = false; /* the next round has fetched more */
	if (t->forked)
		return 0;
	if (join_mirror(s->repo, t->name, s->has_plan ? &s->plan : NULL, &copied, err) <
	    0)
		return -1;
	if (copied)
		tell(s, SYNC_COPIED, t->name, NULL, copied);
	return 0;
}

static int join_all(struct sync *s, struct err *err)
{
	int ret = 0;
	size_t i;

	for (i = 0; i < s->nr && ret == 0; i++)
		if (!s->targets[i].forked)
			ret = join_one(s, &s->targets[i], err);
	return ret;
}

/*
 * Where our mirror is; and where the remote's was when it was fetched: what stands
 * there now need not be what was joined.
 */
static int find_tips(struct sync *s, const char *target, struct oid *ours,
		     struct oid *theirs, struct err *err)
{
	struct buf ref = BUF_INIT;
	int found;

	memset(ours, 0, sizeof(*ours));
	mirror_ref(&ref, target);
	found = repo_ref(s->repo, ref.s, ours, err);
	buf_release(&ref);
	if (found < 0 || fetched_tip(s, target, theirs, err) < 0)
		return -1;
	if (!on_remote(s, target)) /* it may have lost it since */
		memset(theirs, 0, sizeof(*theirs));
	return 0;
}

enum push { PUSH_DONE, PUSH_STALE, PUSH_REJECTED };

/* "<flag>\t<from>:<to>\t<summary>": git's frozen line for one ref. */
static enum push judge_answer(const struct buf *out, const char *ref)
{
	const char *at = strstr(buf_str(out), ref), *line = at;

	if (!at)
		return PUSH_REJECTED;
	while (line > out->s && line[-1] != '\n')
		line--;
	if (*line != '!')
		return PUSH_DONE;
	at = strchr(at, '\t');
	/* somebody came before the push began, or while it was under way */
	return at && (starts_with(at, "\t[rejected]") ||
		      starts_with(at, "\t[remote rejected] (failed to update ref)"))
		       ? PUSH_STALE
		       : PUSH_REJECTED;
}

/* What the server's hook said, without "remote: " before each line. */
static const char *server_words(struct sync *s, const struct buf *said)
{
	struct buf text = BUF_INIT;
	const char *line = buf_str(said), *ret;
	size_t len;

	for (; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		if (!starts_with(line, "remote: ") || len == strlen("remote: "))
			continue;
		buf_addf(&text, "%s%.*s", text.len ? "\n" : "",
			 (int)(len - strlen("remote: ")), line + strlen("remote: "));
	}
	if (!text.len)
		buf_adds(&text, buf_str(said));
	while (text.len && ascii_isspace(text.s[text.len - 1]))
		text.s[--text.len] = '\0';
	ret = pool_strdup(&s->pool, buf_str(&text));
	buf_release(&text);
	return ret;
}

/* Only onto what was fetched, so that nothing of another writer can be lost. */
static int push_ref(struct sync *s, const char *target, const struct oid *theirs,
		    enum push *how, const char **words, struct err *err)
{
	struct buf ref = BUF_INIT, lease = BUF_INIT, spec = BUF_INIT;
	struct buf out = BUF_INIT, said = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	const char *args[] = { "push",
			       "--porcelain",
			       "--no-follow-tags",
			       NULL,
			       "--end-of-options",
			       s->remote,
			       NULL,
			       NULL };
	int status;

	mirror_ref(&ref, target);
	buf_addf(&lease, "--force-with-lease=%s:%s", ref.s,
		 oid_is_zero(theirs) ? "" : oid_hex(theirs, hex));
	buf_addf(&spec, "%s:%s", ref.s, ref.s);
	args[3] = lease.s;
	args[6] = spec.s;
	status = repo_git_asking(s->repo, args, NULL, &out, &said, err);
	if (status == 0) {
		*how = PUSH_DONE;
	} else if (status > 0 && strstr(buf_str(&out), spec.s)) {
		*how = judge_answer(&out, spec.s);
		*words = server_words(s, &said);
		status = 0;
	} else if (status > 0) {
		status = git_said(&said, "push the mirrors to", s->remote, err);
	}
	buf_release(&ref);
	buf_release(&lease);
	buf_release(&spec);
	buf_release(&out);
	buf_release(&said);
	return status;
}

/* 0; 1 when somebody else was first; -1. */
static int push_one(struct sync *s, struct one *t, struct err *err)
{
	enum push how = PUSH_DONE;
	const char *words = "";
	struct oid ours, theirs, before;

	if (t->forked || t->told)
		return 0;
	if (find_tips(s, t->name, &ours, &theirs, err) < 0)
		return -1;
	if (oid_is_zero(&ours) || oid_eq(&ours, &theirs)) {
		t->told = true;
		if (!oid_is_zero(&ours) || !oid_is_zero(&theirs))
			tell(s, SYNC_SAME, t->name, s->remote, 0);
		return 0;
	}
	if (oid_is_zero(&theirs)) { /* it may have been there before */
		if (fetched_tip(s, t->name, &before, err) < 0)
			return -1;
		if (!oid_is_zero(&before))
			tell(s, SYNC_GONE, t->name, s->remote, 0);
	}
	if (push_ref(s, t->name, &theirs, &how, &words, err) < 0)
		return -1;
	if (how == PUSH_STALE)
		return 1;
	t->told = true;
	s->result->rejected += how == PUSH_REJECTED;
	if (how == PUSH_DONE)
		tell(s, SYNC_PUSHED, t->name, s->remote, 0);
	else
		tell(s, SYNC_REJECTED, t->name, words, 0);
	return 0;
}

static int push_all(struct sync *s, struct err *err)
{
	int ret = 0, one;
	size_t i;

	for (i = 0; i < s->nr && ret >= 0 && !s->o->no_push; i++) {
		one = push_one(s, &s->targets[i], err);
		ret = one < 0 ? -1 : ret | one;
	}
	return ret;
}

/* Until nobody comes in between. */
static int join_and_push(struct sync *s, struct err *err)
{
	int round, ret = 1;

	for (round = 0; round < ROUNDS && ret > 0; round++) {
		if (round && bring(s, err) < 0)
			return -1;
		ret = join_all(s, err);
		if (ret == 0)
			ret = push_all(s, err);
	}
	if (ret > 0) {
		err_set(err, ERR_FATAL, "could not push to '%s': others kept pushing",
			s->remote);
		err_hint(err, "remote",
			 "Run \"git migrate sync\" again; nothing is lost here.");
		ret = -1;
	}
	return ret;
}

int sync_run(struct repo *repo, const struct sync_options *o, struct sync_result *result,
	     struct err *err)
{
	struct sync s = { .repo = repo, .o = o, .result = result };
	int ret = -1;

	memset(result, 0, sizeof(*result));
	if (find_remote(&s, err) < 0 || bring(&s, err) < 0)
		goto out;
	tell(&s, SYNC_FETCHED, NULL, s.remote, 0);
	if (find_targets(&s, err) < 0 || append_all(&s, err) < 0 ||
	    read_plan(&s, err) < 0)
		goto out;
	ret = join_and_push(&s, err);
out:
	free(s.targets);
	free(s.refs);
	plan_release(&s.plan);
	pool_release(&s.pool);
	return ret;
}
