#include "base/compat.h"

#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "core/migration.h"
#include "core/oid.h"
#include "git/repo.h"
#include "out/term.h"

/* Says what may stand here; a line "-- Key: value" would be read as a trailer. */
static const char template[] =
	"-- %s\n"
	"--\n"
	"-- What this changes, and why.\n"
	"--\n"
	"-- It runs in one transaction. Once it has landed or was applied this file\n"
	"-- stays as it is: what is wrong with it is mended by a further migration.\n"
	"\n";

/* Makes the folders of a path that ends in a file name. */
static int make_folders(struct buf *path, size_t from, struct err *err)
{
	struct stat st;
	size_t i;

	for (i = from; i < path->len; i++) {
		if (path->s[i] != '/')
			continue;
		path->s[i] = '\0';
		if (mkdir(path->s, 0777) < 0 && errno != EEXIST)
			return err_errno(err, ERR_FATAL, "could not create folder '%s'",
					 path->s);
		if (lstat(path->s, &st) < 0 || !S_ISDIR(st.st_mode)) {
			err_set(err, ERR_REFUSED, "'%s' is not a folder of the work tree",
				path->s);
			err_hint(err, "symlink",
				 "Migrations are regular files in real folders: put one "
				 "there in its place.");
			return -1;
		}
		path->s[i] = '/';
	}
	return 0;
}

/* The path below the folder: without it in front, with ".sql" behind. */
static int make_name(const char *folder, const char *typed, struct buf *out,
		     struct err *err)
{
	size_t len = strlen(folder);
	enum name_verdict v;

	if (strncmp(typed, folder, len) == 0 && typed[len] == '/')
		typed += len + 1;
	buf_adds(out, typed);
	if (!ends_with(typed, ".sql"))
		buf_adds(out, ".sql");
	v = migration_name_check(out->s);
	if (v == NAME_OK)
		return 0;
	err_set(err, ERR_USAGE, "'%s' cannot be the name of a migration: %s", typed,
		v == NAME_OTHER ? "it is empty" : migration_name_reason(v));
	err_hint(err, "name",
		 "Letters, digits and \"._-\" can stand in it, for instance "
		 "\"create-users\" or \"2026/add-phone\".");
	return -1;
}

int cmd_new(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "<name>", NULL };
	const struct opt opts[] = { { .type = OPT_END } };
	const struct usage usage = { lines, opts };
	struct buf name = BUF_INIT, path = BUF_INIT, text = BUF_INIT;
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct err unborn = { 0 };
	const char *folder;
	struct oid head;
	size_t top;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (!repo_toplevel(ctx->repo)) {
		err_set(err, ERR_FATAL, "a bare repository has no work tree");
		err_hint(err, "bare", "Write migrations in a clone of it.");
		return -1;
	}
	/* .gitmigrate may say which folder it is; before the first commit it cannot */
	if (repo_resolve(ctx->repo, "HEAD", &head, &unborn) == 0 &&
	    repo_load_shared(ctx->repo, &head, err) < 0)
		goto out;
	if (repo_folder(ctx->repo, &folder, err) < 0 ||
	    make_name(folder, argv[0], &name, err) < 0)
		goto out;
	buf_addf(&path, "%s/", repo_toplevel(ctx->repo));
	top = path.len;
	buf_addf(&path, "%s/%s", folder, name.s);
	if (access(path.s, F_OK) == 0) {
		err_set(err, ERR_REFUSED, "file '%s' is there already", path.s + top);
		err_hint(err, "name", "Choose another name.");
		goto out;
	}
	buf_addf(&text, template, name.s);
	if (make_folders(&path, top, err) < 0 ||
	    file_replace(path.s, text.s, text.len, 0644, err) < 0)
		goto out;
	term_print(stdout, path.s + top);
	printf("\n");
	cmd_flush(ctx);
	say_hint(&ctx->say, "commit",
		 "Fill it in and commit it (git add, git commit); \"git "
		 "migrate apply\" runs what is committed.");
	ret = 0;
out:
	buf_release(&name);
	buf_release(&path);
	buf_release(&text);
	return ret;
}
