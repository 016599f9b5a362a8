#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/pool.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/record_stream.h"
#include "flow/mirror.h"
#include "flow/parted.h"
#include "flow/target.h"
#include "git/history.h"
#include "git/notes.h"
#include "git/repo.h"

#define HEAD_KEY "Migrate-Head: "

enum { TRIES = 20, PAUSE_MS = 15, MESSAGE_LINES = 20 };

void mirror_ref(struct buf *out, const char *target)
{
	buf_addf(out, "%s%s", MIRROR_REFS, target);
}

static int cmp_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lines as they are read, of one ref or of several. */
struct gather {
	struct repo *repo;
	struct pool *pool;
	const char *target;
	const char **lines;
	size_t nr, alloc;
	struct mirror *out; /* takes the newest head of them */
	enum mirror_flags flags;
};

/* "<target> <seq> <hash>" behind the key: 0, or -1 when it is another target's. */
static int parse_head(const char *value, const char *target, uint64_t *seq,
		      char hash[SHA256_HEXSZ + 1])
{
	size_t len = strlen(target), i;

	if (strncmp(value, target, len) != 0 || value[len] != ' ')
		return -1;
	value += len + 1;
	if (strspn(value, "0123456789") != RECORD_SEQ_DIGITS ||
	    value[RECORD_SEQ_DIGITS] != ' ')
		return -1;
	*seq = 0;
	for (i = 0; i < RECORD_SEQ_DIGITS; i++)
		*seq = *seq * 10 + (uint64_t)(value[i] - '0');
	value += RECORD_SEQ_DIGITS + 1;
	if (strspn(value, "0123456789abcdef") != SHA256_HEXSZ)
		return -1;
	snprintf(hash, SHA256_HEXSZ + 1, "%s", value);
	return 0;
}

/* The name behind the key where it is well-formed and not ours, else NULL. */
static const char *other_name(struct gather *g, const char *value)
{
	char *name = pool_strndup(g->pool, value, strcspn(value, " \n"));

	return target_name_ok(name) && strcmp(name, g->target) != 0 ? name : NULL;
}

/*
 * The head that a notes commit names, in the last such line of its message. One
 * that names none (git notes edit, git notes merge) is passed over.
 */
static int take_head(void *arg, const struct oid *commit, const char *message,
		     size_t len UNUSED, struct err *err UNUSED)
{
	struct gather *g = arg;
	const char *at = message, *hit = NULL;
	char hash[SHA256_HEXSZ + 1];
	uint64_t seq;

	while ((at = strstr(at, "\n" HEAD_KEY)) != NULL)
		hit = ++at;
	if (!hit)
		return 0;
	hit += strlen(HEAD_KEY);
	if (parse_head(hit, g->target, &seq, hash) < 0) {
		if (!g->out->other && !g->out->head_seq)
			g->out->other = other_name(g, hit);
		return 0;
	}
	if (seq > g->out->head_seq) {
		g->out->head_seq = seq;
		g->out->head_hash = pool_strdup(g->pool, hash);
		g->out->head_commit = *commit;
	}
	return 1;
}

static int gather_head(struct gather *g, const struct oid *tip, struct err *err)
{
	static const struct oid none;
	struct buf message = BUF_INIT;
	int ret;

	if (oid_is_zero(tip))
		return 0;
	/* nearly always it is the newest one */
	ret = history_trailers(g->repo, tip, &message, err);
	if (ret == 0)
		ret = take_head(g, tip, buf_str(&message), message.len, err);
	if (ret == 0)
		ret = history_each_message(g->repo, tip, &none, take_head, g, err);
	buf_release(&message);
	return ret < 0 ? -1 : 0;
}

static int gather_at(struct gather *g, const struct oid *tip, struct err *err)
{
	struct notes notes;
	size_t i;

	if (oid_is_zero(tip))
		return 0;
	if (notes_read_at(g->repo, tip, g->pool, &notes, err) < 0)
		return -1;
	for (i = 0; i < notes.nr; i++) {
		VEC_GROW(g->lines, g->nr, g->alloc);
		g->lines[g->nr++] = notes.lines[i].line;
	}
	return 0;
}

