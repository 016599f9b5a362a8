#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/proc.h"
#include "base/text.h"
#include "base/vec.h"
#include "git/config.h"
#include "git/internal.h"

struct setting {
	const char *key;
	const char *value;
};

struct config {
	struct pool pool;
	struct setting *items;
	size_t nr, alloc;
	size_t own; /* how many of them come from git's configuration */
	const char *untrusted;
};

void config_free(struct config *c)
{
	if (!c)
		return;
	pool_release(&c->pool);
	free(c->items);
	free(c);
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Whether "file:..." lies in the work tree, where anybody's commit puts files. */
static bool is_from_tree(const char *origin, const char *toplevel, const char *git_dir,
			 const char *common_dir)
{
	struct buf path = BUF_INIT;
	char *real;
	bool ret;

	if (!toplevel || !starts_with(origin, "file:"))
		return false;
	origin += strlen("file:");
	if (origin[0] != '/')
		buf_addf(&path, "%s/", toplevel);
	buf_adds(&path, origin);
	real = realpath(path.s, NULL);
	ret = !real || (is_below(real, toplevel) && !is_below(real, git_dir) &&
			!is_below(real, common_dir));
	free(real);
	buf_release(&path);
	return ret;
}

static void add(struct config *c, const char *key, size_t key_len, const char *value)
{
	VEC_GROW(c->items, c->nr, c->alloc);
	c->items[c->nr].key = pool_strndup(&c->pool, key, key_len);
	c->items[c->nr++].value = pool_strdup(&c->pool, value);
}

/* "scope NUL origin NUL key LF value NUL"; a key alone has no LF. */
bool config_next(const struct buf *list, struct listed_setting *at)
{
	const char *end = list->s + list->len, *origin, *key;

	if (at->next >= end)
		return false;
	at->scope = at->next;
	origin = at->scope + strlen(at->scope) + 1;
	key = origin < end ? origin + strlen(origin) + 1 : end;
	if (key >= end)
		return false;
	at->origin = origin;
	at->key = key;
	at->key_len = strcspn(key, "\n");
	at->value = key[at->key_len] ? key + at->key_len + 1 : "";
	at->next = key + strlen(key) + 1;
	return true;
}

int config_list(struct buf *out, struct err *err)
{
	static const char *const argv[] = { "git",    "config",	       "-z",
					    "--list", "--show-origin", "--show-scope",
					    NULL };
	const struct proc p = { .argv = argv, .setenv = GIT_ENV };
	struct buf errors = BUF_INIT;
	int status = proc_run(&p, out, &errors, err);

	if (status > 0)
		git_failed(err, "config", &errors);
	buf_release(&errors);
	return status == 0 ? 0 : -1;
}

static bool is_key(const struct listed_setting *l, const char *key)
{
	return strlen(key) == l->key_len && strncmp(l->key, key, l->key_len) == 0;
}

bool config_is_read(const struct listed_setting *l)
{
	static const char *const others[] = { "alias.", "credential.", "http.",
					      "sendemail.", "url." };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(others); i++)
		if (starts_with(l->key, others[i]))
			return false;
	return true;
}

/* A setting that has a say in where the repository and its work tree are. */
static bool is_about_place(const struct listed_setting *l)
{
	return is_key(l, "core.worktree") || is_key(l, "core.bare") ||
	       (starts_with(l->key, "extensions.") &&
		!is_key(l, "extensions.partialclone"));
}

bool config_is_plain(const struct buf *list, bool bare)
{
	const char *origin = bare ? "file:config" : "file:.git/config";
	const char *value = bare ? "true" : "false";
	struct listed_setting at = { .next = buf_str(list) };
	bool local, plain = false;

	while (config_next(list, &at)) {
		local = strcmp(at.scope, "local") == 0 && strcmp(at.origin, origin) == 0;
		if (strcmp(at.scope, "worktree") == 0)
			return false;
		if (!is_about_place(&at))
			continue;
		if (!local || !is_key(&at, "core.bare") || strcmp(at.value, value) != 0)
			return false;
		plain = true;
	}
	return plain;
}

void config_load(struct config **out, const struct buf *list, const char *toplevel,
		 const char *git_dir, const char *common_dir)
{
	struct config *c = xcalloc(1, sizeof(*c));
	struct listed_setting at = { .next = buf_str(list) };

	while (config_next(list, &at)) {
		if (!config_is_read(&at))
			continue;
		if (!starts_with(at.key, "migrate.") ||
		    !is_from_tree(at.origin, toplevel, git_dir, common_dir))
			add(c, at.key, at.key_len, at.value);
		else if (!c->untrusted)
			c->untrusted = pool_strndup(&c->pool, at.key, at.key_len);
	}
	c->own = c->nr;
	*out = c;
}

