#include "base/compat.h"

#include <malloc.h>
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
static char *take_line(char **at)
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

	r->git_dir = xstrdup(take_line(&answer));
	r->common_dir = xstrdup(take_line(&answer));
	r->bare = strcmp(take_line(&answer), "true") == 0;
	r->shallow = strcmp(take_line(&answer), "true") == 0;
	format = take_line(&answer);
	if (strcmp(format, "sha1") != 0) {
		err_set(err, ERR_FATAL,
			"cannot read this repository: its object format is '%s'", format);
		err_hint(err, "objectFormat",
			 "Repositories of the sha1 format, git's default, can be read.");
		return -1;
	}
	r->prefix = xstrdup(take_line(&answer));
	if (*answer)
		r->toplevel = xstrdup(take_line(&answer));
	/* "<main>/.git" is what a linked work tree shares with it */
	if (r->toplevel && strcmp(r->git_dir, r->common_dir) != 0 &&
	    ends_with(r->common_dir, "/.git"))
		r->main_worktree = xstrndup(r->common_dir, strlen(r->common_dir) - 5);
	else if (r->toplevel)
		r->main_worktree = xstrdup(r->toplevel);
	return 0;
}

/* In a hook the pushed objects lie in a folder of their own until it agrees. */
static int see_quarantine(struct repo *r, struct err *err)
{
	const char *dir = getenv("GIT_OBJECT_DIRECTORY");

	if (!dir || !dir[0])
		return 0;
	if (git_odb_add_disk_alternate(r->odb, dir) < 0)
		return repo_err(err, "could not open the object folder '%s'", dir);
	return 0;
}

/*
 * libgit2 as Debian builds it (mbedTLS) parses every certificate authority of the
 * machine when it starts, half the time of a command. It never reaches a network
 * here, so it gets none: the program's own function of that name comes before the
 * library's (src/local.mk exports it), and libgit2 goes on without.
 */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);
int mbedtls_x509_crt_parse_file(void *chain UNUSED, const char *path UNUSED)
{
	return -1;
}

/*
 * What libgit2 does for others and costs us more than it gives, as measured on a
 * million commits: every object is hashed again (five times the time of a walk),
 * commits and trees are kept though none is read twice, and packs are mapped
 * whole. git rev-parse has judged the owner.
 */
static void tune_git(void)
{
	enum { WINDOW = 1 << 20, MAPPED = 32 << 20, TREE_LARGE = 64 << 20 };

	git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	git_libgit2_opts(GIT_OPT_ENABLE_CACHING, 0);
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_SIZE, (size_t)WINDOW);
	git_libgit2_opts(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, (size_t)MAPPED);
#ifdef M_MMAP_THRESHOLD
	/* or each tree of thousands of files is mapped and unmapped by the kernel */
	mallopt(M_MMAP_THRESHOLD, TREE_LARGE);
	mallopt(M_TRIM_THRESHOLD, TREE_LARGE);
	mallopt(M_TOP_PAD, WINDOW);
	mallopt(M_MXFAST, 0); /* each large free would walk through the fast bins */
#endif
}

static int open_git(struct repo *r, struct err *err)
{
	/* harmless to us, and refused by libgit2 unless named */
	const char *extensions[] = { "partialclone", "worktreeconfig", "preciousobjects",
				     "relativeworktrees", "objectformat" };

	if (git_libgit2_init() < 0)
		return repo_err(err, "could not start libgit2");
	tune_git();
	git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, extensions, ARRAY_SIZE(extensions));
	if (git_repository_open_ext(&r->git, r->git_dir, GIT_REPOSITORY_OPEN_NO_SEARCH,
				    NULL) < 0 ||
	    git_repository_odb(&r->odb, r->git) < 0)
		return repo_err(err, "could not open repository '%s'", r->git_dir);
	return see_quarantine(r, err);
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
		line = take_line(&at);
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

	if (ask_git(&answer, err) < 0 || understand(r, answer.s, err) < 0 ||
	    config_load(&r->config, r->toplevel, r->git_dir, r->common_dir, err) < 0 ||
	    refuse_reftable(r, err) < 0 || open_git(r, err) < 0)
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