/* The target of "refs/notes/<remote>/migrate/<target>", NULL for another ref. */
static const char *fetched_target(const char *ref)
{
	const char *at = strstr(ref, "/migrate/");

	return at && starts_with(ref, "refs/notes/") && !starts_with(ref, MIRROR_REFS)
		       ? at + strlen("/migrate/")
		       : NULL;
}

bool mirror_is_of(const char *ref, const char *target)
{
	const char *of = starts_with(ref, MIRROR_REFS) ? ref + strlen(MIRROR_REFS)
						       : fetched_target(ref);

	return of && strcmp(of, target) == 0;
}

/*
 * What was fetched: a descendant of ours is what to build on, and so is one that
 * parted from ours (two clones wrote to one target), which then is merged.
 */
static int build_on(struct gather *g, const struct oid *tip, struct err *err)
{
	struct mirror *m = g->out;
	int later = 1, earlier;

	if (!oid_is_zero(&m->base))
		later = repo_is_ancestor(g->repo, &m->base, tip, err);
	if (later < 0)
		return -1;
	if (!later) {
		earlier = repo_is_ancestor(g->repo, tip, &m->base, err);
		if (earlier)
			return earlier < 0 ? -1 : 0;
		if (!oid_is_zero(&m->parted))
			return 0; /* two at a time: the next run takes this one */
		m->parted = m->base;
	}
	m->base = *tip;
	return 0;
}

static void add_tip(struct gather *g, const struct oid *tip)
{
	struct mirror *m = g->out;
	struct oid *tips = pool_alloc(g->pool, (m->nr_tips + 1) * sizeof(*tips));

	if (m->nr_tips)
		memcpy(tips, m->tips, m->nr_tips * sizeof(*tips));
	tips[m->nr_tips++] = *tip;
	m->tips = tips;
}

static int look_at_fetched(void *arg, const char *ref, struct err *err)
{
	struct gather *g = arg;
	const char *target = fetched_target(ref);
	struct oid tip;
	int found;

	if (!target || strcmp(target, g->target) != 0)
		return 0;
	found = repo_ref(g->repo, ref, &tip, err);
	if (found <= 0)
		return found;
	add_tip(g, &tip);
	if (build_on(g, &tip, err) < 0)
		return -1;
	return g->flags & MIRROR_FETCHED ? gather_at(g, &tip, err) : 0;
}

/*
 * Finds our tip, what was fetched, and the head in force: that of what is built
 * upon. An older ref's does not count, however great its number.
 */
static int find_tips(struct gather *g, struct err *err)
{
	struct mirror *m = g->out;
	struct buf ref = BUF_INIT;
	int ret = -1;

	mirror_ref(&ref, g->target);
	if (repo_ref(g->repo, ref.s, &m->tip, err) < 0)
		goto out;
	m->base = m->tip;
	if (!oid_is_zero(&m->tip))
		add_tip(g, &m->tip);
	if (repo_each_ref(g->repo, "refs/notes/", look_at_fetched, g, err) < 0 ||
	    gather_head(g, &m->base, err) < 0 || gather_head(g, &m->parted, err) < 0)
		goto out;
	ret = 0;
out:
	if (ret < 0)
		err_wrap(err, "mirror of target '%s'", g->target);
	buf_release(&ref);
	return ret;
}

/* As a sorted set: copies on several commits, or in several refs, are one. */
static void make_set(struct gather *g, struct mirror *out)
{
	size_t i;

	out->lines = pool_alloc(g->pool, (g->nr + 1) * sizeof(*out->lines));
	if (g->nr > 1)
		qsort(g->lines, g->nr, sizeof(*g->lines), cmp_text);
	for (i = 0; i < g->nr; i++)
		if (!out->nr || strcmp(out->lines[out->nr - 1], g->lines[i]) != 0)
			out->lines[out->nr++] = g->lines[i];
}

int mirror_read(struct repo *repo, const char *target, enum mirror_flags flags,
		struct pool *pool, struct mirror *out, struct err *err)
{
	struct gather g = {
		.repo = repo, .pool = pool, .target = target, .out = out, .flags = flags
	};
	int ret;

