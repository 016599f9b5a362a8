#include "base/compat.h"

#include "base/buf.h"
#include "base/pool.h"
#include "base/text.h"
#include "core/migration.h"
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

/* Whether the field at `s` is "<key>=<value>". */
static bool is_field(const char *s, size_t len, const char *key, const char *value)
{
	size_t key_len = strlen(key);

	return len == key_len + strlen(value) && strncmp(s, key, key_len) == 0 &&
	       strncmp(s + key_len, value, len - key_len) == 0;
}

bool proof_is_rehearsal(const char *line, const struct migration *m)
{
	static const char word[] = "rehearsed ";
	bool path = false, blob = false, passed = false;
	char hex[OID_HEXSZ + 1];
	size_t len;

	if (!starts_with(line, word))
		return false;
	oid_hex(&m->blob, hex);
	for (line += strlen(word); *line; line += len + (line[len] == ' ')) {
		len = strcspn(line, " ");
		/* nothing in a migration's path has to be escaped */
		path = path || is_field(line, len, "path=", m->path);
		blob = blob || is_field(line, len, "blob=", hex);
		passed = passed || is_field(line, len, "result=", "passed");
	}
	return path && blob && passed;
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

bool proof_path(const char *line, char path[], size_t room)
{
	return proof_field(line, "path", path, room);
}
