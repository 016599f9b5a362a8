#include "base/compat.h"

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "base/err.h"
#include "base/text.h"
#include "git/lib.h"

/* As X(type, function, parameters, arguments). */
#define FUNCTIONS(X)                                                                     \
	X(const git_signature *, git_commit_author, (const git_commit *a), (a))          \
	X(const git_oid *, git_commit_id, (const git_commit *a), (a))                    \
	X(int, git_commit_lookup,                                                        \
	  (git_commit * *a, git_repository * b, const git_oid *c), (a, b, c))            \
	X(int, git_commit_lookup_prefix,                                                 \
	  (git_commit * *a, git_repository * b, const git_oid *c, size_t d),             \
	  (a, b, c, d))                                                                  \
	X(const char *, git_commit_message_raw, (const git_commit *a), (a))              \
	X(int, git_commit_parent, (git_commit * *a, const git_commit *b, unsigned c),    \
	  (a, b, c))                                                                     \
	X(const git_oid *, git_commit_parent_id, (const git_commit *a, unsigned b),      \
	  (a, b))                                                                        \
	X(unsigned, git_commit_parentcount, (const git_commit *a), (a))                  \
	X(const git_oid *, git_commit_tree_id, (const git_commit *a), (a))               \
	X(const git_error *, git_error_last, (void), ())                                 \
	X(int, git_graph_descendant_of,                                                  \
	  (git_repository * a, const git_oid *b, const git_oid *c), (a, b, c))           \
	X(int, git_libgit2_init, (void), ())                                             \
	X(int, git_libgit2_shutdown, (void), ())                                         \
	X(int, git_merge_bases,                                                          \
	  (git_oidarray * a, git_repository * b, const git_oid *c, const git_oid *d),    \
	  (a, b, c, d))                                                                  \
	X(const git_oid *, git_object_id, (const git_object *a), (a))                    \
	X(int, git_object_peel, (git_object * *a, const git_object *b, git_object_t c),  \
	  (a, b, c))                                                                     \
	X(int, git_odb_add_disk_alternate, (git_odb * a, const char *b), (a, b))         \
	X(int, git_odb_exists, (git_odb * a, const git_oid *b), (a, b))                  \
	X(int, git_odb_exists_ext, (git_odb * a, const git_oid *b, unsigned c),          \
	  (a, b, c))                                                                     \
	X(int, git_odb_new, (git_odb * *a), (a))                                         \
	X(const void *, git_odb_object_data, (git_odb_object * a), (a))                  \
	X(int, git_odb_object_dup, (git_odb_object * *a, git_odb_object * b), (a, b))    \
	X(const git_oid *, git_odb_object_id, (git_odb_object * a), (a))                 \
	X(size_t, git_odb_object_size, (git_odb_object * a), (a))                        \
	X(git_object_t, git_odb_object_type, (git_odb_object * a), (a))                  \
	X(int, git_odb_open, (git_odb * *a, const char *b), (a, b))                      \
	X(int, git_odb_read, (git_odb_object * *a, git_odb * b, const git_oid *c),       \
	  (a, b, c))                                                                     \
	X(int, git_odb_read_header,                                                      \
	  (size_t * a, git_object_t * b, git_odb * c, const git_oid *d), (a, b, c, d))   \
	X(int, git_oid_equal, (const git_oid *a, const git_oid *b), (a, b))              \
	X(int, git_oid_fromstrn, (git_oid * a, const char *b, size_t c), (a, b, c))      \
	X(int, git_reference_dwim,                                                       \
	  (git_reference * *a, git_repository * b, const char *c), (a, b, c))            \
	X(int, git_reference_is_valid_name, (const char *a), (a))                        \
	X(int, git_reference_iterator_glob_new,                                          \
	  (git_reference_iterator * *a, git_repository * b, const char *c), (a, b, c))   \
	X(int, git_reference_lookup,                                                     \
	  (git_reference * *a, git_repository * b, const char *c), (a, b, c))            \
	X(int, git_reference_name_to_id,                                                 \
	  (git_oid * a, git_repository * b, const char *c), (a, b, c))                   \
	X(int, git_reference_next_name, (const char **a, git_reference_iterator *b),     \
	  (a, b))                                                                        \
	X(int, git_reference_peel,                                                       \
	  (git_object * *a, const git_reference *b, git_object_t c), (a, b, c))          \
	X(const char *, git_reference_symbolic_target, (const git_reference *a), (a))    \
	X(const git_oid *, git_reference_target, (const git_reference *a), (a))          \
	X(git_reference_t, git_reference_type, (const git_reference *a), (a))            \
	X(int, git_repository_hashfile,                                                  \
	  (git_oid * a, git_repository * b, const char *c, git_object_t d,               \
	   const char *e),                                                               \
	  (a, b, c, d, e))                                                               \
	X(int, git_repository_head_unborn, (git_repository * a), (a))                    \
	X(int, git_repository_odb, (git_odb * *a, git_repository * b), (a, b))           \
	X(int, git_repository_open_ext,                                                  \
	  (git_repository * *a, const char *b, unsigned c, const char *d), (a, b, c, d)) \
	X(int, git_repository_set_odb, (git_repository * a, git_odb * b), (a, b))        \
	X(int, git_revparse_single,                                                      \
	  (git_object * *a, git_repository * b, const char *c), (a, b, c))               \
	X(int, git_signature_now, (git_signature * *a, const char *b, const char *c),    \
	  (a, b, c))                                                                     \
	X(int, git_transaction_commit, (git_transaction * a), (a))                       \
	X(int, git_transaction_lock_ref, (git_transaction * a, const char *b), (a, b))   \
	X(int, git_transaction_new, (git_transaction * *a, git_repository * b), (a, b))  \
	X(int, git_transaction_set_target,                                               \
	  (git_transaction * a, const char *b, const git_oid *c, const git_signature *d, \
	   const char *e),                                                               \
	  (a, b, c, d, e))