	memset(out, 0, sizeof(*out));
	ret = find_tips(&g, err);
	if (ret == 0)
		ret = gather_at(&g, flags & MIRROR_FETCHED ? &out->tip : &out->base, err);
	if (ret == 0)
		make_set(&g, out);
	free(g.lines);
	return ret;
}

int mirror_read_head(struct repo *repo, const char *target, struct pool *pool,
		     struct mirror *out, struct err *err)
{
	struct gather g = { .repo = repo, .pool = pool, .target = target, .out = out };

	memset(out, 0, sizeof(*out));
	return find_tips(&g, err);
}

int mirror_read_at(struct repo *repo, const char *target, const struct oid *tip,
		   struct pool *pool, struct mirror *out, struct err *err)
{
	struct gather g = { .repo = repo, .pool = pool, .target = target, .out = out };
	int ret = -1;

	memset(out, 0, sizeof(*out));
	out->tip = out->base = *tip;
	if (gather_at(&g, tip, err) == 0 && gather_head(&g, tip, err) == 0) {
		make_set(&g, out);
		ret = 0;
	}
	free(g.lines);
	return ret;
}

int mirror_head_at(struct repo *repo, const char *target, const struct oid *tip,
		   struct pool *pool, struct mirror *out, struct err *err)
{
	struct gather g = { .repo = repo, .pool = pool, .target = target, .out = out };

	memset(out, 0, sizeof(*out));
	out->tip = out->base = *tip;
	return gather_head(&g, tip, err);
}

const struct oid *mirror_own_side(const struct mirror *m)
{
	if (!oid_is_zero(&m->parted))
		return &m->parted;
	return oid_is_zero(&m->tip) || oid_eq(&m->tip, &m->base) ? NULL : &m->tip;
}

bool mirror_has(const struct mirror *m, const char *line)
{
	return m->nr &&
	       bsearch(&line, m->lines, m->nr, sizeof(*m->lines), cmp_text) != NULL;
}

/* Parses the lines that are records; the array is the caller's to free. */
static struct record *
parse_lines(const struct mirror *m, struct pool *pool, size_t *nr,
	    void (*bad)(void *arg, const char *line, const char *why), void *arg)
{
	struct record *records = xcalloc(m->nr + 1, sizeof(*records));
	struct err why = { 0 };
	size_t i;

	*nr = 0;
	for (i = 0; i < m->nr; i++) {
		if (record_parse_kept(&records[*nr], pool, m->lines[i], NULL, &why) == 0)
			(*nr)++;
		else if (bad)
			bad(arg, m->lines[i], why.message);
	}
	return records;
}

/* Where the chain in force ends: the named head, else the greatest number. */
static const struct record *find_head(const struct mirror *m,
				      const struct record *records, size_t nr)
{
	const struct record *head = NULL;
	size_t i;

	if (m->head_seq)
		head = records_find(records, nr, m->head_hash);
	if (head && head->seq == m->head_seq)
		return head;
	for (i = 0, head = NULL; i < nr; i++)
		if (!head || records[i].seq > head->seq)
			head = &records[i];
	return head;
}

/* Whether a record stands behind `last` (NULL: begins the log), and names it. */
static bool continues(const struct record *last, const struct record *r)
{
	return last ? r->seq > last->seq && strcmp(r->field[FIELD_PREV], last->hash) == 0
		    : r->seq == 1;
}

static bool ends_in_head(const struct mirror *m, const struct record *last)
{
	return !last || !m->head_seq || strcmp(last->hash, m->head_hash) == 0;
}

/*
 * Nearly always all lines are one chain, as they are sorted, up to the head. 0; -1
 * when they are not, and `out` is empty.
 */
static int add_in_order(const struct mirror *m, struct pool *pool, struct ledger *out)
{
	const struct record *last;
	struct err why = { 0 };
	struct record *r;
	size_t i;

	for (i = 0; i < m->nr; i++) {
		r = ledger_room(out);
		if (record_parse_kept(r, pool, m->lines[i], ledger_last(out), &why) < 0 ||
		    !continues(ledger_last(out), r))
			break;
		ledger_add(out, r);
	}
	last = ledger_last(out);
	if (i == m->nr && ends_in_head(m, last))
		return 0;
	ledger_release(out);
	return -1;
}

