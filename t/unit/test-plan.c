/* The plan: looking migrations up, what a trailer names, which trailers bind. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "core/plan.h"

/* A migration, and what its commit's message and its own header say. */
struct file {
	const char *path;
	const char *commit, *arrival; /* first digits; NULL: cut off; as `commit` */
	unsigned company;
	const char *message, *header;
};

struct setup {
	struct plan plan;
	const struct file *files;
	size_t described;  /* calls so far */
	const char *fails; /* to be described */
	struct err err;
};

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct setup));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	struct setup *s = *state;

	plan_release(&s->plan);
	free(s);
	return 0;
}

static struct oid make_oid(const char *digits)
{
	char hex[OID_HEXSZ + 1];
	struct oid id;

	memset(hex, '5', OID_HEXSZ);
	memcpy(hex, digits, strlen(digits));
	assert_int_equal(oid_parse(&id, hex, OID_HEXSZ), 0);
	return id;
}

static int describe(void *ctx, struct pool *pool, struct migration *m, struct err *err)
{
	struct setup *s = ctx;
	const struct file *f = &s->files[m - s->plan.items];
	const char *message = f->message ? f->message : "";
	const char *header = f->header ? f->header : "";

	s->described++;
	if (s->fails && strcmp(s->fails, m->path) == 0)
		return err_set(err, ERR_FATAL, "could not read it");
	trailers_from_message(&m->in_message, pool, message, strlen(message));
	trailers_from_header(&m->in_header, &m->how, pool, header, strlen(header));
	if (f->message)
		m->subject = pool_strndup(pool, message, strcspn(message, "\n"));
	return 0;
}

static void make_plan(struct setup *s, const struct file *files, size_t nr)
{
	struct plan *p = &s->plan;
	size_t i;

	plan_release(p);
	s->files = files;
	s->described = 0;
	p->folder = "db/migrations";
	p->nr = nr;
	p->items = pool_alloc(&p->pool, (nr + 1) * sizeof(*p->items));
	p->source.ctx = s;
	p->source.describe = describe;
	for (i = 0; i < nr; i++) {
		p->items[i].path = files[i].path;
		p->items[i].company = files[i].company;
		if (files[i].commit)
			p->items[i].commit = make_oid(files[i].commit);
		p->items[i].arrival = make_oid(files[i].arrival ? files[i].arrival
								: files[i].commit);
	}
	plan_index(p);
}

#define MAKE_PLAN(s, files) make_plan((s), (files), ARRAY_SIZE(files))

static void find(void **state)
{
	static const struct file files[] = {
		{ .path = "b.sql", .commit = "b" },
		{ .path = "a.sql", .commit = "a" },
		{ .path = "a/b.sql", .commit = "ab" },
		{ .path = "a-b.sql", .commit = "c" },
		{ .path = "2026/a.sql", .commit = "d" },
		{ .path = "B.sql", .commit = "e" },
		{ .path = "c.sql", .commit = "f" },
	};
	struct setup *s = *state;
	size_t i, nr;

	for (nr = 0; nr <= ARRAY_SIZE(files); nr++) {
		make_plan(s, files, nr);
		for (i = 0; i < ARRAY_SIZE(files); i++)
			assert_int_equal(plan_find(&s->plan, files[i].path),
					 i < nr ? (ssize_t)i : -1);
		assert_int_equal(plan_find(&s->plan, ""), -1);
		assert_int_equal(plan_find(&s->plan, "a"), -1);
		assert_int_equal(plan_find(&s->plan, "a.sql2"), -1);
		assert_int_equal(plan_find(&s->plan, "db/migrations/a.sql"), -1);
	}
	assert_int_equal(s->described, 0);
}

