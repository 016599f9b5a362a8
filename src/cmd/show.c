#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "cmd/log_print.h"
#include "cmd/report_print.h"
#include "git/repo.h"
#include "out/json.h"
#include "out/term.h"

static void print_field(const char *name, const char *value)
{
	printf("%-13s ", name);
	term_print(stdout, value);
	printf("\n");
}

static void print_relations(const struct log *l, size_t pos)
{
	const struct trailers *t = &l->plan.items[pos].trailers;
	struct buf name = BUF_INIT;
	const struct fix *fixes;
	size_t i, nr;

	for (i = 0; i < t->nr; i++) {
		buf_reset(&name);
		buf_addf(&name, "%s:", trailer_name(t->items[i].key));
		print_field(name.s, t->items[i].value);
	}
	fixes = fixes_of(&l->fixes, pos, &nr);
	for (i = 0; i < nr; i++)
		print_field("Fixed by:", l->plan.items[fixes[i].fix].path);
	buf_release(&name);
}

static void print_record(const struct ctx *ctx, const struct log_target *t,
			 const struct record *r)
{
	const struct record *by = log_lost_by(t, r);

	printf("%-13s %s%s%s at %s by ", t->name,
	       term_color(ctx->color,
			  event_settles(r->event) && !by ? COLOR_GREEN : COLOR_YELLOW),
	       event_name(r->event), term_reset(ctx->color), r->field[FIELD_AT]);
	term_print(stdout, r->field[FIELD_BY]);
	printf(", record %" PRIu64, r->seq);
	if (by)
		printf(", lost: %s, record %" PRIu64, event_name(by->event), by->seq);
	if (r->field[FIELD_SQLSTATE])
		printf(", sqlstate %s", r->field[FIELD_SQLSTATE]);
	if (r->field[FIELD_REASON]) {
		printf(": ");
		term_print(stdout, r->field[FIELD_REASON]);
	}
	printf("\n");
}

static void print_records(const struct ctx *ctx, const struct log *l, const char *path)
{
	const struct record *const *records;
	size_t i, k, nr;

	for (i = 0; i < l->nr_targets; i++) {
		records = log_records(&l->targets[i], path, &nr);
		for (k = 0; k < nr; k++)
			print_record(ctx, &l->targets[i], records[k]);
	}
}

/* Rehearsals and drills of it, in the words of their notes. */
static void print_proofs(const struct proofs *proofs, const char *path)
{
	size_t i;

	for (i = 0; i < proofs->nr; i++)
		if (proofs->items[i].path && strcmp(proofs->items[i].path, path) == 0)
			print_field(proofs->items[i].kind, proofs->items[i].line);
}

static int print_json(const struct log *l, const struct proofs *proofs, size_t pos)
{
	const struct log_filter all = { 0 };
	const struct log_view view = { .log = l, .filter = &all };
	struct js *j = log_json(&view, pos);

	js_put(j, "proofs", report_json_proofs(proofs, l->plan.items[pos].path));
	js_print(j, stdout);
	js_free(j);
	return 0;
}

static int print_migration(struct ctx *ctx, struct log *l, const struct proofs *proofs,
			   size_t pos, struct err *err)
{
	const struct migration *m = &l->plan.items[pos];
	char hex[OID_HEXSZ + 1];
	struct buf sql = BUF_INIT;
	int ret = -1;

	if (repo_read_blob(ctx->repo, &m->blob, &sql, err) != 0)
		goto out;
	term_pager_start(ctx->pager);
	printf("%smigration %s%s\n", term_color(ctx->color, COLOR_YELLOW), m->path,
	       term_reset(ctx->color));
	print_field("Commit:", oid_hex(&m->commit, hex));
	print_field("Author:", m->author);
	print_field("Subject:", m->subject);
	print_field("Blob:", oid_hex(&m->blob, hex));
	print_relations(l, pos);
	print_records(ctx, l, m->path);
	print_proofs(proofs, m->path);
	printf("\n");
	term_print_lines(stdout, buf_str(&sql));
	if (sql.len && sql.s[sql.len - 1] != '\n')
		printf("\n");
	ret = 0;
out:
	buf_release(&sql);
	return ret;
}

int cmd_show(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[<options>] <migration>", NULL };
	const char *at = NULL, *path;
	bool json = false;
	const struct opt opts[] = {
		{ OPT_STRING, 0, "at", &at, "<rev>", "as this commit has it" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON, without the SQL" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct proofs proofs = { 0 };
	struct resolution r;
	struct log l;

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (nr == 0) {
		opt_usage(&usage, ctx->command->name, stderr);
		return err_exit_status(ERR_USAGE);
	}
	if (log_begin(ctx->repo, at, &l, err) < 0 ||
	    proofs_read(ctx->repo, &l.pool, &proofs, err) < 0)
		goto out;
	plan_resolve(&l.plan, l.plan.nr, argv[0], &r);
	if (r.how == RESOLVE_FOUND) {
		path = l.plan.items[r.pos].path;
		if (log_add_records(ctx->repo, &l, &path, 1, err) < 0)
			goto out;
		ret = json ? print_json(&l, &proofs, r.pos)
			   : print_migration(ctx, &l, &proofs, r.pos, err);
		if (ret == 0)
			ret = log_check_whole(&l, NULL, err);
		goto out;
	}
	err_set(err, ERR_REFUSED,
		r.how == RESOLVE_MANY ? "'%s' names more than one migration"
				      : "'%s' names no migration of the plan",
		argv[0]);
	err_hint(err, "noMigration", "\"git migrate plan\" lists them.");
out:
	proofs_release(&proofs);
	log_release(&l);
	return ret;
}
