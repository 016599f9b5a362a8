#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "base/vec.h"
#include "core/schema.h"

void schema_release(struct schema *s)
{
	free(s->lines);
	pool_release(&s->pool);
	memset(s, 0, sizeof(*s));
}

/* Lines of one object come together: their names are kept once. */
static const char *keep(struct schema *s, const char *text, const char *before)
{
	if (text == before || (before && strcmp(text, before) == 0))
		return before;
	return pool_strdup(&s->pool, text);
}

void schema_add(struct schema *s, const char *kind, const char *name, const char *rank,
		const char *text)
{
	static const struct schema_line none;
	const struct schema_line *last = s->nr ? &s->lines[s->nr - 1] : &none;
	const struct schema_line line = {
		.kind = keep(s, kind, last->kind),
		.name = keep(s, name, last->name),
		.rank = keep(s, rank ? rank : "", last->rank),
		.text = text ? pool_strdup(&s->pool, text) : NULL,
	};

	VEC_GROW(s->lines, s->nr, s->alloc);
	s->lines[s->nr++] = line;
}

static int cmp_object(const struct schema_line *a, const struct schema_line *b)
{
	int d = a->kind == b->kind ? 0 : strcmp(a->kind, b->kind);

	if (d == 0)
		d = a->name == b->name ? 0 : strcmp(a->name, b->name);
	return d;
}

static int cmp_line(const void *pa, const void *pb)
{
	const struct schema_line *a = pa, *b = pb;
	int d = cmp_object(a, b);

	if (d == 0)
		d = strcmp(a->rank, b->rank);
	if (d == 0 && a->text && b->text)
		return strcmp(a->text, b->text);
	return d ? d : (a->text != NULL) - (b->text != NULL);
}

void schema_sort(struct schema *s)
{
	size_t i, nr = 0;

	if (!s->nr)
		return;
	qsort(s->lines, s->nr, sizeof(*s->lines), cmp_line);
	for (i = 0; i < s->nr; i++)
		if (i == 0 || cmp_line(&s->lines[nr - 1], &s->lines[i]) != 0)
			s->lines[nr++] = s->lines[i];
	s->nr = nr;
}

size_t schema_object_end(const struct schema *s, size_t first)
{
	size_t i = first + 1;

	while (i < s->nr && cmp_object(&s->lines[first], &s->lines[i]) == 0)
		i++;
	return i;
}

/* Further lines of a text stand deeper than its first. */
static void add_indented(struct buf *out, const char *text)
{
	static const char deeper[] = "\n    ";
	const char *end;

	buf_adds(out, "  ");
	for (; (end = strchr(text, '\n')) != NULL; text = end + 1) {
		buf_add(out, text, (size_t)(end - text));
		buf_adds(out, deeper);
	}
	buf_adds(out, text);
	buf_addc(out, '\n');
}

static void add_object(const struct schema *s, size_t first, size_t end, struct buf *out)
{
	size_t i;

	buf_addf(out, "%s %s\n", s->lines[first].kind, s->lines[first].name);
	for (i = first; i < end; i++)
		if (s->lines[i].text)
			add_indented(out, s->lines[i].text);
}

/* As nearly all are: there is nothing to escape. */
static bool is_plain(const struct buf *text)
{
	size_t i;

	for (i = 0; i < text->len; i++)
		if ((unsigned char)(text->s[i] - ' ') > '~' - ' ' && text->s[i] != '\n' &&
		    text->s[i] != '\t')
			return false;
	return true;
}

/* Two texts that differ in what is escaped must not look the same. */
static void add_printable(struct buf *out, const struct buf *object)
{
	char hex[SHA256_HEXSZ + 1];
	size_t from = out->len;

	if (is_plain(object)) {
		buf_add(out, object->s, object->len);
		return;
	}
	text_printable(out, object->s, object->len, TEXT_KEEP_NEWLINES);
	if (out->len - from == object->len)
		return;
	sha256_hex(object->s, object->len, hex);
	buf_addf(out, "  escaped here; sha256 of the bytes: %s\n", hex);
}

void schema_render(const struct schema *s, struct buf *out)
{
	struct buf object = BUF_INIT;
	size_t i, end;

	for (i = 0; i < s->nr; i = end) {
		end = schema_object_end(s, i);
		buf_reset(&object);
		add_object(s, i, end, &object);
		if (i > 0)
			buf_addc(out, '\n');
		add_printable(out, &object);
	}
	buf_release(&object);
}

void schema_fingerprint(const struct schema *s, char print[SCHEMA_PRINT_SZ + 1])
{
	static const char form[] = SCHEMA_FORM ":";
	struct buf text = BUF_INIT;

	schema_render(s, &text);
	memcpy(print, form, sizeof(form));
	sha256_hex(buf_str(&text), text.len, print + sizeof(form) - 1);
	buf_release(&text);
}