static const struct file named[] = {
	{ .path = "users.sql", .commit = "1111111aa" },
	{ .path = "2025/orders.sql", .commit = "2222222aa" },
	{ .path = "2025/index.sql", .commit = "abcdef0aa" },
	{ .path = "2026/index.sql", .commit = "abcdef0bb", .arrival = "9999999aa" },
	{ .path = "deadbee.sql", .commit = "3333333aa" },
	{ .path = "2026/one.sql", .commit = "4444444aa", .company = 2 },
	{ .path = "2026/two.sql", .commit = "4444444aa", .company = 2 },
	{ .path = "db/migrations/x.sql", .commit = "6666666aa", .arrival = "7777777aa" },
	{ .path = "2026/y.sql", .commit = "8888888aa", .arrival = "7777777aa" },
	{ .path = "2024/old.sql", .arrival = "ccccccc" }, /* behind a boundary */
	{ .path = "last.sql", .commit = "deadbee55" },
	{ .path = "old/last.sql", .commit = "dddddddaa" },
};

static const struct {
	const char *value;
	enum resolve how;
	const char *path, *other;
} values[] = {
	/* as in the tree, below the folder, from where one stands */
	{ "db/migrations/users.sql", RESOLVE_FOUND, "users.sql", NULL },
	{ "db/migrations/2025/orders.sql", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "db/migrations/2025/orders", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "./db/migrations/users.sql", RESOLVE_FOUND, "users.sql", NULL },
	{ "./users.sql", RESOLVE_FOUND, "users.sql", NULL },
	{ "./2025/index.sql", RESOLVE_FOUND, "2025/index.sql", NULL },
	{ "users.sql", RESOLVE_FOUND, "users.sql", NULL },
	{ "2025/orders.sql", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "2025/orders", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "db/migrations/x.sql", RESOLVE_FOUND, "db/migrations/x.sql", NULL },
	{ "db/migrations/db/migrations/x.sql", RESOLVE_FOUND, "db/migrations/x.sql",
	  NULL },
	{ "migrations/users.sql", RESOLVE_NONE, NULL, NULL },
	{ "db/migrationsusers.sql", RESOLVE_NONE, NULL, NULL },
	{ "2024/orders.sql", RESOLVE_NONE, NULL, NULL },
	{ "2025/", RESOLVE_NONE, NULL, NULL },
	{ "db/migrations/", RESOLVE_NONE, NULL, NULL },
	{ "/users.sql", RESOLVE_NONE, NULL, NULL },
	{ "../users.sql", RESOLVE_NONE, NULL, NULL },
	{ "Users.sql", RESOLVE_NONE, NULL, NULL },
	/* a path is no file name that any folder might have */
	{ "db/migrations/orders.sql", RESOLVE_NONE, NULL, NULL },
	/* file names */
	{ "orders.sql", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "orders", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "./orders.sql", RESOLVE_FOUND, "2025/orders.sql", NULL },
	{ "users", RESOLVE_FOUND, "users.sql", NULL },
	{ "index.sql", RESOLVE_MANY, "2025/index.sql", "2026/index.sql" },
	{ "index", RESOLVE_MANY, "2025/index.sql", "2026/index.sql" },
	{ "last.sql", RESOLVE_FOUND, "last.sql", NULL }, /* the path comes first */
	{ "last", RESOLVE_MANY, "last.sql", "old/last.sql" },
	{ "order", RESOLVE_NONE, NULL, NULL },
	{ "orders.", RESOLVE_NONE, NULL, NULL },
	{ ".sql", RESOLVE_NONE, NULL, NULL },
	/* ids of the commits that brought them, and of those they came with */
	{ "1111111", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111aa555", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111aa5555555555555555555555555555555", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111aa55555555555555555555555555555555", RESOLVE_NONE, NULL, NULL },
	{ "1111111AA", RESOLVE_FOUND, "users.sql", NULL },
	{ "111111", RESOLVE_NONE, NULL, NULL },
	{ "1111111ab", RESOLVE_NONE, NULL, NULL },
	{ "1111111x", RESOLVE_NONE, NULL, NULL },
	{ "abcdef0", RESOLVE_MANY, "2025/index.sql", "2026/index.sql" },
	{ "abcdef0b", RESOLVE_FOUND, "2026/index.sql", NULL },
	{ "4444444", RESOLVE_MANY, "2026/one.sql", "2026/two.sql" },
	{ "9999999", RESOLVE_FOUND, "2026/index.sql", NULL },
	{ "7777777", RESOLVE_MANY, "db/migrations/x.sql", "2026/y.sql" },
	{ "6666666", RESOLVE_FOUND, "db/migrations/x.sql", NULL },
	{ "ccccccc", RESOLVE_FOUND, "2024/old.sql", NULL },
	{ "0000000", RESOLVE_NONE, NULL, NULL },
	{ "deadbee", RESOLVE_FOUND, "deadbee.sql", NULL }, /* a name comes first */
	{ "deadbee5", RESOLVE_FOUND, "last.sql", NULL },
	/* never a ref */
	{ "HEAD", RESOLVE_NONE, NULL, NULL },
	{ "v1.0", RESOLVE_NONE, NULL, NULL },
	{ "1111111^", RESOLVE_NONE, NULL, NULL },
	/* with a subject, which never chooses */
	{ "users.sql (\"add users\")", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111 (\"nothing like it\")", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111\t(\"add users\")", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111 (\"\")", RESOLVE_FOUND, "users.sql", NULL },
	{ "1111111 (\"a (\"quoted\") one\")", RESOLVE_FOUND, "users.sql", NULL },
	{ "index (\"add users\")", RESOLVE_MANY, "2025/index.sql", "2026/index.sql" },
	{ "gone.sql (\"add users\")", RESOLVE_NONE, NULL, NULL },
	{ "users.sql (add users)", RESOLVE_FORM, NULL, NULL },
	{ "users.sql \"add users\"", RESOLVE_FORM, NULL, NULL },
	{ "users.sql (\"", RESOLVE_FORM, NULL, NULL },
	{ "users.sql (\")", RESOLVE_FORM, NULL, NULL },
	{ "users.sql (\"add\") too", RESOLVE_FORM, NULL, NULL },
	{ "users.sql 2025/orders.sql", RESOLVE_FORM, NULL, NULL },
	{ "", RESOLVE_FORM, NULL, NULL },
	{ " users.sql", RESOLVE_FORM, NULL, NULL }, /* values come trimmed */
	/* speaks of something else */
	{ "#123", RESOLVE_ISSUE, NULL, NULL },
	{ "GH-123", RESOLVE_ISSUE, NULL, NULL },
	{ "owner/repo#123", RESOLVE_ISSUE, NULL, NULL },
	{ "https://example.org/1", RESOLVE_ISSUE, NULL, NULL },
	{ "#users.sql", RESOLVE_NONE, NULL, NULL },
};

static void resolve(void **state)
{
	struct setup *s = *state;
	struct resolution r;
	size_t i;

	MAKE_PLAN(s, named);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		plan_resolve(&s->plan, SIZE_MAX, values[i].value, &r);
		if (r.how != values[i].how)
			fail_msg("'%s' is %d, not %d", values[i].value, (int)r.how,
				 (int)values[i].how);
		if (values[i].path)
			assert_string_equal(named[r.pos].path, values[i].path);
		if (values[i].other)
			assert_string_equal(named[r.other].path, values[i].other);
	}
	assert_int_equal(s->described, 0); /* no message is read for it */
}

static void resolve_parts(void **state)
{
	struct setup *s = *state;
	char value[1024];
	struct resolution r;

	MAKE_PLAN(s, named);
	plan_resolve(&s->plan, SIZE_MAX, "1234567 (\"add users\")", &r);
	assert_int_equal(r.how, RESOLVE_NONE);
	assert_true(r.is_id);
	assert_string_equal(r.name, "1234567");
	assert_string_equal(r.subject, "add users");
	plan_resolve(&s->plan, SIZE_MAX, "123456 (\"add\")", &r);
	assert_false(r.is_id);
	plan_resolve(&s->plan, SIZE_MAX, "4444444", &r);
	assert_true(r.is_id);
	plan_resolve(&s->plan, SIZE_MAX, "index", &r);
	assert_false(r.is_id);
	assert_string_equal(r.subject, "");
	plan_resolve(&s->plan, SIZE_MAX, "./users.sql", &r);
	assert_string_equal(r.name, "./users.sql");

	/* as long as one likes */
	memset(value, 'a', sizeof(value));
	value[255] = '\0';
	plan_resolve(&s->plan, SIZE_MAX, value, &r);
	assert_int_equal(r.how, RESOLVE_NONE);
	assert_int_equal(strlen(r.name), 255);
	value[255] = 'a';
	value[256] = '\0';
	plan_resolve(&s->plan, SIZE_MAX, value, &r);
	assert_int_equal(r.how, RESOLVE_FORM);
	snprintf(value, sizeof(value), "users (\"%0900d\")", 1);
	plan_resolve(&s->plan, SIZE_MAX, value, &r);
	assert_int_equal(r.how, RESOLVE_FOUND);
	assert_int_equal(strlen(r.subject), 255);
}

/* Only what stands before the one that asks is there. */
static void resolve_limit(void **state)
{
	struct setup *s = *state;
	struct resolution r;

	MAKE_PLAN(s, named);
	plan_resolve(&s->plan, 0, "users.sql", &r);
	assert_int_equal(r.how, RESOLVE_NONE);
	plan_resolve(&s->plan, 1, "users.sql", &r);
	assert_int_equal(r.how, RESOLVE_FOUND);
	plan_resolve(&s->plan, 3, "index", &r);
	assert_int_equal(r.how, RESOLVE_FOUND);
	assert_int_equal(r.pos, 2);
	plan_resolve(&s->plan, 3, "abcdef0", &r);
	assert_int_equal(r.how, RESOLVE_FOUND);
	plan_resolve(&s->plan, 3, "2026/index.sql", &r);
	assert_int_equal(r.how, RESOLVE_NONE);
	plan_resolve(&s->plan, 3, "9999999", &r);
	assert_int_equal(r.how, RESOLVE_NONE);
	plan_resolve(&s->plan, 6, "4444444", &r);
	assert_int_equal(r.how, RESOLVE_FOUND);
	plan_resolve(&s->plan, 0, "#123", &r);
	assert_int_equal(r.how, RESOLVE_ISSUE);
	make_plan(s, named, 0);
	plan_resolve(&s->plan, SIZE_MAX, "users.sql", &r);
	assert_int_equal(r.how, RESOLVE_NONE);
}

#define MESSAGE "add a\n\nbody\n\nFixes: m1\nFixes: m2\nPhase: expand\n"
#define HEADER                                                                           \
	"-- Fixes: h\n-- Failure-Mode: it broke\n-- Requires: h1\n-- Requires: h2\n"     \
	"-- migrate: no-transaction\n"

static void assert_trailers(const struct migration *m, const char *expect)
{
	char text[512] = "";
	size_t i, len = 0;

	for (i = 0; i < m->trailers.nr; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s=%s;",
					trailer_name(m->trailers.items[i].key),
					m->trailers.items[i].value);
	assert_string_equal(text, expect);
}

static void binding(void **state)
{
	static const struct file files[] = {
		{ "message.sql", "1", NULL, 1, MESSAGE, NULL },
		{ "header.sql", "2", NULL, 1, "add b\n", HEADER },
		{ "both.sql", "3", NULL, 1, MESSAGE, HEADER },
		{ "company.sql", "4", NULL, 2, MESSAGE, HEADER },
		{ "company2.sql", "4", NULL, 2, MESSAGE, NULL },
		{ "unknown.sql", NULL, "6", 0, NULL, HEADER },
		{ "nothing.sql", "7", NULL, 1, "add c\n", "select 1;\n" },
	};
	static const char *const bound[] = {
		"Fixes=m1;Fixes=m2;Phase=expand;",
		"Fixes=h;Failure-Mode=it broke;Requires=h1;Requires=h2;",
		/* where both speak the commit wins, key by key */
		("Fixes=m1;Fixes=m2;Phase=expand;Failure-Mode=it broke;Requires=h1;"
		 "Requires=h2;"),
		/* not known for which of them the message was meant */
		"Fixes=h;Failure-Mode=it broke;Requires=h1;Requires=h2;",
		"",
		"Fixes=h;Failure-Mode=it broke;Requires=h1;Requires=h2;",
		"",
	};
	struct setup *s = *state;
	struct migration *m;
	size_t i;

	MAKE_PLAN(s, files);
	for (i = 0; i < s->plan.nr; i++) {
		m = &s->plan.items[i];
		assert_int_equal(plan_describe(&s->plan, i, &s->err), 0);
		assert_true(m->known);
		assert_trailers(m, bound[i]);
		/* each source is still there by itself, for lint */
		assert_int_equal(m->in_message.nr,
				 m->subject && strcmp(m->subject, "add a") == 0 ? 3 : 0);
		assert_int_equal(m->how.nr, files[i].header && m->in_header.nr ? 1 : 0);
	}
	assert_int_equal(s->described, s->plan.nr);
	assert_int_equal(plan_describe(&s->plan, 0, &s->err), 0);
	assert_int_equal(s->described, s->plan.nr); /* read once */
}

static void describe_fails(void **state)
{
	static const struct file files[] = {
		{ "a.sql", "1", NULL, 1, MESSAGE, NULL },
		{ "b.sql", "2", NULL, 1, MESSAGE, NULL },
	};
	struct setup *s = *state;
	ssize_t pos = 5;

	MAKE_PLAN(s, files);
	s->fails = "b.sql";
	assert_int_equal(plan_describe(&s->plan, 0, &s->err), 0);
	assert_int_equal(plan_describe(&s->plan, 1, &s->err), -1);
	assert_int_equal(s->err.code, ERR_FATAL);
	assert_string_equal(s->err.message, "migration 'b.sql': could not read it");
	assert_false(s->plan.items[1].known);
	assert_int_equal(plan_by_subject(&s->plan, "add b", &pos, &s->err), -1);
	s->fails = NULL;
	assert_int_equal(plan_describe(&s->plan, 1, &s->err), 0);
}

static void by_subject(void **state)
{
	static const struct file files[] = {
		{ "a.sql", "1", NULL, 1, "add a table\n\nbody\n", NULL },
		{ "b.sql", "2", NULL, 1, "add b\n", NULL },
		{ "c.sql", NULL, "3", 0, NULL, NULL }, /* nobody knows its commit */
		{ "d.sql", "4", NULL, 1, "add b\n", NULL },
		{ "e.sql", "5", NULL, 2, "add two\n", NULL },
		{ "f.sql", "5", NULL, 2, "add two\n", NULL },
		{ "g.sql", "6", NULL, 1, "", NULL },
	};
	static const struct {
		const char *subject;
		ssize_t pos;
	} subjects[] = {
		{ "add a table", 0 }, { "add a", -1 },	 { "Add a table", -1 },
		{ "add b", -1 },      { "add two", -1 }, { "", -1 },
	};
	struct setup *s = *state;
	ssize_t pos;
	size_t i;

	MAKE_PLAN(s, files);
	for (i = 0; i < ARRAY_SIZE(subjects); i++) {
		pos = 77;
		assert_int_equal(plan_by_subject(&s->plan, subjects[i].subject, &pos,
						 &s->err),
				 0);
		assert_int_equal(pos, subjects[i].pos);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(find),	     TEST(resolve), TEST(resolve_parts),
		TEST(resolve_limit), TEST(binding), TEST(describe_fails),
		TEST(by_subject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
