#include "base/compat.h"

#include <dlfcn.h>

#include "base/err.h"
#include "db/pq.h"

static const char LIBRARY[] = "libpq.so.5";

static const struct pq *not_loaded(struct err *err)
{
	const char *why = dlerror();

	err_set(err, ERR_FATAL, "could not load '%s': %s", LIBRARY,
		why ? why : "no reason given");
	err_hint(err, "libpq",
		 "Targets on PostgreSQL need PostgreSQL's client library: install the "
		 "package libpq5 (libpq, postgresql-libs), of version 14 or newer.");
	return NULL;
}

const struct pq *pq_load(struct err *err)
{
	static struct pq loaded; /* written once */
	static bool done;
	struct pq pq;
	void *library, *symbol;

	if (done)
		return &loaded;
	library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return not_loaded(err);
		/* POSIX lets a pointer to data carry a function's address */
#define X(field, name)                                                                   \
	symbol = dlsym(library, #name);                                                  \
	if (!symbol)                                                                     \
		return not_loaded(err);                                                  \
	memcpy(&pq.field, &symbol, sizeof(symbol));
	PQ_FUNCTIONS(X)
#undef X
	loaded = pq;
	done = true;
	return &loaded;
}
