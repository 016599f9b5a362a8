/*
 * How fast SQL is taken apart, and in how much memory.
 *
 * usage: lexer --make KIND MEGABYTES     prints a made-up text
 *        lexer [--memory] FILE           splits it: as a source, or from memory
 *
 * KIND is inserts (some 100 bytes each), values (one INSERT of many rows), string
 * (one long literal), copy (one COPY with data).
 */
#include "base/compat.h"

#include <fcntl.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "sql/split.h"

struct totals {
	size_t statements, longest, data;
	unsigned line;
};

/* --- making ------------------------------------------------------------ */

static void print_row(unsigned nr)
{
	printf("(%u, 'name of %u', 'it''s caf\xc3\xa9 no. %u', %u.%02u)", nr, nr,
	       nr % 977, nr % 10007, nr % 100);
}

static int make(const char *kind, size_t bytes)
{
	bool inserts = strcmp(kind, "inserts") == 0, copy = strcmp(kind, "copy") == 0;
	bool values = strcmp(kind, "values") == 0, string = strcmp(kind, "string") == 0;
	unsigned nr;

	if (!inserts && !copy && !values && !string)
		return -1;
	printf(copy	? "COPY t (id, name, price) FROM STDIN;\n"
	       : values ? "INSERT INTO t VALUES\n"
	       : string ? "INSERT INTO t VALUES ('"
			: "BEGIN;\n");
	for (nr = 1; (size_t)ftello(stdout) < bytes; nr++) {
		if (copy) {
			printf("%u\tname of %u\t%u.%02u\n", nr, nr, nr % 997, nr % 100);
		} else if (string) {
			printf("line %u; it''s still the same -- string\n", nr);
		} else {
			if (inserts)
				printf("INSERT INTO t (id, name, note) VALUES ");
			print_row(nr);
			printf(inserts ? ";\n" : ",\n");
		}
	}
	printf(copy	? "\\.\n"
	       : values ? "(0, '', '', 0);\n"
	       : string ? "');\n"
			: "COMMIT;\n");
	return 0;
}

/* --- splitting --------------------------------------------------------- */

static int file_rewind(void *arg, struct err *err)
{
	const int *fd = arg;

	return lseek(*fd, 0, SEEK_SET) < 0 ? err_errno(err, ERR_FATAL, "cannot go back")
					   : 0;
}

static ssize_t file_next(void *arg, char *out, size_t room, struct err *err)
{
	const int *fd = arg;
	ssize_t n = read(*fd, out, room);

	return n < 0 ? err_errno(err, ERR_FATAL, "could not read") : n;
}

static int count(struct sql_split *s, struct totals *t, struct err *err)
{
	struct sql_statement st;
	const char *piece;
	size_t len;
	int rc;

	while ((rc = sql_split_next(s, &st, err)) > 0) {
		t->statements++;
		t->line = st.line;
		if (st.len > t->longest)
			t->longest = st.len;
		while ((rc = sql_split_data(s, &piece, &len, err)) > 0)
			t->data += len;
		if (rc < 0)
			break;
	}
	return rc;
}

static double cpu_seconds(struct rusage *used)
{
	getrusage(RUSAGE_SELF, used);
	return (double)(used->ru_utime.tv_sec + used->ru_stime.tv_sec) +
	       (double)(used->ru_utime.tv_usec + used->ru_stime.tv_usec) / 1e6;
}

static int split(const char *path, bool in_memory, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;
	const struct source source = { file_rewind, file_next, &fd };
	struct totals totals = { 0 };
	struct buf text = BUF_INIT;
	struct sql_split s = { 0 };
	struct rusage used;
	double before;

	if (fd < 0) {
		err_errno(err, ERR_FATAL, "cannot open '%s'", path);
		goto out;
	}
	if (in_memory && fd_read_all(fd, SIZE_MAX / 2, &text, err) < 0)
		goto out;
	before = cpu_seconds(&used);
	rc = in_memory ? sql_split_init(&s, buf_str(&text), text.len, err)
		       : sql_split_open(&s, &source, err);
	if (rc == 0)
		rc = count(&s, &totals, err);
	if (rc == 0) {
		before = cpu_seconds(&used) - before;
		printf("%zu statements, the last on line %u, the longest %zu bytes, "
		       "%zu bytes of data: %.3f s CPU, peak %.1f MB\n",
		       totals.statements, totals.line, totals.longest, totals.data,
		       before, (double)used.ru_maxrss / 1024);
	}
out:
	sql_split_close(&s);
	buf_release(&text);
	if (fd >= 0)
		close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err = { 0 };

	if (argc == 4 && strcmp(argv[1], "--make") == 0 &&
	    make(argv[2], strtoul(argv[3], NULL, 10) * 1000 * 1000) == 0)
		return 0;
	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[1], "--memory") != 0)) {
		fprintf(stderr, "usage: %s [--memory] FILE | --make KIND MEGABYTES\n",
			argv[0]);
		return 129;
	}
	if (split(argv[argc - 1], argc == 3, &err) < 0) {
		fprintf(stderr, "error: line %u, column %u: %s\n", err.line, err.column,
			err.message);
		return 1;
	}
	return 0;
}