/* Back from the head, record by record. */
static void add_from_head(const struct mirror *m, struct pool *pool, struct ledger *out,
			  void (*bad)(void *arg, const char *line, const char *why),
			  void *arg)
{
	size_t nr, len = 0;
	struct record *records = parse_lines(m, pool, &nr, bad, arg);
	const struct record **chain = xcalloc(nr + 1, sizeof(*chain)), *r, *prev;

	records_sort(records, nr);
	/* numbers fall along the way, so a circle cannot be */
	for (r = find_head(m, records, nr); r; r = prev) {
		chain[len++] = r;
		prev = records_find(records, nr, r->field[FIELD_PREV]);
		if (prev && prev->seq >= r->seq)
			prev = NULL;
		if (!prev && r->seq != 1 && bad)
			bad(arg, r->line, "the record before it is not there");
	}
	while (len)
		ledger_add(out, chain[--len]);
	free(chain);
	free(records);
}

void mirror_fold(const struct mirror *m, struct pool *pool, struct ledger *out,
		 void (*bad)(void *arg, const char *line, const char *why), void *arg)
{
	if (add_in_order(m, pool, out) < 0)
		add_from_head(m, pool, out, bad, arg);
	ledger_fold(out);
}

/* As add_in_order, record by record: whether all lines are one chain. */
static bool walk_in_order(const struct mirror *m,
			  void (*fn)(void *arg, const struct record *r), void *arg)
{
	struct record_stream s = { 0 };
	const struct record *r, *last;
	struct err why = { 0 };
	size_t i;
	bool ok;

	for (i = 0; i < m->nr; i++) {
		last = record_stream_last(&s);
		r = record_stream_next(&s, m->lines[i], true, &why);
		if (!r || !continues(last, r))
			break;
		if (fn)
			fn(arg, r);
	}
	ok = i == m->nr && ends_in_head(m, record_stream_last(&s));
	record_stream_release(&s);
	return ok;
}

void mirror_walk(const struct mirror *m, void (*fn)(void *arg, const struct record *r),
		 void *arg, void (*bad)(void *arg, const char *line, const char *why),
		 void *bad_arg)
{
	struct ledger all = { 0 };
	struct pool pool = { 0 };
	size_t i;

	if (walk_in_order(m, fn, arg))
		return;
	if (fn)
		fn(arg, NULL);
	add_from_head(m, &pool, &all, bad, bad_arg);
	for (i = 0; i < all.nr && fn; i++)
		fn(arg, &all.records[i]);
	ledger_release(&all);
	pool_release(&pool);
}

int mirror_check_head(const struct mirror *m, const char *target,
		      const struct ledger *ledger, struct err *err)
{
	const struct record *last = ledger_last(ledger);
	size_t i;

	if (!m->head_seq)
		return 0;
	for (i = ledger->nr; i-- > 0;)
		if (strcmp(ledger->records[i].hash, m->head_hash) == 0 ||
		    strcmp(record_old_hash(&ledger->records[i]), m->head_hash) == 0)
			return 0;
	if (!last || last->seq < m->head_seq) {
		err_set(err, ERR_REFUSED, "target '%s' went back in time", target);
		err_detail(err,
			   "Its mirror ends in record %" PRIu64 "; its tracker ends in "
			   "%" PRIu64 ".",
			   m->head_seq, last ? last->seq : 0);
		err_hint(err, "restored",
			 last ? "If it was restored from a backup, say so: git migrate "
				"target restored %s --reason \"...\""
			      : "If the old database was thrown away and this one starts "
				"over, say so: git migrate target restored %s --reason "
				"\"...\"",
			 target);
		return -1;
	}
	err_set(err, ERR_REFUSED, "the tracker of target '%s' and its mirror part",
		target);
	err_detail(err,
		   "The mirror's head, record %" PRIu64 ", is not in the tracker: the "
		   "database was replaced, or somebody edited one of the two.",
		   m->head_seq);
	err_hint(err, "fork",
		 "\"git migrate audit %s\" shows where they part. If this database took "
		 "the other's place, say so: git migrate target clone %s --reason "
		 "\"...\"",
		 target, target);
	return -1;
}

