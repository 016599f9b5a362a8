/* Objects as bytes, where they may lie, and what git keeps beside them. */
#include "base/compat.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/sha1.h"
#include "base/vec.h"
#include "git/commit_graph.h"
#include "git/config.h"
#include "git/folders.h"
#include "git/internal.h"
#include "git/limits.h"

static int found_promisor(void *arg, const char *remote)
{
	buf_adds(arg, remote);
	return 1;
}

bool repo_is_partial(struct repo *r, struct buf *remote)
{
	const char *name = config_get(r->config, "extensions.partialclone");

	if (name)
		buf_adds(remote, name);
	return name || config_subsections(r->config, "remote", "promisor", found_promisor,
					  remote);
}

/* Blobs are fetched one by one; commits and trees would be too many for that. */
int repo_missing(struct repo *r, const struct oid *id, git_object_t type, struct err *err)
{
	struct buf remote = BUF_INIT;
	char hex[OID_HEXSZ + 1];

	err_set(err, ERR_FATAL, "object %s is missing from the repository",
		oid_hex(id, hex));
	if (type != GIT_OBJECT_BLOB && repo_is_partial(r, &remote))
		err_hint(err, "missingObject",
			 "This is a partial clone that lacks more than blobs; "
			 "\"git config remote.%s.partialCloneFilter blob:none && git "
			 "fetch --refetch %s\" brings the rest.",
			 remote.s, remote.s);
	else if (type == GIT_OBJECT_COMMIT && getenv("GIT_QUARANTINE_PATH"))
		err_hint(err, "missingObject",
			 "Where you push from a shallow clone, its history ends too "
			 "early: "
			 "\"git fetch --unshallow\" there brings the rest. Else \"git "
			 "fsck\" on the server tells what is missing.");
	else
		err_hint(err, "missingObject",
			 "\"git fsck\" tells what else is; a fetch from a whole clone "
			 "(git fetch --refetch) brings it back.");
	buf_release(&remote);
	return 1;
}

/* Goes over to the objects of a folder, or to none. As libgit2's functions. */
static int take_odb(struct repo *r, const char *folder)
{
	git_odb *odb = NULL;
	int code = folder ? git_odb_open(&odb, folder) : git_odb_new(&odb);

	if (code == 0)
		code = git_repository_set_odb(r->git, odb);
	if (code < 0) {
		git_odb_free(odb);
		return code;
	}
	git_odb_free(r->odb);
	r->odb = odb;
	return 0;
}

int repo_drop_bases(struct repo *r, struct err *err)
{
	enum { WORTH_IT = 1 << 20 };
	struct buf path = BUF_INIT;
	int ret = -1;

	if (r->unpacked - r->unpacked_before < WORTH_IT)
		return 0;
	r->unpacked_before = r->unpacked;
	buf_addf(&path, "%s/objects", r->common_dir);
	/* first without any, or the new one would share the packs with the old */
	if (take_odb(r, NULL) == 0 && take_odb(r, path.s) == 0)
		ret = repo_see_others(r, err);
	else
		repo_err(err, "could not open the objects of '%s'", r->git_dir);
	buf_release(&path);
	return ret;
}

/*
 * The bases that libgit2 keeps may be many while a long history is read; less often
 * the more there is to read, since what was dropped has to be put together again.
 */
static bool has_many_bases(const struct repo *r)
{
	enum { BASES = 2 << 20, SHARE = 8 };

	return r->unpacked - r->unpacked_before >= BASES + r->unpacked / SHARE;
}

static void count_read(struct repo_reads *reads, git_odb_object *object)
{
	switch (git_odb_object_type(object)) {
	case GIT_OBJECT_COMMIT:
		reads->commits++;
		break;
	case GIT_OBJECT_TREE:
		reads->trees++;
		break;
	case GIT_OBJECT_BLOB:
		reads->blobs++;
		reads->blob_bytes += git_odb_object_size(object);
		break;
	default:
		break;
	}
}

static const char *type_name(git_object_t type)
{
	return type == GIT_OBJECT_COMMIT ? "commit"
	       : type == GIT_OBJECT_TREE ? "tree"
					 : "blob";
}

/* What git hashes before the bytes: the kind and the size, and a NUL. */
static void begin_name(struct sha1 *hash, git_object_t type, uint64_t len)
{
	char header[32];
	int n = snprintf(header, sizeof(header), "%s %" PRIu64, type_name(type), len);

	sha1_add(hash, header, (size_t)n + 1);
}

