#include "base/compat.h"

#include <fcntl.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/vec.h"
#include "git/cache.h"
#include "git/commit_graph.h"
#include "git/config.h"
#include "git/internal.h"

const char *const GIT_ENV[] = { "GIT_NO_REPLACE_OBJECTS=1",
				"GIT_LITERAL_PATHSPECS=1",
				"GIT_TERMINAL_PROMPT=0",
				"GIT_OPTIONAL_LOCKS=0",
				"LC_ALL=C",
				NULL };

/* Sets `err` to git's own first line, and its detail to the others. */
static void git_said(struct err *err, const char *said)
{
	const char *name = "";
	size_t len, name_len = 0;

	if (starts_with(said, "fatal: "))
		said += strlen("fatal: ");
	len = strcspn(said, "\n");
	/* "unknown repository extension found:", and which one on the next line */
	if (len && said[len - 1] == ':' && starts_with(said + len, "\n\t")) {
		name = said + len + 2;
		name_len = strcspn(name, "\n");
	}
	err_set(err, ERR_FATAL, "%.*s%s%.*s", (int)(len < 800 ? len : 800),
		len ? said : "it gave no reason", name_len ? " " : "",
		(int)(name_len < 100 ? name_len : 100), name);
	said = name_len ? name + name_len : said + len;
	if (said[0] && said[1])
		err_detail(err, "%s", said + 1);
}

static void hint_files(struct err *err)
{
	err_hint(err, "refStorage",
		 "Repositories with the files backend, git's default, can be read.");
}

int git_failed(struct err *err, const char *what, const struct buf *errors)
{
	git_said(err, buf_str(errors));
	return err_wrap(err, "git %s failed", what);
}

int repo_err(struct err *err, const char *fmt, ...)
{
	const git_error *last = git_error_last(); /* may be NULL before 1.8 */
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_FATAL, "%s: %s", text,
		       last && last->message ? last->message : "libgit2 gave no reason");
}

const git_oid *to_git(const struct oid *id)
{
	return (const git_oid *)(const void *)id->id;
}

void from_git(struct oid *out, const git_oid *id)
{
	memcpy(out->id, id->id, OID_RAWSZ);
}

/* What git says of the place; the lines of `out` in the order of the questions. */
static int ask_git(struct buf *out, struct err *err)
{
	static const char *const argv[] = {
		"git",
		"rev-parse",
		"--absolute-git-dir",
		"--path-format=absolute",
		"--git-common-dir",
		"--is-bare-repository",
		"--is-shallow-repository",
		"--show-object-format",
		"--show-prefix",
		"--show-toplevel",
		NULL,
	};
	const struct proc p = { .argv = argv, .setenv = GIT_ENV };
	struct buf errors = BUF_INIT;
	int status = proc_run(&p, out, &errors, err), ret = -1;
	size_t lines = 0, i;

	for (i = 0; i < out->len; i++)
		lines += out->s[i] == '\n';
	if (status == 0 || (status > 0 && lines >= 5)) { /* bare: no top level */
		ret = 0;
	} else if (status > 0) {
		git_said(err, buf_str(&errors));
		if (strstr(buf_str(&errors), "not a git repository"))
			err_hint(err, "notARepository",
				 "Go into a repository, or make one with \"git init\".");
		if (strstr(err->message, "refstorage")) /* of a git that knows none */
			hint_files(err);
	}
	buf_release(&errors);
	return ret;
}

/* Takes the next line off `*at`; "" when there is none. */
char *line_next(char **at)
{
	char *line = *at, *end = strchr(line, '\n');

	if (end) {
		*end = '\0';
		*at = end + 1;
	} else {
		*at = line + strlen(line);
	}
	return line;
}

static int understand(struct repo *r, char *answer, struct err *err)
{
	const char *format;

	r->git_dir = xstrdup(line_next(&answer));
	r->common_dir = xstrdup(line_next(&answer));
	r->bare = strcmp(line_next(&answer), "true") == 0;
	r->shallow = strcmp(line_next(&answer), "true") == 0;
	format = line_next(&answer);
	if (strcmp(format, "sha1") != 0) {
		err_set(err, ERR_FATAL,
			"cannot read this repository: its object format is '%s'", format);
		err_hint(err, "objectFormat",
			 "Repositories of the sha1 format, git's default, can be read.");
		return -1;
	}
	r->prefix = xstrdup(line_next(&answer));
	if (*answer)
		r->toplevel = xstrdup(line_next(&answer));
	/* "<main>/.git" is what a linked work tree shares with it */
	if (r->toplevel && strcmp(r->git_dir, r->common_dir) != 0 &&
	    ends_with(r->common_dir, "/.git"))
		r->main_worktree = xstrndup(r->common_dir, strlen(r->common_dir) - 5);
	else if (r->toplevel)
		r->main_worktree = xstrdup(r->toplevel);
	return 0;
}

int repo_see_quarantine(struct repo *r, struct err *err)
{
	const char *dir = getenv("GIT_OBJECT_DIRECTORY");

	if (!dir || !dir[0])
		return 0;
	if (git_odb_add_disk_alternate(r->odb, dir) < 0)
		return repo_err(err, "could not open the object folder '%s'", dir);
	return 0;
}

static void close_git(struct repo *r)
{
	git_odb_free(r->odb);
	git_repository_free(r->git);
	r->odb = NULL;
	r->git = NULL;
	git_libgit2_shutdown();
}

