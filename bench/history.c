/*
 * Prints a made-up history with migrations as a stream for git fast-import.
 * The same options give the same bytes, and so the same commit ids.
 */
#include "base/compat.h"

#include <getopt.h>

enum {
	FILES_PER_FOLDER = 12,
	ROOT_FILES = 3,
	LINES_PER_FILE = 12,
	SIDE_MAX = 4, /* commits on a side branch */
	CHANGES_MAX = 4 * SIDE_MAX,
	FORK_BACK = 10,	     /* a side branch begins up to so many commits ago */
	TAIL = 2 * SIDE_MAX, /* the last commits bring no migration */
	FIRST_CHANGE_MARK = 1,
	FIRST_MAIN_MARK = FIRST_CHANGE_MARK + CHANGES_MAX,
	NAME_MAX_BYTES = 64,
};

/* One file of a commit, whose blob the stream has as a mark or inline. */
struct change {
	char path[NAME_MAX_BYTES];
	unsigned mark;
};

struct history {
	/* asked for */
	uint64_t commits;
	uint64_t migrations;
	unsigned merge_percent;
	uint64_t per_folder; /* 0: all in one folder */
	unsigned root_entries;
	uint64_t seed;
	const char *branch;
	const char *from;
	uint64_t first_number;

	/* how far it is */
	uint64_t random;
	uint64_t done;	    /* commits */
	uint64_t mainline;  /* commits of the first-parent line */
	uint64_t brought;   /* migrations */
	uint64_t edited;    /* the number of the last that was edited */
	uint32_t *versions; /* of each ordinary file */
	size_t files_nr;

	/* what the side branch has changed */
	struct change side[CHANGES_MAX];
	size_t side_nr;
};

static const char *const words[] = {
	"account", "address", "amount", "batch",  "branch",  "buffer",	"cache",
	"change",  "client",  "column", "count",  "create",  "credit",	"customer",
	"date",	   "driver",  "error",	"event",  "field",   "filter",	"group",
	"index",   "invoice", "item",	"ledger", "limit",   "list",	"lock",
	"market",  "message", "number", "order",  "parser",  "partner", "price",
	"queue",   "record",  "region", "report", "request", "result",	"retry",
	"review",  "row",     "search", "server", "session", "state",	"status",
	"stock",   "store",   "string", "table",  "ticket",  "time",	"token",
	"total",   "update",  "user",	"value",  "vendor",  "version", "visit",
	"worker",
};

static NORETURN void usage(FILE *to, int code)
{
	fputs("usage: history --commits <n> [<options>] | git fast-import\n"
	      "\n"
	      "    --commits <n>       how many commits\n"
	      "    --migrations <n>    how many migrations they bring (5000)\n"
	      "    --merges <percent>  of the commits are merges, at most 33 (0)\n"
	      "    --flat              migrations in one folder (the default)\n"
	      "    --folders <n>       migrations in folders of <n> files\n"
	      "    --root-entries <n>  entries of the root tree (200)\n"
	      "    --seed <n>          another history of the same shape (1)\n"
	      "    --branch <ref>      where it goes (refs/heads/main)\n"
	      "    --from <ref>        go on from that branch\n"
	      "    --start-number <n>  number of the first migration (1)\n"
	      "    -h, --help\n",
	      to);
	exit(code);
}

