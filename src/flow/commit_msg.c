#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "core/message.h"
#include "core/paths.h"
#include "core/plan.h"
#include "core/requires.h"
#include "flow/commit_msg.h"
#include "flow/staged.h"
#include "git/config.h"
#include "git/history.h"
#include "git/repo.h"
#include "sql/remedy.h"

enum { MESSAGE_MAX = 1 << 20, STATE_MAX = 1 << 16 };

/* The commit as it would be made on top of `base`, and its plan. */
struct draft {
	struct repo *repo;
	const char *message; /* as git will keep it */
	struct oid base;     /* zero: it would be the first one */
	struct plan *merged; /* of the further parents of a merge */
	size_t nr_merged;
	struct staged staged;
	struct plan plan; /* that of `base`, and behind it what the commit brings */
	size_t from;	  /* position of the first of those */
	struct plan_source history;
};

static void draft_release(struct draft *d)
{
	size_t i;

	plan_release(&d->plan);
	for (i = 0; i < d->nr_merged; i++)
		plan_release(&d->merged[i]);
	staged_release(&d->staged);
	free(d->merged);
	memset(d, 0, sizeof(*d));
}

/* Reads what git leaves in its folder for the next commit. 1; 0: no such file; -1. */
static int read_state(struct repo *repo, const char *name, struct buf *out,
		      struct err *err)
{
	struct buf path = BUF_INIT;
	int missing;

	buf_addf(&path, "%s/%s", repo_git_dir(repo), name);
	missing = file_read(path.s, STATE_MAX, out, err);
	buf_release(&path);
	return missing < 0 ? -1 : !missing;
}

/* The plans of the other parents of a merge that is being made, one id a line. */
static int read_merged(struct draft *d, struct err *err)
{
	struct buf ids = BUF_INIT;
	const char *at;
	struct oid id;
	int there = read_state(d->repo, "MERGE_HEAD", &ids, err);
	int ret = there < 0 ? -1 : 0;

	if (there > 0)
		d->merged = xcalloc(ids.len / OID_HEXSZ + 1, sizeof(*d->merged));
	for (at = buf_str(&ids); ret == 0 && *at; at += *at == '\n') {
		if (oid_parse(&id, at, strcspn(at, "\n")) == 0) {
			ret = history_plan(d->repo, &id, &d->merged[d->nr_merged], err);
			d->nr_merged += ret == 0;
		}
		at += strcspn(at, "\n");
	}
	buf_release(&ids);
	return ret;
}

static bool is_added(const struct staged_change *ch)
{
	return ch && ch->status == 'A' && migration_name_check(ch->path) == NAME_OK &&
	       (ch->mode == MODE_REGULAR || ch->mode == MODE_EXECUTABLE);
}

static int describe(void *ctx, struct pool *pool, struct migration *m, struct err *err)
{
	struct draft *d = ctx;

	if (m < d->plan.items + d->from)
		return d->history.describe(d->history.ctx, pool, m, err);
	m->subject = m->author = "";
	trailers_from_message(&m->in_message, pool, d->message, strlen(d->message));
	return history_header(d->repo, &m->blob, pool, &m->in_header, &m->how, err);
}

static int is_commit(void *ctx, const char *hex, struct err *err)
{
	struct draft *d = ctx;

	return repo_is_commit(d->repo, hex, err);
}

/* In the order that the plan will have: those that a header requires come first. */
static int add_brought(struct draft *d, const struct path_list *paths, struct err *err)
{
	struct path_list *needs = xcalloc(paths->nr + 1, sizeof(*needs));
	size_t *sorted = xcalloc(paths->nr + 1, sizeof(*sorted)), circle[2], i, k;
	struct trailers header;
	struct directives how;
	struct migration *m;
	int ret = 0;

	for (i = 0; i < paths->nr && ret == 0; i++) {
		memset(&header, 0, sizeof(header));
		ret = history_header(d->repo,
				     &staged_find(&d->staged, paths->items[i])->blob,
				     &d->plan.pool, &header, &how, err);
		for (k = 0; k < header.nr && ret == 0; k++)
			if (header.items[k].key == TRAILER_REQUIRES)
				path_list_add(&needs[i], header.items[k].value);
	}
	if (ret == 0)
		requires_sort(paths, needs, d->plan.folder, sorted, circle);
	for (i = 0; i < paths->nr && ret == 0; i++) {
		const struct staged_change *ch = staged_find(&d->staged,
							     paths->items[sorted[i]]);

		m = &d->plan.items[d->plan.nr++];
		m->path = pool_strdup(&d->plan.pool, ch->path);
		m->blob = ch->blob;
		m->mode = ch->mode;
		m->company = (unsigned)paths->nr;
	}
	for (i = 0; i < paths->nr; i++)
		path_list_release(&needs[i]);
	free(needs);
	free(sorted);
	return ret;
}

