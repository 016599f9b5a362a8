#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "core/plan.h"
#include "flow/tables.h"
#include "git/blob.h"
#include "git/history.h"
#include "git/repo.h"

int tables_landed(struct repo *repo, const char *path, struct err *err)
{
	struct buf ref = BUF_INIT;
	struct oid tip, blob;
	unsigned mode;
	int ret = repo_protected_ref(repo, &ref, err);

	if (ret > 0)
		ret = repo_ref(repo, ref.s, &tip, err);
	if (ret > 0)
		ret = history_holds(repo, &tip, path, &blob, &mode, err);
	buf_release(&ref);
	return ret;
}

/* What is large holds rows, not DDL. */
int tables_read(struct repo *repo, const struct plan *plan, size_t nr,
		struct sql_catalog *out, struct err *err)
{
	struct buf sql = BUF_INIT;
	uint64_t size;
	int ret = 0;
	size_t i;

	for (i = 0; i < nr && ret == 0; i++) {
		const struct oid *blob = &plan->items[i].blob;

		ret = repo_blob_size(repo, blob, &size, err);
		if (ret != 0 || size > BLOB_LARGE)
			continue;
		buf_reset(&sql);
		ret = repo_read_blob(repo, blob, &sql, err);
		if (ret == 0)
			sql_catalog_read(out, buf_str(&sql), sql.len);
	}
	buf_release(&sql);
	if (ret > 0)
		return err_set(err, ERR_FATAL,
			       "the repository lacks the object of migration '%s'",
			       plan->items[i - 1].path);
	return ret;
}