void repo_name_object(struct sha1 *hash, git_object_t type, const void *data, size_t len,
		      struct oid *out)
{
	begin_name(hash, type, len);
	sha1_add(hash, data, len);
	sha1_end(hash, out->id);
}

void repo_bound(struct repo *r, size_t commits)
{
	r->bounded = true;
	r->most_commits = commits;
	lib_map_at_most(LIMIT_MAPPED);
}

int repo_check_size(struct repo *r, const struct oid *id, const char *kind, size_t limit,
		    struct err *err)
{
	char hex[OID_HEXSZ + 1];
	git_object_t type;
	size_t size;

	if (!r->bounded || git_odb_read_header(&size, &type, r->odb, to_git(id)) < 0 ||
	    size <= limit)
		return 0;
	err_set(err, ERR_FATAL, "%s %s is too large: %zu bytes", kind, oid_hex(id, hex),
		size);
	err_hint(err, "limits",
		 "At most %zu bytes are read of it here; see git-migrate-hooks(5), "
		 "LIMITS.",
		 limit);
	return -1;
}

/* A migration is judged where it is described, and a note where it is read. */
static int check_size(struct repo *r, const struct oid *id, git_object_t type,
		      struct err *err)
{
	if (type == GIT_OBJECT_COMMIT)
		return repo_check_size(r, id, "commit", LIMIT_COMMIT, err);
	if (type == GIT_OBJECT_TREE)
		return repo_check_size(r, id, "tree", LIMIT_TREE, err);
	return 0;
}

int repo_commit(struct repo *r, git_commit **out, const struct oid *id, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	if (repo_load(r, err) < 0 || check_size(r, id, GIT_OBJECT_COMMIT, err) < 0)
		return -1;
	if (git_commit_lookup(out, r->git, to_git(id)) < 0)
		return repo_err(err, "could not read commit %s", oid_hex(id, hex));
	return 0;
}

int repo_read(struct repo *r, git_odb_object **out, const struct oid *id,
	      git_object_t type, struct err *err)
{
	char hex[OID_HEXSZ + 1];
	int code;

	if (has_many_bases(r) && repo_drop_bases(r, err) < 0)
		return -1;
	if (repo_load(r, err) < 0 || (r->bounded && check_size(r, id, type, err) < 0))
		return -1;
	code = git_odb_read(out, r->odb, to_git(id));
	if (code == GIT_ENOTFOUND)
		return repo_missing(r, id, type, err);
	if (code < 0)
		return repo_err(err, "could not read object %s", oid_hex(id, hex));
	count_read(&r->reads, *out);
	r->unpacked += git_odb_object_size(*out);
	if (git_odb_object_type(*out) != type) {
		git_odb_object_free(*out);
		*out = NULL;
		return err_set(err, ERR_FATAL, "object %s is not a %s", oid_hex(id, hex),
			       type_name(type));
	}
	return 0;
}

int repo_fetch_failed(const char *hex, const struct buf *said, struct err *err)
{
	git_failed(err, "cat-file", said);
	err_hint(err, "missingObject",
		 "This is a partial clone, and the blob could not be fetched; "
		 "\"git cat-file blob %s\" tries it again.",
		 hex);
	return -1;
}

/* Appends a blob that git fetches first. Returns as repo_read_blob. */
static int fetch_blob(struct repo *r, const char *hex, struct buf *out, struct err *err)
{
	const char *const args[] = { "cat-file", "blob", hex, NULL };
	struct buf said = BUF_INIT;
	int status = repo_git(r, args, out, &said, err);

	if (status > 0)
		repo_fetch_failed(hex, &said, err);
	buf_release(&said);
	return status == 0 ? 0 : -1;
}

int repo_corrupt(const struct oid *id, struct err *err)
{
	char hex[OID_HEXSZ + 1];

	err_set(err, ERR_FATAL, "object %s is corrupt", oid_hex(id, hex));
	err_hint(err, "missingObject",
		 "\"git fsck\" tells what else is; a fresh clone is the way out.");
	return -1;
}