/* What is there and stays, and what the other parents of a merge bring. */
static void keep_known(struct draft *d, const struct migration *old, size_t nr)
{
	struct plan *plan = &d->plan;
	const struct staged_change *ch;
	const struct migration *m;
	size_t i, k, all;

	for (i = 0; i < nr; i++) {
		ch = staged_find(&d->staged, old[i].path);
		if (!ch || ch->status != 'D')
			plan->items[plan->nr++] = old[i];
	}
	for (i = 0; i < d->nr_merged; i++) {
		plan_index(plan);
		all = plan->nr; /* the index knows of no more meanwhile */
		for (k = 0; k < d->merged[i].nr; k++) {
			m = &d->merged[i].items[k];
			if (is_added(staged_find(&d->staged, m->path)) &&
			    plan_find(plan, m->path) < 0)
				plan->items[all++] = *m;
		}
		plan->nr = all;
	}
	plan_index(plan);
}

/* Puts what the commit brings behind what is there. */
static int extend_plan(struct draft *d, struct err *err)
{
	struct plan *plan = &d->plan;
	const struct migration *old = plan->items;
	struct path_list paths = { 0 };
	size_t i, nr = plan->nr;
	int ret;

	plan->items = pool_alloc(&plan->pool,
				 (nr + d->staged.nr + 1) * sizeof(*plan->items));
	plan->nr = 0;
	keep_known(d, old, nr);
	d->from = plan->nr;
	for (i = 0; i < d->staged.nr; i++)
		if (is_added(&d->staged.items[i]) &&
		    plan_find(plan, d->staged.items[i].path) < 0)
			path_list_add(&paths, d->staged.items[i].path);
	d->history = plan->source;
	plan->source.ctx = d;
	plan->source.describe = describe;
	plan->source.is_commit = is_commit;
	plan->nr_misfits = 0; /* the other hook's */
	ret = add_brought(d, &paths, err);
	plan_index(plan);
	path_list_release(&paths);
	return ret;
}

/* Reads index and history into a draft on top of `base`. */
static int draft_read(struct draft *d, struct err *err)
{
	const char *folder;

	if (repo_folder(d->repo, &folder, err) < 0 || read_merged(d, err) < 0 ||
	    staged_read(d->repo, folder, &d->base, &d->staged, err) < 0)
		return -1;
	if (oid_is_zero(&d->base))
		d->plan.folder = pool_strdup(&d->plan.pool, folder);
	else if (history_plan(d->repo, &d->base, &d->plan, err) < 0)
		return -1;
	return extend_plan(d, err);
}

/*
 * Whether git opened no editor (-m, -F): then it keeps lines that look like comments.
 * It tells its hooks so by an editor ":"; what a user's own ":" has left behind ends
 * in git's template, whose last line is empty but for the sign.
 */
static bool is_unedited(const struct buf *raw, const char *comment)
{
	const char *editor = getenv("GIT_EDITOR"), *text = buf_str(raw), *end, *line;
	size_t len = raw->len;

	if (!editor || strcmp(editor, ":") != 0)
		return false;
	while (len && ascii_isspace((unsigned char)text[len - 1]))
		len--;
	end = text + len;
	for (line = end; line > text && line[-1] != '\n'; line--)
		;
	if (!comment || !comment[0] || strcmp(comment, "auto") == 0)
		return end - line != 1 || !strchr("#;@!$%^&|:", *line);
	return (size_t)(end - line) != strlen(comment) ||
	       strncmp(line, comment, strlen(comment)) != 0;
}

static int read_message(struct repo *repo, const char *file, struct buf *out,
			struct err *err)
{
	struct config *c = repo_config(repo);
	const char *cleanup = config_get(c, "commit.cleanup");
	struct message_style style = { .comment = config_get(c, "core.commentstring") };
	struct buf raw = BUF_INIT;
	int missing = file_read(file, MESSAGE_MAX, &raw, err);

	if (!style.comment)
		style.comment = config_get(c, "core.commentchar");
	style.keeps_comments = cleanup && (strcmp(cleanup, "whitespace") == 0 ||
					   strcmp(cleanup, "verbatim") == 0 ||
					   strcmp(cleanup, "scissors") == 0);
	if (missing > 0) {
		err_set(err, ERR_FATAL, "there is no file '%s'", file);
	} else if (!missing) {
		style.keeps_comments |= is_unedited(&raw, style.comment);
		message_clean(out, buf_str(&raw), raw.len, &style);
	}
	buf_release(&raw);
	return missing ? -1 : 0;
}