static NORETURN void die(const char *what)
{
	fprintf(stderr, "error: %s\n", what);
	exit(128);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 30;
	x *= UINT64_C(0xbf58476d1ce4e5b9);
	x ^= x >> 27;
	x *= UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* xorshift64: below `limit`. */
static uint64_t draw(struct history *h, uint64_t limit)
{
	h->random ^= h->random << 13;
	h->random ^= h->random >> 7;
	h->random ^= h->random << 17;
	return (h->random >> 11) % limit;
}

static const char *word(uint64_t of)
{
	return words[mix(of) % ARRAY_SIZE(words)];
}

static void put_data(const char *text, size_t len)
{
	printf("data %zu\n", len);
	fwrite(text, 1, len, stdout);
	putchar('\n');
}

/* A short text that is put together. */
struct text {
	char bytes[4096];
	size_t len;
};

PRINTF_LIKE(2, 3)
static void text_addf(struct text *t, const char *fmt, ...)
{
	size_t room = sizeof(t->bytes) - t->len;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(t->bytes + t->len, room, fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= room)
		die("a text is too long");
	t->len += (size_t)n;
}

static void migration_path(const struct history *h, uint64_t number,
			   char path[NAME_MAX_BYTES])
{
	static const char *const verbs[] = { "add", "fill", "index", "split" };
	const char *verb = verbs[mix(number) % ARRAY_SIZE(verbs)];
	char folder[24] = "";

	if (h->per_folder)
		snprintf(folder, sizeof(folder), "%04" PRIu64 "/",
			 (number - 1) / h->per_folder);
	snprintf(path, NAME_MAX_BYTES, "migrations/%s%06" PRIu64 "-%s-%s.sql", folder,
		 number, verb, word(number + 1));
}

/* SQL that both SQLite and PostgreSQL run; ten numbers share a table. */
static void migration_sql(uint64_t number, bool edited, struct text *t)
{
	uint64_t table = number < 10 ? number : number - number % 10;

	if (number % 3 == 0)
		text_addf(t,
			  "-- The %s of a %s was looked up by %s.\n"
			  "-- Nothing that runs reads it while this is applied.\n",
			  word(number), word(number + 2), word(number + 3));
	if (edited)
		text_addf(t, "-- Reviewed once more.\n");
	switch (number == table ? 0 : number % 10) {
	case 0:
		text_addf(t,
			  "create table t%06" PRIu64 " (\n"
			  "\tid integer primary key,\n"
			  "\tname varchar(80) not null,\n"
			  "\t%s_id integer,\n"
			  "\tamount integer default 0 not null\n"
			  ");\n",
			  table, word(number));
		break;
	case 1:
	case 9:
		text_addf(t, "create index i%06" PRIu64 " on t%06" PRIu64 " (%s);\n",
			  number, table, number % 10 == 1 ? "name" : "amount");
		break;
	case 4:
		text_addf(t,
			  "alter table t%06" PRIu64 " add column c%06" PRIu64
			  " integer default 0 not null;\n",
			  table, number);
		break;
	case 5:
	case 8:
		text_addf(t,
			  "update t%06" PRIu64 " set amount = amount + 1\n"
			  "\twhere name = '%s';\n",
			  table, word(number));
		break;
	default:
		text_addf(t,
			  "insert into t%06" PRIu64 " (id, name, amount) values\n"
			  "\t(%" PRIu64 ", '%s', 1),\n\t(%" PRIu64 ", '%s', 2);\n",
			  table, 2 * number, word(number), 2 * number + 1,
			  word(number + 4));
	}
}

static void file_path(const struct history *h, size_t nr, char path[NAME_MAX_BYTES])
{
	size_t in_folders = h->files_nr - ROOT_FILES, folder = nr / FILES_PER_FOLDER;

	if (nr >= in_folders)
		snprintf(path, NAME_MAX_BYTES, "notes-%zu.txt", nr - in_folders);
	else
		snprintf(path, NAME_MAX_BYTES, "%s-%03zu/%s-%02zu.c", word(folder),
			 folder, word(nr), nr % FILES_PER_FOLDER);
}

/* Each version of a file changes one of its lines. */
static void file_text(size_t nr, uint32_t version, struct text *t)
{
	uint32_t i, behind, since;
	uint64_t of;

	for (i = 0; i < LINES_PER_FILE; i++) {
		behind = (version % LINES_PER_FILE + LINES_PER_FILE - i) % LINES_PER_FILE;
		since = version > behind ? version - behind : 0;
		of = ((uint64_t)nr << 36) + ((uint64_t)since << 4) + i;
		text_addf(t, "%s_%s(%s, %u);\n", word(of), word(of + 5), word(of + 11),
			  (unsigned)(mix(of) % 1000));
	}
}

/* What one commit does. */
struct commit {
	const char *branch;
	char from[80]; /* "" when it goes on where its branch is */
	bool is_side;
	bool is_merge;
	struct change changes[4];
	struct text texts[4];
	size_t changes_nr;
	uint64_t migration; /* the number of what it brings or edits; 0 for none */
	bool is_edit;
};

static struct text *commit_add(struct commit *c, const char *path)
{
	size_t i = c->changes_nr++;

	if (c->changes_nr > ARRAY_SIZE(c->changes))
		die("a commit changes too much");
	memset(&c->changes[i], 0, sizeof(c->changes[i]));
	snprintf(c->changes[i].path, sizeof(c->changes[i].path), "%s", path);
	c->texts[i].len = 0;
	return &c->texts[i];
}

static void add_files(struct history *h, struct commit *c)
{
	size_t nr = 1 + draw(h, 2), file, last = h->files_nr;
	char path[NAME_MAX_BYTES];

	while (nr-- > 0) {
		file = draw(h, h->files_nr);
		if (file == last)
			continue;
		last = file;
		file_path(h, file, path);
		file_text(file, ++h->versions[file], commit_add(c, path));
	}
}

/* How many migrations should be there when `done` commits are. */
static uint64_t due(const struct history *h, uint64_t done)
{
	uint64_t over = h->commits > 4 * TAIL ? h->commits - TAIL : h->commits;

	if (done >= over)
		return h->migrations;
	return (uint64_t)((double)h->migrations * (double)done / (double)over);
}

/* Brings the next migration, or instead edits the last: on a side branch its own. */
static void add_migration(struct history *h, struct commit *c, uint64_t brought_before)
{
	uint64_t newest = h->first_number + h->brought - 1;
	bool own = h->brought > brought_before;
	char path[NAME_MAX_BYTES];

	if (due(h, h->done + 1) <= h->brought)
		return;
	c->is_edit = draw(h, 100) == 0 && h->brought > 0 && newest != h->edited &&
		     (!c->is_side || own) && h->done + 2 * TAIL < h->commits;
	if (c->is_edit) {
		c->migration = h->edited = newest;
	} else {
		c->migration = newest + 1;
		h->brought++;
	}
	migration_path(h, c->migration, path);
	migration_sql(c->migration, c->is_edit, commit_add(c, path));
}

static void message(const struct history *h, const struct commit *c, struct text *t)
{
	uint64_t of = mix(h->seed) + h->done, fixes;
	char path[NAME_MAX_BYTES];

	if (c->is_merge) {
		text_addf(t, "Merge branch '%s-%s'\n", word(of), word(of + 1));
		return;
	}
	text_addf(t, "%s: %s the %s of a %s\n\nThe %s came before the %s.\n", word(of),
		  c->is_edit ? "review" : "change", word(of + 2), word(of + 3),
		  word(of + 4), word(of + 5));
	if (c->migration && !c->is_edit && c->migration > 100 && c->migration % 20 == 7) {
		fixes = c->migration - 50 - mix(of) % 40;
		migration_path(h, fixes, path);
		text_addf(t,
			  "\nFixes: %s\n"
			  "Failure-Mode: the %s was counted twice\n",
			  path, word(of + 6));
	}
}

/*
 * The blobs of a side branch come again in its merge, so they get marks; those of
 * other commits stand where they are used.
 */
static void put_blobs(struct history *h, struct commit *c)
{
	size_t i;

	for (i = 0; i < c->changes_nr && c->is_side; i++) {
		c->changes[i].mark = (unsigned)(FIRST_CHANGE_MARK + h->side_nr);
		h->side[h->side_nr++] = c->changes[i];
		printf("blob\nmark :%u\n", c->changes[i].mark);
		put_data(c->texts[i].bytes, c->texts[i].len);
	}
}

static void put_change(const struct change *change, const struct text *t)
{
	if (change->mark) {
		printf("M 100644 :%u %s\n", change->mark, change->path);
	} else {
		printf("M 100644 inline %s\n", change->path);
		put_data(t->bytes, t->len);
	}
}

static unsigned main_mark(uint64_t nr)
{
	return FIRST_MAIN_MARK + (unsigned)(nr % (2 * FORK_BACK));
}

/* All of a commit but its changes. */
static void put_head(struct history *h, const struct commit *c)
{
	/* what goes on from another history begins after its last date */
	uint64_t when = UINT64_C(1000000000) + (h->from ? UINT64_C(720000000) : 0);
	struct text t = { .len = 0 };

	message(h, c, &t);
	printf("commit %s\n", c->branch);
	if (!c->is_side)
		printf("mark :%u\n", main_mark(h->mainline++));
	printf("committer Ann Author <ann@example.com> %" PRIu64 " +0000\n",
	       when + 60 * h->done);
	put_data(t.bytes, t.len);
	if (c->from[0])
		printf("from %s\n", c->from);
	if (c->is_merge)
		puts("merge refs/heads/side");
	h->done++;
}

static void put_commit(struct history *h, struct commit *c)
{
	static const struct text none;
	size_t i;

	put_blobs(h, c);
	put_head(h, c);
	for (i = 0; i < c->changes_nr; i++)
		put_change(&c->changes[i], &c->texts[i]);
	for (i = 0; c->is_merge && i < h->side_nr; i++)
		put_change(&h->side[i], &none);
	putchar('\n');
}

static void put_first(struct history *h)
{
	struct commit c = { .branch = h->branch };
	struct change change = { .mark = 0 };
	struct text t;
	size_t i;

	put_head(h, &c);
	for (i = 0; i < h->files_nr; i++) {
		file_path(h, i, change.path);
		t.len = 0;
		file_text(i, 0, &t);
		put_change(&change, &t);
	}
	putchar('\n');
}

static void put_direct(struct history *h)
{
	struct commit c = { .branch = h->branch };

	if (h->from && h->done == 0)
		snprintf(c.from, sizeof(c.from), "%s^0", h->from);
	add_migration(h, &c, h->brought);
	add_files(h, &c);
	put_commit(h, &c);
}

static void put_side(struct history *h, unsigned len)
{
	/* what is before the first commit of this stream has no mark */
	uint64_t newest = h->mainline - 1, back = draw(h, FORK_BACK), before = h->brought;
	struct commit c;
	unsigned i;

	if (back > newest)
		back = newest;
	h->side_nr = 0;
	for (i = 0; i < len; i++) {
		memset(&c, 0, sizeof(c));
		c.branch = "refs/heads/side";
		c.is_side = true;
		if (i == 0)
			snprintf(c.from, sizeof(c.from), ":%u", main_mark(newest - back));
		add_migration(h, &c, before);
		add_files(h, &c);
		put_commit(h, &c);
	}
	memset(&c, 0, sizeof(c));
	c.branch = h->branch;
	c.is_merge = true;
	put_commit(h, &c);
}

/* 1 to 4, 2 on average. */
static unsigned side_length(struct history *h)
{
	static const unsigned char lengths[] = { 1, 1, 1, 1, 2, 2, 2, 3, 3, 4 };

	return lengths[draw(h, ARRAY_SIZE(lengths))];
}

static void put_history(struct history *h)
{
	/* a merge brings its side along: three commits on average */
	unsigned steps = 100 - 2 * h->merge_percent, len;
	bool merge;

	if (!h->from)
		put_first(h);
	else
		put_direct(h);
	while (h->done < h->commits) {
		merge = draw(h, steps) < h->merge_percent;
		len = side_length(h);
		if (merge && h->done + len + 1 <= h->commits)
			put_side(h, len);
		else
			put_direct(h);
	}
	if (h->merge_percent)
		printf("reset refs/heads/side\nfrom %040d\n\n", 0);
	/* without the "done" fast-import makes nothing of it */
	if (h->brought < h->migrations)
		die("there are too few commits for so many migrations");
	puts("done");
	if (fflush(stdout) || ferror(stdout))
		die("could not write");
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n < least || n > most) {
		fprintf(stderr,
			"error: not a number from %" PRIu64 " to %" PRIu64 ": '%s'\n",
			least, most, text);
		exit(129);
	}
	return n;
}