/* A migration's event stands on the commit that brought it, others on the head. */
int mirror_place(const struct record *r, struct oid *out)
{
	const char *hex =
		r->field[event_has_migration(r->event) ? FIELD_COMMIT : FIELD_HEAD];

	return oid_parse(out, hex, strlen(hex));
}

/* Lines to write, with the commits that they stand on. */
struct batch {
	struct note_line *items;
	size_t nr, alloc;
	size_t records; /* those of them that the tracker has and the mirror lacked */
};

static void add_line(struct batch *b, const struct note_line *line)
{
	VEC_GROW(b->items, b->nr, b->alloc);
	b->items[b->nr++] = *line;
}

/* What the mirror lacks of the records from `first` on. */
static void collect_missing(const struct mirror *m, const struct ledger *ledger,
			    size_t first, struct batch *out)
{
	const struct record *r;
	struct note_line line;
	size_t i;

	for (i = first; i < ledger->nr; i++) {
		r = &ledger->records[i];
		if (mirror_has(m, r->line))
			continue;
		line.line = r->line;
		if (mirror_place(r, &line.object) < 0)
			BUG("record %" PRIu64 " names no commit", r->seq);
		add_line(out, &line);
		out->records++;
	}
}

/* Ours goes along with what was fetched: nothing that stood there is lost. */
static int collect_ours(struct repo *repo, const struct mirror *m, struct pool *pool,
			struct batch *out, struct err *err)
{
	const struct oid *side = mirror_own_side(m);
	struct notes ours;
	size_t i;

	if (!side)
		return 0;
	if (notes_read_at(repo, side, pool, &ours, err) < 0)
		return -1;
	for (i = 0; i < ours.nr; i++)
		if (!mirror_has(m, ours.lines[i].line))
			add_line(out, &ours.lines[i]);
	return 0;
}

static void make_message(struct buf *out, const char *target, const struct ledger *ledger,
			 const struct batch *b)
{
	const struct record *last = ledger_last(ledger);
	size_t i;

	buf_addf(out, "migrate: %zu record%s of target '%s'\n\n", b->records,
		 plural(b->records), target);
	for (i = 0; i < b->nr && i < MESSAGE_LINES; i++)
		buf_addf(out, "%s\n", b->items[i].line);
	if (b->nr > MESSAGE_LINES)
		buf_addf(out, "and %zu more\n", b->nr - MESSAGE_LINES);
	buf_addf(out, "\n" HEAD_KEY "%s %010" PRIu64 " %s\n", target, last->seq,
		 last->hash);
}

/*
 * How many of the ledger's records the mirror has for certain, without reading its
 * lines: the newest commit of the ref was written by this tool when the log ended in
 * one of them, and nobody else's is to be merged. 0 when it has to be read.
 */
static size_t count_known(const struct mirror *m, const struct ledger *ledger)
{
	size_t i;

	if (oid_is_zero(&m->tip) || !oid_eq(&m->tip, &m->base) ||
	    !oid_is_zero(&m->parted) || !oid_eq(&m->head_commit, &m->tip))
		return 0;
	for (i = ledger->nr; i-- > 0;)
		if (ledger->records[i].seq == m->head_seq &&
		    strcmp(ledger->records[i].hash, m->head_hash) == 0)
			return i + 1;
	return 0;
}

/*
 * What was fetched is built upon only where it is one log with ours and the tracker's;
 * where that ends is the head, whatever a commit names.
 */
static int check_fetched(struct gather *g, const struct ledger *ledger, struct err *err)
{
	struct mirror *m = g->out;
	struct parted p;

	if (oid_eq(&m->tip, &m->base) && !m->other)
		return 0;
	if (parted_look(g->repo, g->target, ledger, g->pool, &p, err) < 0)
		return -1;
	if (p.what)
		return parted_refuse(g->target, p.what, err);
	m->head_seq = p.end_seq;
	m->head_hash = p.end_hash;
	return 0;
}