/* Reading does not compare the bytes with the name: what runs must be it. */
static int check_blob(const struct oid *id, const void *data, size_t len, struct err *err)
{
	struct sha1 *hash = sha1_new();
	struct oid really;

	repo_name_object(hash, GIT_OBJECT_BLOB, data, len, &really);
	sha1_free(hash);
	return oid_eq(&really, id) ? 0 : repo_corrupt(id, err);
}

/* One that is fetched goes through memory whole. As repo_read_blob_start. */
static int fetch_start(struct repo *r, const struct oid *id, size_t most, struct buf *out,
		       struct err *err)
{
	char hex[OID_HEXSZ + 1];
	size_t before = out->len;
	int ret = fetch_blob(r, oid_hex(id, hex), out, err);

	if (ret == 0)
		ret = check_blob(id, buf_str(out) + before, out->len - before, err);
	if (ret == 0 && out->len - before > most) {
		out->len = before + most;
		out->s[out->len] = '\0';
	}
	return ret;
}

int repo_read_blob_start(struct repo *r, const struct oid *id, size_t most,
			 struct buf *out, struct err *err)
{
	git_odb_object *blob = NULL;
	struct buf remote = BUF_INIT;
	size_t len;
	int ret = repo_read(r, &blob, id, GIT_OBJECT_BLOB, err);

	if (ret == 0) {
		len = git_odb_object_size(blob);
		ret = check_blob(id, git_odb_object_data(blob), len, err);
		if (ret == 0)
			buf_add(out, git_odb_object_data(blob), len < most ? len : most);
	} else if (ret > 0 && repo_is_partial(r, &remote)) {
		ret = fetch_start(r, id, most, out, err);
	}
	git_odb_object_free(blob);
	buf_release(&remote);
	return ret;
}

int repo_read_blob(struct repo *r, const struct oid *id, struct buf *out, struct err *err)
{
	return repo_read_blob_start(r, id, SIZE_MAX, out, err);
}

/* The name that a file's bytes would have as a blob. Returns 0, or -1 for no reason. */
static int name_file(int fd, struct oid *out)
{
	enum { PIECE = 128 << 10 };
	struct stat st;
	struct sha1 *hash;
	uint64_t seen = 0;
	ssize_t n = -1;
	char *piece;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return -1;
	piece = xmalloc(PIECE);
	hash = sha1_new();
	begin_name(hash, GIT_OBJECT_BLOB, (uint64_t)st.st_size);
	while (seen <= (uint64_t)st.st_size && (n = read(fd, piece, PIECE)) > 0) {
		sha1_add(hash, piece, (size_t)n);
		seen += (uint64_t)n;
	}
	sha1_end(hash, out->id);
	sha1_free(hash);
	free(piece);
	return n == 0 && seen == (uint64_t)st.st_size ? 0 : -1;
}

/*
 * Whether a file has the very bytes of a blob. To ask libgit2, which knows of filters,
 * reads the whole index, looks for attributes in each folder on the way, and hashes with
 * a check that takes five times as long.
 */
static bool is_exactly(const char *path, const struct oid *blob)
{
	/* a pipe would be waited for */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct oid id;
	bool ret;

	if (fd < 0)
		return false;
	ret = name_file(fd, &id) == 0 && oid_eq(&id, blob);
	close(fd);
	return ret;
}

int repo_file_differs(struct repo *r, const char *path, const struct oid *blob,
		      struct err *err)
{
	struct buf whole = BUF_INIT;
	git_oid now;
	int code;

	buf_addf(&whole, "%s/%s", r->toplevel, path);
	if (repo_knows_file(r, whole.s, blob) || is_exactly(whole.s, blob)) {
		buf_release(&whole);
		return 0;
	}
	if (repo_load(r, err) < 0) {
		buf_release(&whole);
		return -1;
	}
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

const struct commit_graph *repo_commit_graph(struct repo *r)
{
	const char *version = config_get(r->config, "commitgraph.changedpathsversion");
	const struct commit_graph_options opts = {
		.no_graph = !config_bool(r->config, "core.commitgraph", true),
		.no_filters = !config_bool(r->config, "commitgraph.readchangedpaths",
					   true) ||
			      (version && strcmp(version, "0") == 0),
	};
	struct folders f = { 0 };

	if (r->graph_asked || r->shallow)
		return r->graph;
	r->graph_asked = true;
	folders_find(&f, r->common_dir);
	r->graph = commit_graph_open((const char *const *)f.items, f.nr, &opts);
	folders_release(&f);
	return r->graph;
}