static void options(struct history *h, int argc, char **argv)
{
	static const struct option known[] = {
		{ "commits", required_argument, NULL, 'c' },
		{ "migrations", required_argument, NULL, 'm' },
		{ "merges", required_argument, NULL, 'p' },
		{ "flat", no_argument, NULL, 'f' },
		{ "folders", required_argument, NULL, 'k' },
		{ "root-entries", required_argument, NULL, 'r' },
		{ "seed", required_argument, NULL, 's' },
		{ "branch", required_argument, NULL, 'b' },
		{ "from", required_argument, NULL, 'F' },
		{ "start-number", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const uint64_t most = 12000000;
	int letter;

	while ((letter = getopt_long(argc, argv, "h", known, NULL)) != -1) {
		switch (letter) {
		case 'c':
			h->commits = number(optarg, 1, most);
			break;
		case 'm':
			h->migrations = number(optarg, 0, 999999);
			break;
		case 'p':
			h->merge_percent = (unsigned)number(optarg, 0, 33);
			break;
		case 'f':
			h->per_folder = 0;
			break;
		case 'k':
			h->per_folder = number(optarg, 1, most);
			break;
		case 'r':
			h->root_entries = (unsigned)number(optarg, 10, 100000);
			break;
		case 's':
			h->seed = number(optarg, 0, UINT64_MAX);
			break;
		case 'b':
			h->branch = optarg;
			break;
		case 'F':
			h->from = optarg;
			break;
		case 'n':
			h->first_number = number(optarg, 1, 999999);
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 129);
		}
	}
	if (optind < argc || !h->commits)
		usage(stderr, 129);
}

int main(int argc, char **argv)
{
	static char out[1 << 20];
	struct history h = {
		.migrations = 5000,
		.root_entries = 200,
		.branch = "refs/heads/main",
		.seed = 1,
		.first_number = 1,
	};
	size_t i;

	options(&h, argc, argv);
	setvbuf(stdout, out, _IOFBF, sizeof(out));
	/* folders, some files beside them, and the folder of the migrations */
	h.files_nr = (size_t)(h.root_entries - ROOT_FILES - 1) * FILES_PER_FOLDER +
		     ROOT_FILES;
	h.versions = calloc(h.files_nr, sizeof(*h.versions));
	if (!h.versions)
		die("out of memory");
	h.random = mix(h.seed + UINT64_C(0x9e3779b97f4a7c15));
	/* no version of a file that another history has */
	for (i = 0; h.from && i < h.files_nr; i++)
		h.versions[i] = 100000000 + (uint32_t)(h.seed % 1000) * 1000000;
	puts("feature done");
	put_history(&h);
	free(h.versions);
	return 0;
}