/* HEAD, whose tree names the folder; zero before the first commit. */
static int read_head(struct repo *repo, struct oid *head, struct err *err)
{
	struct err unborn = { 0 };

	memset(head, 0, sizeof(*head));
	if (repo_resolve(repo, "HEAD", head, &unborn) < 0)
		return 0;
	return repo_load_shared_sound(repo, head, err) < 0 ? -1 : 0;
}

/*
 * Whether HEAD may be about to be amended: git tells its hooks the author's name and
 * time, which an amended commit keeps. A commit made in the same second looks alike.
 */
static int may_amend(struct repo *repo, const struct oid *head, struct oid *parent,
		     struct err *err)
{
	const char *name = getenv("GIT_AUTHOR_NAME"), *mail = getenv("GIT_AUTHOR_EMAIL");
	const char *date = getenv("GIT_AUTHOR_DATE");
	struct history_commit c;
	struct pool pool = { 0 };
	int ret = 0;

	if (oid_is_zero(head) || !name || !mail || !date)
		return 0;
	if (history_commit(repo, head, &pool, &c, err) < 0) {
		ret = -1;
	} else if (strtoll(date + (date[0] == '@'), NULL, 10) == c.when &&
		   strcmp(pool_printf(&pool, "%s <%s>", name, mail), c.author) == 0) {
		*parent = c.parent;
		ret = 1;
	}
	pool_release(&pool);
	return ret;
}

/* What "git migrate fix" left to a person, in one file that the commit brings. */
static int judge_file(struct draft *d, size_t pos, struct findings *f, struct err *err)
{
	struct migration *m = &d->plan.items[pos];
	struct buf sql = BUF_INIT;
	int ret = 0;

	if (!trailers_get(&m->in_header, TRAILER_FIXES) &&
	    !trailers_get(&m->in_header, TRAILER_REQUIRES) &&
	    !trailers_get(&m->in_header, TRAILER_PAIRS_WITH))
		return 0;
	ret = repo_read_blob(d->repo, &m->blob, &sql, err);
	if (ret == 0 && sql.len &&
	    memmem(sql.s, sql.len, REMEDY_PLACEHOLDER, strlen(REMEDY_PLACEHOLDER))) {
		findings_add(f, RULE_UNFILLED, false, m->path,
			     "migration '%s' has a place that is not filled in: \"%s "
			     "...>\"",
			     m->path, REMEDY_PLACEHOLDER);
		findings_hint(f, "Write the SQL that belongs there, or delete the line "
				 "where it says so, and add the file again.");
	}
	buf_release(&sql);
	return ret < 0 ? -1 : 0;
}

static int judge_files(struct draft *d, struct findings *f, struct err *err)
{
	int ret = 0;
	size_t pos;

	for (pos = d->from; pos < d->plan.nr && ret == 0; pos++)
		ret = judge_file(d, pos, f, err);
	return ret;
}

static int judge(struct repo *repo, const char *message, const struct oid *base,
		 struct findings *f, struct err *err)
{
	struct draft d = { .repo = repo, .message = message, .base = *base };
	int ret = draft_read(&d, err);

	if (ret == 0)
		ret = policy_new_entries(&d.plan, d.from, f, err);
	if (ret == 0)
		ret = judge_files(&d, f, err);
	if (ret == 0 &&
	    config_bool(repo_config(repo), "migrate.onemigrationpercommit", false))
		policy_one_each(&d.plan, d.from, f);
	if (ret == 0)
		policy_message(&d.plan, d.plan.nr - d.from, message, f);
	draft_release(&d);
	return ret;
}

/*
 * With nothing staged an amended commit keeps its files. With something staged
 * nobody knows whether HEAD stays: what is right in one of the two cases passes.
 */
static int judge_readings(struct repo *repo, const char *message, const struct oid *head,
			  struct findings *f, struct err *err)
{
	struct findings amended = { 0 };
	struct oid parent;
	int amend = may_amend(repo, head, &parent, err), staged, ret;

	if (amend <= 0)
		return amend < 0 ? -1 : judge(repo, message, head, f, err);
	staged = staged_anything(repo, head, err);
	if (staged <= 0)
		return staged < 0 ? -1 : judge(repo, message, &parent, f, err);
	ret = judge(repo, message, head, f, err);
	if (ret == 0 && f->errors) {
		ret = judge(repo, message, &parent, &amended, err);
		if (ret == 0 && !amended.errors)
			findings_release(f);
		findings_release(&amended);
	}
	return ret;
}

int commit_msg_check(struct repo *repo, const char *file, struct findings *f,
		     struct err *err)
{
	struct buf message = BUF_INIT;
	struct oid head;
	int ret = -1;

