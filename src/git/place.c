/* Where the repository is, and what its configuration says, as git itself has it. */
#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/proc.h"
#include "base/text.h"
#include "git/config.h"
#include "git/internal.h"
#include "git/listed.h"
#include "git/plain_refs.h"

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

static bool is_folder(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/*
 * Whether git goes by what a variable says, and not by where we are. What limits its way
 * upwards (GIT_CEILING_DIRECTORIES) does not keep it from looking here.
 */
static bool is_told_otherwise(void)
{
	static const char *const names[] = {
		"GIT_DIR",	  "GIT_WORK_TREE",
		"GIT_COMMON_DIR", "GIT_IMPLICIT_WORK_TREE",
		"GIT_CONFIG",	  "GIT_SHALLOW_FILE",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (getenv(names[i]))
			return true;
	return false;
}

/* Where the git dir is if it is in the commonest of places; NULL leaves it to git. */
static const char *look_here(void)
{
	struct stat st;

	if (is_told_otherwise())
		return NULL;
	if (is_folder(".git"))
		return ".git";
	return lstat(".git", &st) < 0 && is_folder("objects") ? "." : NULL;
}

/* Whether something is there below a git dir. */
static bool has(const char *git_dir, const char *name, bool (*is)(const char *path))
{
	struct buf path = BUF_INIT;
	bool ret;

	buf_addf(&path, "%s/%s", git_dir, name);
	ret = is(path.s);
	buf_release(&path);
	return ret;
}

static bool is_there(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static void set_here(struct repo *r, const char *here, bool bare)
{
	const char *below = bare ? "" : "/.git";
	struct buf path = BUF_INIT;

	buf_addf(&path, "%s%s", !bare && strcmp(here, "/") == 0 ? "" : here, below);
	r->git_dir = xstrdup(path.s);
	r->common_dir = buf_detach(&path);
	r->bare = bare;
	r->prefix = xstrdup("");
	if (bare)
		return;
	r->toplevel = xstrdup(here);
	r->main_worktree = xstrdup(here);
}

/*
 * The commonest of places need no second child: the top of a work tree with its folder
 * .git, and a bare repository. git lists local settings of a repository only after it has
 * judged its owner and its format, and it looks at the current folder first; what git
 * takes for a repository there this does too, and more is asked of it. False leaves it to
 * git.
 */
static bool find_here(struct repo *r, const char *git_dir, const struct buf *settings)
{
	bool bare = git_dir && strcmp(git_dir, ".") == 0;
	char *here;
	bool ret;

	if (!git_dir || !config_is_plain(settings, bare) ||
	    !has(git_dir, "objects", is_folder) || !has(git_dir, "refs", is_folder) ||
	    has(git_dir, "commondir", is_there) || has(git_dir, "shallow", is_there) ||
	    !plain_head_is_valid(git_dir))
		return false;
	here = getcwd(NULL, 0);
	ret = here && !strchr(here, '\n');
	if (ret)
		set_here(r, here, bare);
	free(here);
	return ret;
}

static int find_by_git(struct repo *r, struct err *err)
{
	struct buf answer = BUF_INIT;
	int ret = -1;

	r->reads.children++;
	if (ask_git(&answer, err) == 0)
		ret = understand(r, answer.s, err);
	buf_release(&answer);
	return ret;
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

/* Asks git for the settings, and for the place where that is not plain. */
static int find_anew(struct repo *r, const char *git_dir, struct buf *settings,
		     bool *is_here, struct err *err)
{
	struct err why = { 0 };
	int listed;

	buf_reset(settings);
	listed = config_list(settings, &why);
	r->reads.children++;
	*is_here = listed == 0 && find_here(r, git_dir, settings);
	if (!*is_here && find_by_git(r, err) < 0)
		return -1;
	if (listed < 0) /* the place is right, so it is the settings */
		*err = why;
	return listed;
}

int place_find(struct repo *r, struct err *err)
{
	const char *git_dir = look_here();
	struct buf settings = BUF_INIT, from = BUF_INIT;
	bool kept, is_here = false;
	int ret = 0;

	kept = git_dir && listed_load(git_dir, &from, &settings) &&
	       find_here(r, git_dir, &settings);
	if (!kept)
		ret = find_anew(r, git_dir, &settings, &is_here, err);
	if (ret == 0) {
		config_load(&r->config, &settings, r->toplevel, r->git_dir,
			    r->common_dir);
		if (is_here && config_bool(r->config, "migrate.cache", true))
			listed_keep(git_dir, &from, &settings);
		ret = refuse_reftable(r, err);
	}
	buf_release(&settings);
	buf_release(&from);
	return ret;
}