void config_forget_tree(struct config *c)
{
	c->nr = c->own;
}

int config_read_tree(const char *git_dir, const char *blob, struct buf *out,
		     struct err *err)
{
	const char *const argv[] = { "git",    "--git-dir", git_dir,
				     "config", "-z",	    "--no-includes",
				     "--list", "--blob",    blob,
				     NULL };
	const struct proc p = { .argv = argv, .setenv = GIT_ENV };
	struct buf errors = BUF_INIT;
	int status = proc_run(&p, out, &errors, err);

	if (status > 0) {
		git_failed(err, "config", &errors);
		err_wrap(err, "file '.gitmigrate'");
		err_hint(err, "settings",
			 "It is written as git's own settings are; mend it until \"git "
			 "config --file .gitmigrate --list\" reads it, and commit that.");
	}
	buf_release(&errors);
	return status > 0 ? 1 : status;
}

void config_add_tree(struct config *c, const struct buf *settings)
{
	static const char *const allowed[] = { "migrate.path",
					       "migrate.protect",
					       "migrate.onemigrationpercommit",
					       "migrate.requiresigned",
					       "migrate.requirereview",
					       "migrate.requirerehearsal" };
	const char *at = buf_str(settings), *end = at + settings->len, *lf;
	size_t i, len;

	config_forget_tree(c);
	for (; at < end; at += strlen(at) + 1) {
		len = strcspn(at, "\n");
		lf = at[len] ? at + len : NULL;
		for (i = 0; i < ARRAY_SIZE(allowed); i++) {
			if (strlen(allowed[i]) == len &&
			    strncmp(allowed[i], at, len) == 0 &&
			    !config_is_own(c, allowed[i]))
				add(c, at, len, lf ? lf + 1 : "");
		}
	}
}

const char *config_get(const struct config *c, const char *key)
{
	size_t i;

	for (i = c->nr; i-- > 0;)
		if (strcmp(c->items[i].key, key) == 0)
			return c->items[i].value;
	return NULL;
}

int config_each(const struct config *c, const char *key,
		int (*fn)(void *arg, const char *value), void *arg)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < c->nr && !ret; i++)
		if (strcmp(c->items[i].key, key) == 0)
			ret = fn(arg, c->items[i].value);
	return ret;
}

bool config_is_own(const struct config *c, const char *key)
{
	size_t i;

	for (i = 0; i < c->own; i++)
		if (strcmp(c->items[i].key, key) == 0)
			return true;
	return false;
}

bool config_is_true(const char *value)
{
	static const char *const yes[] = { "", "true", "yes", "on", "1" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(yes); i++)
		if (strcasecmp(value, yes[i]) == 0)
			return true;
	return false;
}

bool config_bool(const struct config *c, const char *key, bool otherwise)
{
	static const char *const no[] = { "false", "no", "off", "0" };
	const char *value = config_get(c, key);
	size_t i;

	if (value && config_is_true(value))
		return true;
	for (i = 0; value && i < ARRAY_SIZE(no); i++)
		if (strcasecmp(value, no[i]) == 0)
			return false;
	return otherwise;
}

/* The middle of "<section>.<middle>.<key>", NULL when the key is another one. */
static char *middle(const char *whole, const char *section, const char *key)
{
	size_t before = strlen(section) + 1, after = strlen(key) + 1;
	size_t len = strlen(whole);

	if (len <= before + after || strncmp(whole, section, before - 1) != 0 ||
	    whole[before - 1] != '.' || whole[len - after] != '.' ||
	    strcmp(whole + len - after + 1, key) != 0)
		return NULL;
	return xstrndup(whole + before, len - before - after);
}

int config_subsections(const struct config *c, const char *section, const char *key,
		       int (*fn)(void *arg, const char *name), void *arg)
{
	size_t i, k;
	char *name;
	int ret = 0;

	for (i = 0; i < c->nr && !ret; i++) {
		name = middle(c->items[i].key, section, key);
		for (k = 0; name && k < i; k++)
			if (strcmp(c->items[k].key, c->items[i].key) == 0)
				break;
		if (name && k == i)
			ret = fn(arg, name);
		free(name);
	}
	return ret;
}

const char *config_untrusted(const struct config *c)
{
	return c->untrusted;
}