	if (read_message(repo, file, &message, err) == 0 &&
	    read_head(repo, &head, err) == 0)
		ret = message_is_melded(buf_str(&message)) || !message.len
			      ? 0
			      : judge_readings(repo, message.s, &head, f, err);
	buf_release(&message);
	return ret;
}

int commit_msg_is_revert(struct repo *repo, const char *file, struct err *err)
{
	struct buf message = BUF_INIT;
	size_t at = 0;
	struct oid id;
	int ret = read_message(repo, file, &message, err);

	if (ret == 0)
		ret = message_reverts(buf_str(&message), &at, &id);
	buf_release(&message);
	return ret;
}

/* Another command makes commits of commits that are there: they keep their words. */
static bool replays(struct repo *repo)
{
	static const char *const states[] = { "rebase-merge", "rebase-apply",
					      "CHERRY_PICK_HEAD", "REVERT_HEAD" };
	struct buf path = BUF_INIT;
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states) && !found; i++) {
		buf_reset(&path);
		buf_addf(&path, "%s/%s", repo_git_dir(repo), states[i]);
		found = access(path.s, F_OK) == 0;
	}
	buf_release(&path);
	return found;
}

static int add_trailers(struct repo *repo, const char *file, const char *fixes,
			const char *failure_mode, struct err *err)
{
	struct buf first = BUF_INIT, second = BUF_INIT, said = BUF_INIT;
	/* git's own way to place them, whatever trailer.* says of separators */
	const char *args[] = { "-c",
			       "trailer.separators=:",
			       "interpret-trailers",
			       "--in-place",
			       "--no-divider",
			       "--where=end",
			       "--if-exists=doNothing",
			       "--if-missing=add",
			       "--trailer",
			       NULL,
			       failure_mode ? "--trailer" : NULL,
			       NULL,
			       NULL,
			       NULL };
	char *full = realpath(file, NULL);
	int status;

	if (!full)
		return err_errno(err, ERR_FATAL, "could not find file '%s'", file);
	buf_addf(&first, "Fixes: %s", fixes);
	args[9] = first.s;
	if (failure_mode) {
		buf_addf(&second, "Failure-Mode: %s", failure_mode);
		args[11] = second.s;
	}
	args[failure_mode ? 12 : 10] = full;
	status = repo_git(repo, args, NULL, &said, err);
	if (status > 0)
		err_set(err, ERR_FATAL, "git interpret-trailers failed: %s",
			buf_str(&said));
	buf_release(&first);
	buf_release(&second);
	buf_release(&said);
	free(full);
	return status == 0 ? 0 : -1;
}

/* Leaves a line for the subject above trailers that have no message yet. */
static int leave_room(const char *file, struct err *err)
{
	struct buf text = BUF_INIT;
	int ret;

	buf_addc(&text, '\n');
	ret = file_read(file, MESSAGE_MAX, &text, err) == 0
		      ? file_replace_lazily(file, text.s, text.len, 0666, err)
		      : -1;
	buf_release(&text);
	return ret;
}

static int fill_in(struct draft *d, const char *file, bool seen, struct err *err)
{
	const struct migration *m = &d->plan.items[d->from];
	const char *fixes, *mode, *said;

	if (plan_describe(&d->plan, d->from, err) < 0)
		return -1;
	fixes = trailers_get(&m->in_header, TRAILER_FIXES);
	mode = trailers_get(&m->in_header, TRAILER_FAILURE_MODE);
	said = trailers_get(&m->in_message, TRAILER_FAILURE_MODE);
	if (!fixes || message_is_unfilled(fixes) ||
	    (said && trailers_get(&m->in_message, TRAILER_FIXES)))
		return 0;
	if (said || (mode && message_is_unfilled(mode)))
		mode = NULL;
	if (!said && !mode && seen)
		mode = FAILURE_MODE_PLACEHOLDER;
	if (add_trailers(d->repo, file, fixes, mode, err) < 0)
		return -1;
	return d->message[0] ? 0 : leave_room(file, err);
}

int commit_msg_prepare(struct repo *repo, const char *file, const char *source,
		       struct err *err)
{
	struct draft d = { .repo = repo };
	struct buf message = BUF_INIT;
	/* with -m and -F no editor is opened */
	bool seen = !source || strcmp(source, "message") != 0;
	int ret = 0;

	if (replays(repo) || (source && strcmp(source, "merge") == 0))
		return 0;
	ret = read_message(repo, file, &message, err);
	d.message = buf_str(&message);
	if (ret == 0 && !message_is_melded(d.message)) {
		ret = read_head(repo, &d.base, err);
		if (ret == 0)
			ret = draft_read(&d, err);
		if (ret == 0 && d.plan.nr - d.from == 1)
			ret = fill_in(&d, file, seen, err);
	}
	draft_release(&d);
	buf_release(&message);
	return ret;
}
