#include "base/compat.h"

#include "base/err.h"
#include "cmd/cmd.h"
#include "core/oid.h"
#include "core/policy.h"
#include "flow/gates.h"
#include "git/config.h"
#include "git/repo.h"
#include "out/json.h"

const char *cmd_short_id(const struct oid *id, char text[SHORT_ID + 1])
{
	char hex[OID_HEXSZ + 1];

	snprintf(text, SHORT_ID + 1, "%s",
		 oid_is_zero(id) ? "--------" : oid_hex(id, hex));
	return text;
}

void cmd_say_findings(const struct ctx *ctx, const struct findings *f)
{
	const struct finding *one;
	struct err err = { 0 };
	size_t i;

	for (i = 0; i < f->nr; i++) {
		one = &f->items[i];
		if (one->warning) {
			say_warning(&ctx->say, "%s [%s]", one->message,
				    rule_name(one->rule));
			if (one->hint[0])
				say_hint(&ctx->say, rule_name(one->rule), "%s",
					 one->hint);
			continue;
		}
		err_set(&err, ERR_REFUSED, "%s [%s]", one->message, rule_name(one->rule));
		if (one->detail[0])
			err_detail(&err, "%s", one->detail);
		if (one->hint[0])
			err_hint(&err, rule_name(one->rule), "%s", one->hint);
		say_error(&ctx->say, &err);
	}
}

struct js *cmd_json_findings(const struct findings *f)
{
	struct js *all = js_array(), *one;
	size_t i;

	for (i = 0; i < f->nr; i++) {
		one = js_object();
		js_put_str(one, "rule", rule_name(f->items[i].rule));
		js_put_str(one, "severity", f->items[i].warning ? "warning" : "error");
		js_put_str(one, "path", f->items[i].path);
		js_put_str(one, "message", f->items[i].message);
		js_put_str(one, "detail", f->items[i].detail);
		js_put_str(one, "hint", f->items[i].hint);
		js_add(all, one);
	}
	return all;
}

struct js *cmd_json_held(const struct held *h)
{
	struct js *j = js_object(), *targets = js_array();
	size_t i;

	for (i = 0; i < h->nr_targets; i++)
		js_add_str(targets, h->targets[i]);
	js_put(j, "targets", targets);
	js_put_bool(j, "rehearsal", h->unrehearsed);
	js_put_str(j, "behind", h->behind);
	js_put_bool(j, "mended", h->mended);
	return j;
}

int cmd_each_target(struct ctx *ctx, int (*fn)(void *arg, const char *name), void *arg)
{
	return config_subsections(repo_config(ctx->repo), "migrate", "url", fn, arg);
}
