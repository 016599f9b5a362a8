#include "base/compat.h"

#include "base/io.h"
#include "base/vec.h"
#include "core/policy.h"

const char *rule_name(enum rule r)
{
	static const char *const names[RULE_NR] = {
		[RULE_EDITED] = "edited",
		[RULE_DELETED] = "deleted",
		[RULE_RENAMED] = "renamed",
		[RULE_MODE] = "mode",
		[RULE_FOXTROT] = "foxtrot",
		[RULE_REWRITTEN] = "rewritten",
		[RULE_REORDERED] = "reordered",
		[RULE_RELABELLED] = "relabelled",
		[RULE_NAME] = "name",
		[RULE_TYPE] = "type",
		[RULE_CASE] = "case",
		[RULE_UNRESOLVED] = "unresolved",
		[RULE_LATER] = "later",
		[RULE_FAILURE_MODE] = "failure-mode",
		[RULE_UNFILLED] = "unfilled",
		[RULE_MISPLACED] = "misplaced",
		[RULE_UNBOUND] = "unbound",
		[RULE_SETTINGS] = "settings",
		[RULE_BRANCH] = "branch",
		[RULE_MIRROR] = "mirror",
		[RULE_GAP] = "gap",
		[RULE_LATE] = "late",
		[RULE_SHALLOW] = "shallow",
		[RULE_OPEN] = "open",
		[RULE_AFTER] = "after",
		[RULE_HELD] = "held",
		[RULE_BATCHES] = "batches",
		[RULE_FORCED] = "forced",
		[RULE_CLASH] = "clash",
		[RULE_OVERLAP] = "overlap",
		[RULE_REASON] = "reason",
		[RULE_SUPERSEDES] = "supersedes",
		[RULE_PHASE] = "phase",
		[RULE_REVERTED] = "reverted",
		[RULE_UNSEEN] = "unseen",
		[RULE_SEVERAL] = "several",
		[RULE_UNSIGNED] = "unsigned",
		[RULE_UNREVIEWED] = "unreviewed",
		[RULE_UNREHEARSED] = "unrehearsed",
		[RULE_TAG] = "tag",
	};

	if (r >= RULE_NR)
		BUG("unhandled rule %d", (int)r);
	return names[r];
}

void findings_release(struct findings *f)
{
	pool_release(&f->pool);
	free(f->items);
	memset(f, 0, sizeof(*f));
}

static char *vformat(struct pool *pool, const char *fmt, va_list ap)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, ap);
	return pool_strdup(pool, text);
}

void findings_add(struct findings *f, enum rule rule, bool warning, const char *path,
		  const char *fmt, ...)
{
	struct finding *new;
	va_list ap;

	VEC_GROW(f->items, f->nr, f->alloc);
	new = &f->items[f->nr++];
	new->rule = rule;
	new->warning = warning;
	new->path = path ? pool_strdup(&f->pool, path) : NULL;
	new->detail = new->hint = "";
	va_start(ap, fmt);
	new->message = vformat(&f->pool, fmt, ap);
	va_end(ap);
	f->errors += !warning;
}

void findings_detail(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->items[f->nr - 1].detail = vformat(&f->pool, fmt, ap);
	va_end(ap);
}

void findings_hint(struct findings *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->items[f->nr - 1].hint = vformat(&f->pool, fmt, ap);
	va_end(ap);
}