/* Reads the lines where they must be, and gives what the mirror lacks. 0 or -1. */
static int find_missing(struct gather *g, const struct ledger *ledger, struct batch *out,
			struct err *err)
{
	struct mirror *m = g->out;
	size_t known;

	if (find_tips(g, err) < 0)
		return -1;
	known = count_known(m, ledger);
	if (known) {
		collect_missing(m, ledger, known, out);
		return 0;
	}
	if (gather_at(g, &m->base, err) < 0)
		return -1;
	make_set(g, m);
	if (check_fetched(g, ledger, err) < 0 ||
	    mirror_check_head(m, g->target, ledger, err) < 0)
		return -1;
	collect_missing(m, ledger, 0, out);
	return collect_ours(g->repo, m, g->pool, out, err);
}

/* One try: 0, 1 when another writer was first, -1. */
static int append_once(struct repo *repo, const char *target, const struct ledger *ledger,
		       size_t *written, struct err *err)
{
	struct buf ref = BUF_INIT, message = BUF_INIT;
	struct batch batch = { 0 };
	struct pool pool = { 0 };
	struct mirror m = { 0 };
	struct gather g = { .repo = repo, .pool = &pool, .target = target, .out = &m };
	int ret = -1;

	if (find_missing(&g, ledger, &batch, err) < 0)
		goto out;
	*written = batch.records;
	mirror_ref(&ref, target);
	/* a head that is named for another target is none: the target was renamed */
	if (batch.nr || !oid_is_zero(&m.parted) || m.other) {
		const struct notes_commit what = { .tip = &m.tip,
						   .base = &m.base,
						   .merged = &m.parted };

		make_message(&message, target, ledger, &batch);
		ret = notes_append(repo, ref.s, &what, batch.items, batch.nr, message.s,
				   err);
	} else {
		ret = notes_forward(repo, ref.s, &m.tip, &m.base, err);
	}
out:
	buf_release(&ref);
	buf_release(&message);
	pool_release(&pool);
	free(g.lines);
	free(batch.items);
	return ret;
}

int mirror_catch_up(struct repo *repo, const char *target, const struct ledger *ledger,
		    size_t *written, struct err *err)
{
	int i, ret = 0;

	*written = 0;
	if (!ledger->nr)
		return 0;
	for (i = 0; i < TRIES; i++) {
		ret = append_once(repo, target, ledger, written, err);
		if (ret <= 0)
			return ret;
		/* jittered by the process, so that two writers part */
		if (wait_poll.wait(NULL, -1, 0, PAUSE_MS + (int)(getpid() % 13) * i,
				   err) < 0)
			return -1;
	}
	if (err->code != ERR_NONE)
		return -1; /* what is in the way is known */
	return err_set(err, ERR_FATAL,
		       "could not write the mirror of target '%s': others kept writing",
		       target);
}

struct names {
	char **items;
	size_t nr, alloc;
};

static int one_ref(void *arg, const char *ref, struct err *err UNUSED)
{
	struct names *n = arg;
	const char *target = fetched_target(ref);
	size_t i;

	if (starts_with(ref, MIRROR_REFS))
		target = ref + strlen(MIRROR_REFS);
	if (!target || !target_name_ok(target))
		return 0;
	for (i = 0; i < n->nr; i++)
		if (strcmp(n->items[i], target) == 0)
			return 0;
	VEC_GROW(n->items, n->nr, n->alloc);
	n->items[n->nr++] = xstrdup(target);
	return 0;
}

int mirror_each(struct repo *repo,
		int (*fn)(void *arg, const char *target, struct err *err), void *arg,
		struct err *err)
{
	struct names names = { 0 };
	int ret = repo_each_ref(repo, "refs/notes/", one_ref, &names, err);
	size_t i;

	for (i = 0; i < names.nr; i++) {
		if (ret == 0)
			ret = fn(arg, names.items[i], err);
		free(names.items[i]);
	}
	free(names.items);
	return ret;
}