void repo_free(struct repo *r)
{
	size_t i;

	if (!r)
		return;
	cache_close(r->cache);
	commit_graph_free(r->graph);
	for (i = 0; i < ARRAY_SIZE(r->trees); i++)
		git_odb_object_free(r->trees[i].raw);
	git_odb_free(r->odb);
	if (r->git) {
		git_repository_free(r->git);
		git_libgit2_shutdown();
	}
	config_free(r->config);
	free(r->git_dir);
	free(r->common_dir);
	free(r->toplevel);
	free(r->main_worktree);
	free(r->prefix);
	free(r->boundary);
	free(r);
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

static int resolve_failed(struct repo *r, const char *rev, struct err *err)
{
	int unborn = git_repository_head_unborn(r->git);

	if (strcmp(rev, "HEAD") == 0 && unborn == 1) {
		err_set(err, ERR_FATAL, "there is no commit yet");
		err_hint(err, "noCommit",
			 "Write a migration with \"git migrate new <name>\", and commit "
			 "it.");
		return -1;
	}
	err_set(err, ERR_FATAL, "revision '%s' names no commit", rev);
	if (r->shallow)
		err_hint(err, "shallow",
			 "This clone is shallow; \"git fetch --unshallow\" brings all.");
	return -1;
}

static int found_promisor(void *arg, const char *remote)
{
	buf_adds(arg, remote);
	return 1;
}

/* A clone that lacks objects on purpose; appends the remote that git asks for them. */
static bool is_partial(struct repo *r, struct buf *remote)
{
	const char *name = config_get(r->config, "extensions.partialclone");

	if (name)
		buf_adds(remote, name);
	return name || config_subsections(r->config, "remote", "promisor", found_promisor,
					  remote);
}

/* Blobs are fetched one by one; commits and trees would be too many for that. */
static int missing(struct repo *r, const struct oid *id, git_object_t type,
		   struct err *err)
{
	struct buf remote = BUF_INIT;
	char hex[OID_HEXSZ + 1];

	err_set(err, ERR_FATAL, "object %s is missing from the repository",
		oid_hex(id, hex));
	if (type != GIT_OBJECT_BLOB && is_partial(r, &remote))
		err_hint(err, "missingObject",
			 "This is a partial clone that lacks more than blobs; "
			 "\"git config remote.%s.partialCloneFilter blob:none && git "
			 "fetch --refetch %s\" brings the rest.",
			 remote.s, remote.s);
	else
		err_hint(err, "missingObject",
			 "\"git fsck\" tells what else is; a fetch from a whole clone "
			 "(git fetch --refetch) brings it back.");
	buf_release(&remote);
	return 1;
}

/* A ref whose object is not there: libgit2 would not tell, and 1.5 leaks the ref. */
static bool points_nowhere(struct repo *r, const char *rev, struct err *err)
{
	git_reference *ref = NULL;
	struct oid id;
	bool nowhere = false;

	if (oid_parse(&id, rev, strlen(rev)) < 0 &&
	    git_reference_dwim(&ref, r->git, rev) == 0 && git_reference_target(ref)) {
		from_git(&id, git_reference_target(ref));
		nowhere = !git_odb_exists(r->odb, to_git(&id));
	}
	if (nowhere) {
		missing(r, &id, GIT_OBJECT_COMMIT, err);
		err_wrap(err, "revision '%s'", rev);
	}
	git_reference_free(ref);
	return nowhere;
}

int repo_resolve(struct repo *r, const char *rev, struct oid *out, struct err *err)
{
	git_object *named = NULL, *commit = NULL;
	int ret = -1;

	if (points_nowhere(r, rev, err))
		return -1;
	if (git_revparse_single(&named, r->git, rev) < 0 ||
	    git_object_peel(&commit, named, GIT_OBJECT_COMMIT) < 0) {
		resolve_failed(r, rev, err);
		goto out;
	}
	from_git(out, git_object_id(commit));
	ret = 0;
out:
	git_object_free(named);
	git_object_free(commit);
	return ret;
}

int repo_ref(struct repo *r, const char *ref, struct oid *out, struct err *err)
{
	git_reference *found = NULL;
	git_object *commit = NULL;
	int code = git_reference_lookup(&found, r->git, ref), ret = -1;

	if (code == GIT_ENOTFOUND) {
		ret = 0;
		goto out;
	}
	if (code == 0)
		code = git_reference_peel(&commit, found, GIT_OBJECT_COMMIT);
	if (code == GIT_ENOTFOUND &&
	    git_reference_type(found) == GIT_REFERENCE_SYMBOLIC) {
		ret = 0; /* points at a branch that is not there (yet) */
		goto out;
	}
	if (code < 0) {
		repo_err(err, "could not read ref '%s'", ref);
		goto out;
	}
	from_git(out, git_object_id(commit));
	ret = 1;
out:
	git_object_free(commit);
	git_reference_free(found);
	return ret;
}

/* Appends what a symbolic ref points at: 1; 0 when it is none or not there; -1. */
static int symbolic_target(struct repo *r, const char *ref, struct buf *out,
			   struct err *err)
{
	git_reference *found = NULL;
	int code = git_reference_lookup(&found, r->git, ref), ret = -1;

	if (code < 0 && code != GIT_ENOTFOUND) {
		repo_err(err, "could not read ref '%s'", ref);
	} else if (code < 0 || git_reference_type(found) != GIT_REFERENCE_SYMBOLIC) {
		ret = 0;
	} else {
		buf_adds(out, git_reference_symbolic_target(found));
		ret = 1;
	}
	git_reference_free(found);
	return ret;
}

int repo_head_ref(struct repo *r, struct buf *out, struct err *err)
{
	return symbolic_target(r, "HEAD", out, err);
}

/* The remote whose HEAD counts: the only one, or "origin". */
static int pick_remote(void *arg, const char *name)
{
	struct buf *out = arg;

	if (out->len == 0 || strcmp(name, "origin") == 0) {
		buf_reset(out);
		buf_adds(out, name);
	}
	return 0;
}

int repo_protected_ref(struct repo *r, struct buf *out, struct err *err)
{
	const char *branch = config_get(r->config, "migrate.branch");
	struct buf remote = BUF_INIT, head = BUF_INIT;
	int ret = 0;

	if (branch && branch[0]) {
		if (!starts_with(branch, "refs/"))
			buf_adds(out, "refs/heads/");
		buf_adds(out, branch);
		return 1;
	}
	if (r->bare)
		return repo_head_ref(r, out, err);
	config_subsections(r->config, "remote", "url", pick_remote, &remote);
	if (remote.len) {
		buf_addf(&head, "refs/remotes/%s/HEAD", remote.s);
		ret = symbolic_target(r, head.s, out, err);
	}
	buf_release(&remote);
	buf_release(&head);
	return ret;
}

int repo_read(struct repo *r, git_odb_object **out, const struct oid *id,
	      git_object_t type, struct err *err)
{
	int code = git_odb_read(out, r->odb, to_git(id));
	char hex[OID_HEXSZ + 1];

	if (code == GIT_ENOTFOUND)
		return missing(r, id, type, err);
	if (code < 0)
		return repo_err(err, "could not read object %s", oid_hex(id, hex));
	if (git_odb_object_type(*out) != type) {
		git_odb_object_free(*out);
		*out = NULL;
		return err_set(err, ERR_FATAL, "object %s is not a %s", oid_hex(id, hex),
			       git_object_type2string(type));
	}
	return 0;
}

/* Appends a blob that git fetches first. Returns as repo_read_blob. */
static int fetch_blob(struct repo *r, const char *hex, struct buf *out, struct err *err)
{
	const char *const args[] = { "cat-file", "blob", hex, NULL };
	struct buf said = BUF_INIT;
	int status = repo_git(r, args, out, &said, err);

	if (status > 0) {
		git_failed(err, "cat-file", &said);
		err_hint(err, "missingObject",
			 "This is a partial clone, and the blob could not be fetched; "
			 "\"git cat-file blob %s\" tries it again.",
			 hex);
	}
	buf_release(&said);
	return status == 0 ? 0 : -1;
}

/* Reading does not compare the bytes with the name: what runs must be it. */
static int check_blob(const struct oid *id, const void *data, size_t len, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	git_oid really;

	if (git_odb_hash(&really, data, len, GIT_OBJECT_BLOB) == 0 &&
	    git_oid_equal(&really, to_git(id)))
		return 0;
	err_set(err, ERR_FATAL, "object %s is corrupt", oid_hex(id, hex));
	err_hint(err, "missingObject",
		 "\"git fsck\" tells what else is; a fresh clone is the way out.");
	return -1;
}

int repo_read_blob(struct repo *r, const struct oid *id, struct buf *out, struct err *err)
{
	git_odb_object *blob = NULL;
	struct buf remote = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	size_t before = out->len;
	int ret = repo_read(r, &blob, id, GIT_OBJECT_BLOB, err);

	if (ret == 0)
		buf_add(out, git_odb_object_data(blob), git_odb_object_size(blob));
	else if (ret > 0 && is_partial(r, &remote))
		ret = fetch_blob(r, oid_hex(id, hex), out, err);
	if (ret == 0)
		ret = check_blob(id, out->s + before, out->len - before, err);
	git_odb_object_free(blob);
	buf_release(&remote);
	return ret;
}

int repo_file_differs(struct repo *r, const char *path, const struct oid *blob,
		      struct err *err)
{
	struct buf whole = BUF_INIT;
	git_oid now;
	int code;

	buf_addf(&whole, "%s/%s", r->toplevel, path);
	code = access(whole.s, F_OK) == 0 ? git_repository_hashfile(&now, r->git, whole.s,
								    GIT_OBJECT_BLOB, path)
					  : GIT_ENOTFOUND;
	buf_release(&whole);
	if (code == GIT_ENOTFOUND)
		return 0;
	if (code < 0)
		return repo_err(err, "could not read file '%s'", path);
	return !git_oid_equal(&now, to_git(blob));
}

int repo_is_ancestor(struct repo *r, const struct oid *a, const struct oid *b,
		     struct err *err)
{
	char hex[OID_HEXSZ + 1];
	int code;

	if (oid_eq(a, b))
		return 1;
	code = git_graph_descendant_of(r->git, to_git(b), to_git(a));
	if (code < 0 && r->shallow)
		return 1;
	if (code < 0)
		return repo_err(err, "could not look for ancestors of commit %s",
				oid_hex(b, hex));
	return code;
}

int repo_merge_bases(struct repo *r, const struct oid *a, const struct oid *b,
		     struct oid **out, size_t *nr, struct err *err)
{
	git_oidarray bases = { 0 };
	int code = git_merge_bases(&bases, r->git, to_git(a), to_git(b));
	size_t i;

	*out = NULL;
	*nr = 0;
	if (code < 0 && code != GIT_ENOTFOUND) {
		repo_err(err, "could not find where the two branches part");
		if (r->shallow)
			err_hint(err, "shallow",
				 "This clone is shallow; \"git fetch --unshallow\" "
				 "brings all.");
		return -1;
	}
	*out = xcalloc(bases.count + 1, sizeof(**out));
	*nr = bases.count;
	for (i = 0; i < bases.count; i++)
		from_git(&(*out)[i], &bases.ids[i]);
	git_oidarray_dispose(&bases);
	return 0;
}

int repo_is_commit(struct repo *r, const char *hex, struct err *err)
{
	git_commit *commit = NULL;
	git_oid prefix;
	size_t len = strlen(hex);
	int code;

	if (len > OID_HEXSZ || git_oid_fromstrn(&prefix, hex, len) < 0)
		return 0;
	code = git_commit_lookup_prefix(&commit, r->git, &prefix, len);
	git_commit_free(commit);
	if (code == 0)
		return 1;
	if (code == GIT_ENOTFOUND || code == GIT_EAMBIGUOUS)
		return 0;
	return repo_err(err, "could not look for commit '%s'", hex);
}

int repo_each_ref(struct repo *r, const char *prefix,
		  int (*fn)(void *arg, const char *ref, struct err *err), void *arg,
		  struct err *err)
{
	git_reference_iterator *it = NULL;
	struct buf glob = BUF_INIT;
	const char *name;
	int code, ret = 0;

	buf_addf(&glob, "%s*", prefix);
	if (git_reference_iterator_glob_new(&it, r->git, glob.s) < 0) {
		buf_release(&glob);
		return repo_err(err, "could not list refs");
	}
	while (!ret && (code = git_reference_next_name(&name, it)) == 0)
		ret = fn(arg, name, err);
	if (!ret && code != GIT_ITEROVER)
		ret = repo_err(err, "could not list refs");
	git_reference_iterator_free(it);
	buf_release(&glob);
	return ret;
}

/* Object folders that borrow from each other, each once; git allows five levels. */
struct folders {
	char **items;
	size_t nr, alloc;
};

static void add_folder(struct folders *f, const char *path)
{
	enum { FOLDERS_MAX = 16 };
	size_t i;

	for (i = 0; i < f->nr; i++)
		if (strcmp(f->items[i], path) == 0)
			return;
	if (f->nr == FOLDERS_MAX)
		return;
	VEC_GROW(f->items, f->nr, f->alloc);
	f->items[f->nr++] = xstrdup(path);
}

/* The alternates that an object folder names, behind those that are there. */
static void add_alternates(struct folders *f, const char *objects)
{
	struct buf path = BUF_INIT, text = BUF_INIT;
	struct err quiet = { 0 };
	char *at, *line;

	buf_addf(&path, "%s/info/alternates", objects);
	if (file_read(path.s, 1 << 20, &text, &quiet) == 0) {
		for (at = text.s; at && *at;) {
			line = take_line(&at);
			buf_reset(&path);
			if (*line && *line != '/')
				buf_addf(&path, "%s/", objects);
			buf_adds(&path, line);
			if (*line && *line != '#')
				add_folder(f, path.s);
		}
	}
	buf_release(&path);
	buf_release(&text);
}

const struct commit_graph *repo_commit_graph(struct repo *r)
{
	const struct commit_graph_options opts = {
		.no_graph = !config_bool(r->config, "core.commitgraph", true),
		.no_filters = !config_bool(r->config, "commitgraph.readchangedpaths",
					   true),
	};
	struct folders f = { 0 };
	struct buf own = BUF_INIT;
	size_t i;

	if (r->graph_asked || r->shallow)
		return r->graph;
	r->graph_asked = true;
	buf_addf(&own, "%s/objects", r->common_dir);
	add_folder(&f, own.s);
	for (i = 0; i < f.nr; i++)
		add_alternates(&f, f.items[i]);
	r->graph = commit_graph_open((const char *const *)f.items, f.nr, &opts);
	for (i = 0; i < f.nr; i++)
		free(f.items[i]);
	free(f.items);
	buf_release(&own);
	return r->graph;
}