int repo_load(struct repo *r, struct err *err)
{
	if (r->git)
		return 0;
	if (lib_start(err) < 0)
		return -1;
	if (git_repository_open_ext(&r->git, r->git_dir, GIT_REPOSITORY_OPEN_NO_SEARCH,
				    NULL) < 0 ||
	    git_repository_odb(&r->odb, r->git) < 0)
		repo_err(err, "could not open repository '%s'", r->git_dir);
	else if (repo_see_quarantine(r, err) == 0)
		return 0;
	close_git(r);
	return -1;
}

static int cmp_oid(const void *a, const void *b)
{
	return oid_cmp(a, b);
}

/* The commits at which a shallow clone ends. */
static int read_boundary(struct repo *r, struct err *err)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	size_t alloc = 0;
	char *at, *line;
	int ret = -1;

	buf_addf(&path, "%s/shallow", r->common_dir);
	if (file_read(path.s, (size_t)64 << 20, &text, err) < 0)
		goto out;
	at = text.s;
	while (at && *at) {
		line = line_next(&at);
		VEC_GROW(r->boundary, r->nr_boundary, alloc);
		if (oid_parse(&r->boundary[r->nr_boundary++], line, strlen(line)) < 0) {
			err_set(err, ERR_FATAL, "file '%s' is malformed", path.s);
			goto out;
		}
	}
	if (r->nr_boundary)
		qsort(r->boundary, r->nr_boundary, sizeof(*r->boundary), cmp_oid);
	ret = 0;
out:
	buf_release(&path);
	buf_release(&text);
	return ret;
}

bool repo_is_boundary(const struct repo *r, const struct oid *id)
{
	size_t low = 0, high = r->nr_boundary, mid;
	int order;

	while (low < high) {
		mid = low + (high - low) / 2;
		order = oid_cmp(id, &r->boundary[mid]);
		if (order == 0)
			return true;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return false;
}

static int refuse_reftable(struct repo *r, struct err *err)
{
	const char *storage = config_get(r->config, "extensions.refstorage");

	if (!storage || strcmp(storage, "files") == 0)
		return 0;
	err_set(err, ERR_FATAL, "cannot read this repository: its refs are kept as '%s'",
		storage);
	hint_files(err);
	return -1;
}

int repo_open(struct repo **out, struct err *err)
{
	struct repo *r = xcalloc(1, sizeof(*r));
	struct buf answer = BUF_INIT;
	int ret = -1;

	r->reads.children = 2; /* the first two of these */
	if (ask_git(&answer, err) < 0 || understand(r, answer.s, err) < 0 ||
	    config_load(&r->config, r->toplevel, r->git_dir, r->common_dir, err) < 0 ||
	    refuse_reftable(r, err) < 0)
		goto out;
	if (r->shallow && read_boundary(r, err) < 0)
		goto out;
	*out = r;
	ret = 0;
out:
	if (ret < 0)
		repo_free(r);
	buf_release(&answer);
	return ret;
}

/*
 * One line of counts at the end, as git's own GIT_TRACE_* variables go: to stderr
 * for "1" and "true", to a file for an absolute path. Noise cannot change counts,
 * so tests hold on to them.
 */
static void trace_reads(const struct repo_reads *reads)
{
	const char *to = getenv("GIT_TRACE_MIGRATE");
	struct buf line = BUF_INIT;
	int fd = -1;

	if (!to || !to[0])
		return;
	if (strcmp(to, "1") == 0 || strcmp(to, "true") == 0)
		fd = STDERR_FILENO;
	else if (to[0] == '/')
		fd = open(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
	if (fd < 0)
		return;
	buf_addf(&line,
		 "migrate: commits=%zu trees=%zu blobs=%zu blob-bytes=%zu "
		 "children=%zu\n",
		 reads->commits, reads->trees, reads->blobs, reads->blob_bytes,
		 reads->children);
	fd_write_all(fd, line.s, line.len);
	if (fd != STDERR_FILENO)
		close(fd);
	buf_release(&line);
}

void repo_free(struct repo *r)
{
	size_t i;

	if (!r)
		return;
	trace_reads(&r->reads);
	cache_close(r->cache);
	commit_graph_free(r->graph);
	for (i = 0; i < ARRAY_SIZE(r->trees); i++)
		git_odb_object_free(r->trees[i].raw);
	if (r->git)
		close_git(r);
	config_free(r->config);
	free(r->git_dir);
	free(r->common_dir);
	free(r->toplevel);
	free(r->main_worktree);
	free(r->prefix);
	free(r->boundary);
	free(r);
}

void repo_on_progress(struct repo *r, void (*fn)(void *arg, size_t commits), void *arg)
{
	r->progress = fn;
	r->progress_arg = arg;
}

struct config *repo_config(struct repo *r)
{
	return r->config;
}

const char *repo_git_dir(const struct repo *r)
{
	return r->git_dir;
}

const char *repo_common_dir(const struct repo *r)
{
	return r->common_dir;
}

const char *repo_toplevel(const struct repo *r)
{
	return r->toplevel;
}

const char *repo_main_worktree(const struct repo *r)
{
	return r->toplevel ? r->main_worktree : NULL;
}

const char *repo_prefix(const struct repo *r)
{
	return r->prefix;
}

bool repo_is_bare(const struct repo *r)
{
	return r->bare;
}
