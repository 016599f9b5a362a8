#include "base/compat.h"

#include <sys/stat.h>

#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "cmd/new_file.h"
#include "core/migration.h"
#include "core/oid.h"
#include "git/repo.h"
#include "out/term.h"

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

int new_file_plan(struct ctx *ctx, const char *typed, struct new_file *out,
		  struct err *err)
{
	struct err unborn = { 0 };
	const char *folder;
	struct oid head;

	memset(out, 0, sizeof(*out));
	if (!repo_toplevel(ctx->repo)) {
		err_set(err, ERR_FATAL, "a bare repository has no work tree");
		err_hint(err, "bare", "Write migrations in a clone of it.");
		return -1;
	}
	/* .gitmigrate may say which folder it is; before the first commit it cannot */
	if (repo_resolve(ctx->repo, "HEAD", &head, &unborn) == 0 &&
	    repo_load_shared(ctx->repo, &head, err) < 0)
		return -1;
	if (repo_folder(ctx->repo, &folder, err) < 0 ||
	    make_name(folder, typed, &out->name, err) < 0)
		return -1;
	buf_addf(&out->path, "%s/", repo_toplevel(ctx->repo));
	out->top = out->path.len;
	buf_addf(&out->path, "%s/%s", folder, out->name.s);
	if (access(out->path.s, F_OK) != 0)
		return 0;
	err_set(err, ERR_REFUSED, "file '%s' is there already", out->path.s + out->top);
	err_hint(err, "name", "Choose another name.");
	return -1;
}

int new_file_write(struct new_file *f, const struct buf *text, struct err *err)
{
	if (make_folders(&f->path, f->top, err) < 0)
		return -1;
	return file_replace(f->path.s, text->s, text->len, 0644, err);
}

void new_file_print(const struct new_file *f)
{
	term_print(stdout, f->path.s + f->top);
	printf("\n");
}

void new_file_release(struct new_file *f)
{
	buf_release(&f->name);
	buf_release(&f->path);
}
