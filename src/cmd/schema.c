#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "cmd/cmd.h"
#include "core/schema.h"
#include "flow/target.h"
#include "out/json.h"
#include "out/term.h"

static struct js *object_json(const struct schema *s, size_t first, size_t end)
{
	struct js *j = js_object(), *lines = js_array();
	size_t i;

	js_put_str(j, "kind", s->lines[first].kind);
	js_put_str(j, "name", s->lines[first].name);
	for (i = first; i < end; i++)
		if (s->lines[i].text)
			js_add_str(lines, s->lines[i].text);
	js_put(j, "lines", lines);
	return j;
}

static void print_json(const char *target, struct target *t, const struct schema *s)
{
	struct js *j = js_object(), *objects = js_array();
	char print[SCHEMA_PRINT_SZ + 1];
	size_t i, end;

	schema_fingerprint(s, print);
	js_put_str(j, "target", target);
	js_put_str(j, "engine", t->db ? t->driver->engine(t->db) : NULL);
	js_put_str(j, "fingerprint", print);
	for (i = 0; i < s->nr; i = end) {
		end = schema_object_end(s, i);
		js_add(objects, object_json(s, i, end));
	}
	js_put(j, "objects", objects);
	js_print(j, stdout);
	js_free(j);
}

static void print_fingerprint(const struct schema *s)
{
	char print[SCHEMA_PRINT_SZ + 1];

	schema_fingerprint(s, print);
	puts(print);
}

static void print_text(struct ctx *ctx, const struct schema *s)
{
	struct buf text = BUF_INIT;

	schema_render(s, &text);
	term_pager_start(ctx->pager);
	fwrite(buf_str(&text), 1, text.len, stdout);
	buf_release(&text);
}

int cmd_schema(struct ctx *ctx, int argc, char **argv, struct err *err)
{
	static const char *const lines[] = { "[--hash | --json] [<target>]", NULL };
	bool hash = false, json = false;
	const struct opt opts[] = {
		{ OPT_BOOL, 0, "hash", &hash, NULL, "the fingerprint alone" },
		{ OPT_BOOL, 0, "json", &json, NULL, "JSON" },
		{ .type = OPT_END },
	};
	const struct usage usage = { lines, opts };
	int nr = cmd_options(ctx, &usage, argc, argv, err), ret = -1;
	struct target_options o = { .name = "default" };
	struct schema s = { 0 };
	struct target t = { 0 };

	if (nr < 0 || cmd_at_most(nr, 1, argv, err) < 0)
		return -1;
	if (hash && json)
		return err_set(err, ERR_USAGE,
			       "--hash and --json cannot be used together");
	if (nr)
		o.name = argv[0];
	if (target_connect(&t, ctx->repo, &o, err) < 0 ||
	    (t.db && t.driver->schema(t.db, &s, err) < 0))
		goto out;
	schema_sort(&s);
	if (hash)
		print_fingerprint(&s);
	else if (json)
		print_json(o.name, &t, &s);
	else
		print_text(ctx, &s);
	ret = 0;
out:
	schema_release(&s);
	target_release(&t);
	return ret;
}
