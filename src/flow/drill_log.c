#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/proof.h"
#include "flow/drill.h"
#include "flow/drill_log.h"
#include "flow/drill_place.h"
#include "flow/proofs.h"
#include "git/config.h"
#include "git/notes.h"
#include "git/repo.h"

#define DRILLS_REF PROOF_REFS "drills"
#define INTERVAL_KEY "migrate.drillinterval"

enum { TRIES = 10, VALUE_MAX = 1024, INTERVAL_DAYS = 90, DAY_MS = 24 * 3600 * 1000 };

static void write_line(struct repo *repo, const struct drill *d, const char *engine,
		       const char *result, struct buf *out)
{
	struct buf by = BUF_INIT, number = BUF_INIT;

	repo_identity(repo, &by);
	buf_adds(out, "drilled");
	proof_add(out, "result", result);
	proof_add(out, "incident", d->incident->name);
	proof_add(out, "at", d->ended);
	proof_add(out, "by", buf_str(&by));
	buf_addf(&number, "%" PRId64, drill_seconds(d));
	proof_add(out, "seconds", number.s);
	buf_reset(&number);
	buf_addf(&number, "%zu", d->hints);
	proof_add(out, "hints", number.s);
	proof_add(out, "engine", engine);
	proof_add(out, "tool", "git-migrate/" PACKAGE_VERSION);
	buf_release(&by);
	buf_release(&number);
}

/* As notes_append: 1 when another writer was first. */
static int append(struct repo *repo, const struct note_line *line, const char *message,
		  struct err *err)
{
	struct notes_commit where = { 0 };
	struct oid tip = { 0 }, none = { 0 };
	int ret;

	if (repo_ref(repo, DRILLS_REF, &tip, err) < 0)
		return -1;
	where.tip = where.base = &tip;
	where.merged = &none;
	ret = notes_append(repo, DRILLS_REF, &where, line, 1, message, err);
	if (ret < 0)
		proofs_hint_unsigned(err);
	return ret;
}

int drill_log_add(struct repo *repo, const struct drill *d, const char *engine,
		  const char *result, struct err *err)
{
	struct buf text = BUF_INIT, message = BUF_INIT;
	struct note_line line = { .line = NULL };
	int ret = repo_resolve(repo, "HEAD", &line.object, err), i;

	write_line(repo, d, engine, result, &text);
	buf_addf(&message, "drill %s: %s\n", d->incident->name, result);
	line.line = text.s;
	for (i = 0; ret == 0 && i < TRIES; i++) {
		ret = append(repo, &line, message.s, err);
		if (ret <= 0)
			break;
		ret = 0;
	}
	if (i == TRIES)
		ret = err_set(err, ERR_FATAL, "others write to %s all the time",
			      DRILLS_REF);
	buf_release(&text);
	buf_release(&message);
	return ret;
}

static const char *text_of(struct pool *pool, const char *line, const char *key)
{
	char text[VALUE_MAX];

	if (!proof_field(line, key, text, sizeof(text)))
		return "";
	return proof_decode(pool, text);
}

static int64_t number_of(struct pool *pool, const char *line, const char *key)
{
	const char *text = text_of(pool, line, key);
	size_t len = strlen(text);

	if (!len || len > 9 || strspn(text, "0123456789") != len)
		return -1;
	return strtol(text, NULL, 10);
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(((const struct drilled *)b)->at, ((const struct drilled *)a)->at);
}

static int read_log(struct repo *repo, struct drill_log *out, struct err *err)
{
	struct notes notes = { 0 };
	struct drilled *d;
	struct oid tip;
	size_t i;
	int found = repo_ref(repo, DRILLS_REF, &tip, err);

	if (found <= 0)
		return found;
	if (notes_read_at(repo, &tip, &out->pool, &notes, err) < 0)
		return -1;
	for (i = 0; i < notes.nr; i++) {
		if (!starts_with(notes.lines[i].line, "drilled "))
			continue;
		VEC_GROW(out->items, out->nr, out->alloc);
		d = &out->items[out->nr++];
		d->result = text_of(&out->pool, notes.lines[i].line, "result");
		d->incident = text_of(&out->pool, notes.lines[i].line, "incident");
		d->engine = text_of(&out->pool, notes.lines[i].line, "engine");
		d->by = text_of(&out->pool, notes.lines[i].line, "by");
		d->at = text_of(&out->pool, notes.lines[i].line, "at");
		d->seconds = number_of(&out->pool, notes.lines[i].line, "seconds");
		d->hints = number_of(&out->pool, notes.lines[i].line, "hints");
	}
	if (out->nr)
		qsort(out->items, out->nr, sizeof(*out->items), newest_first);
	return 0;
}

int drill_log_read(struct repo *repo, struct drill_log *out, struct err *err)
{
	const char *home = config_get(repo_config(repo), DRILL_STATE "home");
	struct repo *real = NULL;
	int ret;

	if (!home || !home[0])
		return read_log(repo, out, err);
	ret = drill_open_at(home, &real, err);
	if (ret == 0)
		ret = read_log(real, out, err);
	repo_free(real);
	return ret;
}

void drill_log_release(struct drill_log *l)
{
	free(l->items);
	pool_release(&l->pool);
	memset(l, 0, sizeof(*l));
}

const struct drilled *drill_log_passed(const struct drill_log *l)
{
	size_t i;

	for (i = 0; i < l->nr; i++)
		if (strcmp(l->items[i].result, "passed") == 0)
			return &l->items[i];
	return NULL;
}

int64_t drilled_days_ago(const struct drilled *d)
{
	char text[CLOCK_TEXT];
	int64_t then, now;

	clock_utc(text);
	if (clock_parse(d->at, &then) < 0 || clock_parse(text, &now) < 0 || now < then)
		return -1;
	return (now - then) / DAY_MS;
}

bool drill_interval_is_set(struct repo *repo)
{
	return config_get(repo_config(repo), INTERVAL_KEY) != NULL;
}

int drill_interval(struct repo *repo, unsigned *days, struct err *err)
{
	const char *value = config_get(repo_config(repo), INTERVAL_KEY);
	size_t len = value ? strlen(value) : 0;

	*days = INTERVAL_DAYS;
	if (!value)
		return 0;
	*days = (unsigned)strtoul(value, NULL, 10);
	if (len && len <= 5 && strspn(value, "0123456789") == len)
		return 0;
	err_set(err, ERR_FATAL, "migrate.drillInterval is '%s', which is no number",
		value);
	err_hint(err, "setting", "git config migrate.drillInterval <days>");
	return -1;
}