/* Those that free, and take NULL before there is a library: X(function, type). */
#define FREES(X)                                                                         \
	X(git_commit_free, git_commit)                                                   \
	X(git_object_free, git_object)                                                   \
	X(git_odb_free, git_odb)                                                         \
	X(git_odb_object_free, git_odb_object)                                           \
	X(git_oidarray_dispose, git_oidarray)                                            \
	X(git_reference_free, git_reference)                                             \
	X(git_reference_iterator_free, git_reference_iterator)                           \
	X(git_repository_free, git_repository)                                           \
	X(git_signature_free, git_signature)                                             \
	X(git_transaction_free, git_transaction)

static struct {
#define X(type, name, params, args) __typeof__(&name) name;
	FUNCTIONS(X)
#undef X
#define X(name, type) __typeof__(&name) name;
	FREES(X)
#undef X
} lib; /* written once, by find_functions */

static int (*started)(int option, ...);	      /* sets its options; NULL: it was not yet */
static size_t most_mapped = (size_t)32 << 20; /* of packs, at a time */

#define X(type, name, params, args)                                                      \
	type name params                                                                 \
	{                                                                                \
		return lib.name args;                                                    \
	}
FUNCTIONS(X)
#undef X

#define X(name, type)                                                                    \
	void name(type *what)                                                            \
	{                                                                                \
		if (lib.name)                                                            \
			lib.name(what);                                                  \
	}
FREES(X)
#undef X

static const char LIBRARY[] = "libgit2.so." LIBGIT2_SOVERSION;

/*
 * libgit2 as Debian builds it (mbedTLS) parses every certificate authority of the
 * machine when it starts, half the time of a command. It never reaches a network
 * here, so it gets none: the program's own function of that name comes before the
 * library's (src/local.mk exports it), and libgit2 goes on without.
 */
int mbedtls_x509_crt_parse_file(void *chain, const char *path);
int mbedtls_x509_crt_parse_file(void *chain UNUSED, const char *path UNUSED)
{
	return -1;
}

static int not_loaded(struct err *err)
{
	const char *why = dlerror();

	err_set(err, ERR_FATAL, "could not load '%s': %s", LIBRARY,
		why ? why : "no reason given");
	err_hint(err, "libgit2",
		 "Repositories are read through libgit2: install the package that has "
		 "this file (libgit2-%s), or build git-migrate anew where it is another "
		 "version.",
		 LIBGIT2_SOVERSION);
	return -1;
}

static int find_functions(void *library, struct err *err)
{
	void *symbol;

	/* POSIX lets a pointer to data carry a function's address */
#define FIND(name)                                                                       \
	symbol = dlsym(library, #name);                                                  \
	if (!symbol)                                                                     \
		return not_loaded(err);                                                  \
	memcpy(&lib.name, &symbol, sizeof(symbol));
#define X(type, name, params, args) FIND(name)
	FUNCTIONS(X)
#undef X
#define X(name, type) FIND(name)
	FREES(X)
#undef X
#undef FIND
	return 0;
}

/*
 * What libgit2 does for others and costs us more than it gives, as measured on a
 * million commits: every object is hashed again (five times the time of a walk),
 * commits and trees are kept though none is read twice, and packs are mapped
 * whole. git rev-parse has judged the owner.
 */
static void tune(int (*set)(int option, ...))
{
	enum {
		WINDOW = 1 << 20,
	};
	/* harmless to us, and refused by libgit2 unless named */
	const char *extensions[] = { "partialclone", "worktreeconfig", "preciousobjects",
				     "relativeworktrees", "objectformat" };

	set(GIT_OPT_SET_OWNER_VALIDATION, 0);
	set(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
	set(GIT_OPT_ENABLE_CACHING, 0);
	set(GIT_OPT_SET_MWINDOW_SIZE, (size_t)WINDOW);
	set(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, most_mapped);
	set(GIT_OPT_SET_EXTENSIONS, extensions, ARRAY_SIZE(extensions));
#ifdef M_MXFAST
	mallopt(M_MXFAST, 0); /* each large free would walk through the fast bins */
#endif
}

/* Finds the library, once; what it is loaded for stays. 0 or -1. */
static int load(int (**set)(int option, ...), struct err *err)
{
	static void *library;
	void *found = library ? library : dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	void *symbol = found ? dlsym(found, "git_libgit2_opts") : NULL;

	if (!symbol)
		return not_loaded(err);
	memcpy(set, &symbol, sizeof(symbol));
	if (!library && find_functions(found, err) < 0)
		return -1;
	library = found;
	return 0;
}

int lib_start(struct err *err)
{
	int (*set)(int option, ...);

	if (load(&set, err) < 0)
		return -1;
	if (lib.git_libgit2_init() < 0)
		return err_set(err, ERR_FATAL, "could not start libgit2");
	tune(set);
	started = set;
	return 0;
}

void lib_map_at_most(size_t bytes)
{
	most_mapped = bytes;
	if (started)
		started(GIT_OPT_SET_MWINDOW_MAPPED_LIMIT, bytes);
}
