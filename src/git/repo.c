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
#include "git/folders.h"
#include "git/internal.h"

const char *const GIT_ENV[] = { "GIT_NO_REPLACE_OBJECTS=1",
				"GIT_LITERAL_PATHSPECS=1",
				"GIT_TERMINAL_PROMPT=0",
				"GIT_OPTIONAL_LOCKS=0",
				"LC_ALL=C",
				NULL };

int repo_err(struct err *err, const char *fmt, ...)
{
	const git_error *last = git_error_last(); /* may be NULL before 1.8 */
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_set(err, ERR_FATAL, "%s: %s", text,
		last && last->message ? last->message : "libgit2 gave no reason");
	if (last && last->klass == GIT_ERROR_NOMEMORY)
		err_hint(err, "limits",
			 "It is too large for the memory that may be used here.");
	return -1;
}

const git_oid *to_git(const struct oid *id)
{
	return (const git_oid *)(const void *)id->id;
}

void from_git(struct oid *out, const git_oid *id)
{
	memcpy(out->id, id->id, OID_RAWSZ);
}

int repo_see_others(struct repo *r, struct err *err)
{
	const char *dir = getenv("GIT_OBJECT_DIRECTORY");
	struct folders f = { 0 };
	size_t i;

	/* libgit2 knows no relative path in a folder that is borrowed itself */
	folders_find(&f, r->common_dir);
	for (i = 1; i < f.nr; i++)
		git_odb_add_disk_alternate(r->odb, f.items[i]);
	folders_release(&f);
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
	else if (repo_see_others(r, err) == 0)
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

int repo_open(struct repo **out, struct err *err)
{
	struct repo *r = xcalloc(1, sizeof(*r));
	int ret = -1;

	if (place_find(r, err) < 0)
		goto out;
	if (r->shallow && read_boundary(r, err) < 0)
		goto out;
	*out = r;
	ret = 0;
out:
	if (ret < 0)
		repo_free(r);
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
	repo_drop_copies(r);
	free(r->known);
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

bool repo_is_shallow(const struct repo *r)
{
	return r->shallow;
}

bool repo_is_bare(const struct repo *r)
{
	return r->bare;
}
