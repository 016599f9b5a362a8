/* Settings of a repository, who works in it, and git itself as a child. */
#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/text.h"
#include "git/cache.h"
#include "git/config.h"
#include "git/internal.h"
#include "git/limits.h"
#include "git/tree.h"

/* A path as git shows it: no empty, ".", ".." or ".git" parts. */
static bool is_tree_path(const char *path)
{
	size_t len;

	for (;; path += len + 1) {
		len = strcspn(path, "/");
		if (len == 4 && strncasecmp(path, ".git", 4) == 0)
			return false;
		if (len == 0 || (len == 1 && path[0] == '.') ||
		    (len == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (!path[len])
			return true;
	}
}

int repo_folder(struct repo *r, const char **out, struct err *err)
{
	const char *folder = config_get(r->config, "migrate.path"), *c;

	if (!folder || !folder[0])
		folder = "migrations";
	for (c = folder; *c > 0x1f && *c < 0x7f; c++)
		;
	if (!*c && is_tree_path(folder)) {
		*out = folder;
		return 0;
	}
	err_set(err, ERR_FATAL, "migrate.path '%s' is not a folder of the tree", folder);
	err_hint(err, "path",
		 "Set it as git shows paths, without slashes at the ends: git config "
		 "migrate.path db/migrations");
	return -1;
}

static const char *first_set(const char *a, const char *b, const char *c)
{
	if (a && a[0])
		return a;
	return b && b[0] ? b : c;
}

/* Without what would end the field in a commit, as git leaves it out too. */
static void add_clean(struct buf *out, const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s >= 0x20 && !strchr("<>", *s))
			buf_addc(out, *s);
}

void repo_identity(struct repo *r, struct buf *out)
{
	const char *login = first_set(getenv("LOGNAME"), getenv("USER"), NULL);
	const char *name = first_set(getenv("GIT_COMMITTER_NAME"),
				     config_get(r->config, "committer.name"),
				     config_get(r->config, "user.name"));
	const char *mail = first_set(getenv("GIT_COMMITTER_EMAIL"),
				     config_get(r->config, "committer.email"),
				     config_get(r->config, "user.email"));
	char host[256] = "localhost", nobody[32];

	mail = first_set(mail, getenv("EMAIL"), NULL);
	if (gethostname(host, sizeof(host)) < 0 || !host[0])
		snprintf(host, sizeof(host), "localhost");
	host[sizeof(host) - 1] = '\0';
	if (!login) {
		snprintf(nobody, sizeof(nobody), "uid-%ld", (long)getuid());
		login = nobody;
	}
	add_clean(out, first_set(name, login, NULL));
	buf_adds(out, " <");
	if (mail) {
		add_clean(out, mail);
	} else {
		add_clean(out, login);
		buf_addc(out, '@');
		add_clean(out, host);
	}
	buf_addc(out, '>');
}

const char **repo_git_argv(struct repo *r, const char *const *args)
{
	const char *const here[] = { "git", "--git-dir", r->git_dir, "--work-tree",
				     r->toplevel };
	/* named in full: a relative GIT_DIR would mean another place there */
	size_t before = r->toplevel ? 5 : 3, nr = 0;
	const char **argv;

	while (args[nr])
		nr++;
	argv = xcalloc(before + nr + 1, sizeof(*argv));
	memcpy(argv, here, before * sizeof(*argv));
	memcpy(argv + before, args, nr * sizeof(*argv));
	return argv;
}

/* As GIT_ENV, but git and what it calls may ask the user on the terminal. */
static const char *const ASKING_ENV[] = { "GIT_NO_REPLACE_OBJECTS=1",
					  "GIT_LITERAL_PATHSPECS=1", "LC_ALL=C", NULL };

static int run_git(struct repo *r, const char *const *args, struct proc *p,
		   struct buf *out, struct buf *said, struct err *err)
{
	const char **argv = repo_git_argv(r, args);
	int status;

	p->argv = argv;
	p->dir = r->toplevel;
	r->reads.children++;
	status = proc_run(p, out, said, err);
	free(argv);
	return status;
}

int repo_git(struct repo *r, const char *const *args, struct buf *out, struct buf *said,
	     struct err *err)
{
	struct proc p = { .setenv = GIT_ENV };

	return run_git(r, args, &p, out, said, err);
}

int repo_git_asking(struct repo *r, const char *const *args, const struct buf *input,
		    struct buf *out, struct buf *said, struct err *err)
{
	struct proc p = { .setenv = ASKING_ENV };

	if (input) {
		p.input = buf_str(input);
		p.input_len = input->len;
	}
	return run_git(r, args, &p, out, said, err);
}

int repo_set_config(struct repo *r, const char *key, const char *value, struct err *err)
{
	const char *const args[] = { "config", "--local", key, value, NULL };
	struct buf said = BUF_INIT;
	int status = repo_git(r, args, NULL, &said, err);

	if (status > 0)
		git_failed(err, "config", &said);
	buf_release(&said);
	return status == 0 ? 0 : -1;
}

bool repo_shared_known(struct repo *r, const struct oid *commit, struct oid *blob)
{
	const struct kept_head *kept = cache_head(r);

	if (oid_eq(&r->shared_of, commit))
		*blob = r->shared;
	else if (kept && oid_eq(&kept->commit, commit))
		*blob = kept->shared;
	else
		return false;
	return true;
}

/* The blob of .gitmigrate in the tree; zero when there is none. */
static int find_shared(struct repo *r, const struct oid *commit, struct oid *blob,
		       struct err *err)
{
	static const char name[] = ".gitmigrate";
	git_commit *c = NULL;
	struct tree_entry e;
	struct oid root;
	int found;

	if (repo_commit(r, &c, commit, err) < 0)
		return -1;
	from_git(&root, git_commit_tree_id(c));
	git_commit_free(c);
	found = tree_lookup(r, &root, name, strlen(name), &e, err);
	memset(blob, 0, sizeof(*blob));
	if (found > 0) {
		*blob = e.id;
		found = repo_check_size(r, blob, "file '.gitmigrate', blob",
					LIMIT_SETTINGS, err);
	}
	return found < 0 ? -1 : 0;
}

static int shared_blob(struct repo *r, const struct oid *commit, struct oid *blob,
		       struct err *err)
{
	if (repo_shared_known(r, commit, blob))
		return 0;
	if (find_shared(r, commit, blob, err) < 0)
		return -1;
	r->shared_of = *commit;
	r->shared = *blob;
	return 0;
}

void repo_hint_cache(const char *dir, struct err *err)
{
	err_hint(err, "cache",
		 "Take it away, it is made again: find \"%s/migrate\" -maxdepth 1 -type "
		 "f -delete. If the difference "
		 "stays, \"git commit-graph verify\" tells whether git's commit-graph is "
		 "damaged.",
		 dir);
}

int repo_check_shared(struct repo *r, const struct oid *commit, struct err *err)
{
	const struct kept_head *kept = cache_head(r);
	struct oid blob;

	if (!kept || !oid_eq(&kept->commit, commit))
		return 0;
	if (find_shared(r, commit, &blob, err) < 0)
		return -1;
	if (oid_eq(&kept->shared, &blob))
		return 0;
	err_set(err, ERR_REFUSED, "the cache is wrong: '.gitmigrate' is another file");
	repo_hint_cache(r->git_dir, err);
	return -1;
}

int repo_shares_alike(struct repo *r, const struct oid *a, const struct oid *b,
		      struct err *err)
{
	struct oid left, right;

	if (shared_blob(r, a, &left, err) < 0 || shared_blob(r, b, &right, err) < 0)
		return -1;
	return oid_eq(&left, &right);
}

/* As repo_load_shared; 1 where git cannot make sense of the file. */
static int load_shared(struct repo *r, const struct oid *commit, struct err *err)
{
	struct buf settings = BUF_INIT;
	char hex[OID_HEXSZ + 1];
	struct oid blob;
	int ret = 0;

	if (shared_blob(r, commit, &blob, err) < 0)
		return -1;
	config_forget_tree(r->config);
	if (oid_is_zero(&blob))
		return 0;
	oid_hex(&blob, hex);
	if (!cache_settings(r, hex, &settings)) {
		r->reads.children++;
		ret = config_read_tree(r->git_dir, hex, &settings, err);
		if (ret == 0)
			cache_keep_settings(r, hex, &settings);
	}
	if (ret == 0)
		config_add_tree(r->config, &settings);
	buf_release(&settings);
	return ret;
}

int repo_load_shared(struct repo *r, const struct oid *commit, struct err *err)
{
	return load_shared(r, commit, err) == 0 ? 0 : -1;
}

int repo_load_shared_sound(struct repo *r, const struct oid *commit, struct err *err)
{
	struct err why = { 0 };
	int ret = load_shared(r, commit, &why);

	if (ret < 0)
		*err = why;
	return ret;
}
