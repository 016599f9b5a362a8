#include "base/compat.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/oid.h"
#include "core/proof.h"

/* "Name <mail>"; either may be missing. */
struct person {
	const char *name, *mail;
	size_t name_len, mail_len;
};

static struct person read_person(const char *s)
{
	struct person p = { .name = s };
	const char *open = strchr(s, '<'), *close = open ? strchr(open, '>') : NULL;

	p.name_len = open ? (size_t)(open - s) : strlen(s);
	p.name = text_trim(p.name, &p.name_len);
	if (close) {
		p.mail_len = (size_t)(close - open - 1);
		p.mail = text_trim(open + 1, &p.mail_len);
	}
	return p;
}

static bool same(const char *a, size_t a_len, const char *b, size_t b_len)
{
	return a_len == b_len && strncasecmp(a, b, a_len) == 0;
}

bool proof_is_reviewed(const char *author, const char *const *by, size_t nr)
{
	struct person a = read_person(author), r;
	size_t i;

	for (i = 0; i < nr; i++) {
		r = read_person(by[i]);
		if (!r.name_len || !r.mail_len ||
		    same(r.name, r.name_len, a.name, a.name_len) ||
		    same(r.mail, r.mail_len, a.mail ? a.mail : "", a.mail_len))
			continue;
		return true;
	}
	return false;
}

static const char *const keys[PROOF_KEYS] = {
	[PROOF_PATH] = "path",	       [PROOF_BLOB] = "blob",
	[PROOF_RESULT] = "result",     [PROOF_SCENARIO] = "scenario",
	[PROOF_ORIGINAL] = "original", [PROOF_ORIGINAL_BLOB] = "original-blob",
	[PROOF_PLAN] = "plan",	       [PROOF_INSTEAD] = "instead",
	[PROOF_RAN] = "ran",	       [PROOF_RAN_IN_PLACE] = "ran-in-place",
	[PROOF_ENGINE] = "engine",     [PROOF_AT] = "at",
};

/* False where one of our keys stands there for the second time. */
static bool take_field(struct proof_line *out, const char *s, size_t len)
{
	size_t key_len, k;

	for (k = 0; k < PROOF_KEYS; k++) {
		key_len = strlen(keys[k]);
		if (len <= key_len || s[key_len] != '=' ||
		    strncmp(s, keys[k], key_len) != 0)
			continue;
		if (out->text[k])
			return false;
		out->text[k] = s + key_len + 1;
		out->len[k] = len - key_len - 1;
	}
	return true;
}

bool proof_read(const char *line, struct proof_line *out)
{
	static const char word[] = "rehearsed ";
	size_t len;

	memset(out, 0, sizeof(*out));
	if (!starts_with(line, word))
		return false;
	for (line += strlen(word); *line; line += len + (line[len] == ' ')) {
		len = strcspn(line, " ");
		if (!take_field(out, line, len))
			return false;
	}
	return out->text[PROOF_PATH] && out->text[PROOF_BLOB] && out->text[PROOF_RESULT];
}

bool proof_says(const struct proof_line *p, enum proof_key key, const char *value)
{
	return p->text[key] && p->len[key] == strlen(value) &&
	       memcmp(p->text[key], value, p->len[key]) == 0;
}

bool proof_says_id(const struct proof_line *p, enum proof_key key, const struct oid *id)
{
	char hex[OID_HEXSZ + 1];

	return proof_says(p, key, oid_hex(id, hex));
}

bool proof_copy(const struct proof_line *p, enum proof_key key, char text[], size_t room)
{
	if (!p->text[key] || p->len[key] >= room)
		return false;
	memcpy(text, p->text[key], p->len[key]);
	text[p->len[key]] = '\0';
	return true;
}

/* "postgresql" of "postgresql/15.20", as its length. */
static size_t product_len(const char *engine, size_t len)
{
	const char *slash = memchr(engine, '/', len);

	return slash ? (size_t)(slash - engine) : len;
}

bool proof_fits_engine(const struct proof_line *p, const char *engine)
{
	static const char extension[] = "citus/", extends[] = "postgresql/";
	const char *on = p->text[PROOF_ENGINE];
	size_t len;

	if (!on)
		return true;
	/* a database that was made for a while on such a server lacks the extension */
	if (starts_with(engine, extension) && !starts_with(on, extension))
		engine = extends;
	len = product_len(engine, strlen(engine));
	return len == product_len(on, p->len[PROOF_ENGINE]) &&
	       memcmp(on, engine, len) == 0;
}

int64_t proof_when(const struct proof_line *p)
{
	char at[CLOCK_TEXT];
	int64_t ms;

	return proof_copy(p, PROOF_AT, at, sizeof(at)) && clock_parse(at, &ms) == 0
		       ? ms
		       : INT64_MIN;
}

bool proof_field(const char *line, const char *key, char text[], size_t room)
{
	size_t key_len = strlen(key), len;

	/* the first word says what the line is */
	for (line += strcspn(line, " "); *line; line += len) {
		line++;
		len = strcspn(line, " ");
		if (len <= key_len || strncmp(line, key, key_len) != 0 ||
		    line[key_len] != '=')
			continue;
		if (len - key_len - 1 >= room)
			return false;
		memcpy(text, line + key_len + 1, len - key_len - 1);
		text[len - key_len - 1] = '\0';
		return true;
	}
	return false;
}

void proof_add(struct buf *line, const char *key, const char *value)
{
	buf_addf(line, " %s=", key);
	for (; *value; value++) {
		if (*value > ' ' && *value < 0x7f && *value != '%')
			buf_addc(line, *value);
		else
			buf_addf(line, "%%%02X", (unsigned char)*value);
	}
}

const char *proof_decode(struct pool *pool, const char *text)
{
	char *out = pool_strdup(pool, text), *to = out;
	unsigned char byte;

	for (; *text; text++) {
		if (*text == '%' && strlen(text) > 2 &&
		    hex_decode(text + 1, &byte, 1) == 0 && byte) {
			*to++ = (char)byte;
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
	return out;
}
