#include "base/compat.h"

#include "base/err.h"
#include "db/driver.h"

const struct db_driver *db_driver_for(const char *url, struct err *err)
{
	static const struct db_driver *const drivers[] = { &db_sqlite, &db_postgresql };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i]->accepts(url))
			return drivers[i];
	/* the URL is not repeated: it may hold a password */
	err_set(err, ERR_USAGE, "no kind of database has a URL like the target's");
	err_hint(err, "target-url",
		 "Understood are sqlite:FILE and "
		 "postgresql://[user@]host[:port]/database.");
	return NULL;
}

void db_now_release(struct db_now *now)
{
	buf_release(&now->waiting);
	buf_release(&now->holding);
	buf_release(&now->invalid);
}
