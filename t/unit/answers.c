#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "answers.h"

int collect(void *arg, const char *const *values, size_t nr, struct err *err UNUSED)
{
	size_t i;

	for (i = 0; i < nr; i++)
		buf_addf(arg, "%s%s", i ? "|" : "", values[i] ? values[i] : "NULL");
	buf_addc(arg, '\n');
	return 0;
}

void expect(struct db *db, const char *sql, const char *wanted)
{
	struct buf got = BUF_INIT;
	struct err err = { 0 };

	if (ask_sql(db, sql, collect, &got, &err) < 0)
		fail_msg("%s: %s", sql, err.message);
	assert_string_equal(buf_str(&got), wanted);
	buf_release(&got);
}

void execute(struct db *db, const char *sql)
{
	struct err err = { 0 };

	if (run_sql(db, sql, &err) < 0)
		fail_msg("%s: %s", sql, err.message);
}
