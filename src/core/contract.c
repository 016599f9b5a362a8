#include "base/compat.h"

#include "base/text.h"
#include "core/contract.h"
#include "core/trailer.h"

enum { TAG_MAX = 200 };

enum phase phase_of(const struct trailers *t)
{
	const char *value = trailers_get(t, TRAILER_PHASE);

	if (!value)
		return PHASE_NONE;
	if (strcasecmp(value, "expand") == 0)
		return PHASE_EXPAND;
	return strcasecmp(value, "contract") == 0 ? PHASE_CONTRACT : PHASE_OTHER;
}

bool is_contract(const struct trailers *t)
{
	enum phase phase = phase_of(t);

	if (phase == PHASE_EXPAND)
		return false;
	return phase == PHASE_CONTRACT || trailers_get(t, TRAILER_NOT_BEFORE) ||
	       trailers_get(t, TRAILER_PAIRS_WITH);
}

static bool looks_like_a_date(const char *s)
{
	static const char form[] = "9999-99-99";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == '9' ? !ascii_isdigit((unsigned char)s[i])
				   : s[i] != form[i])
			return false;
	return s[i] == '\0';
}

static bool is_day(const char *s)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	int year = atoi(s), month = atoi(s + 5), day = atoi(s + 8);
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && leap);
}

/* As git-check-ref-format(1) says, below refs/tags/. */
static bool can_be_tag(const char *s)
{
	size_t len = strlen(s), i;

	if (!len || len > TAG_MAX || s[0] == '-' || s[0] == '/' || s[len - 1] == '/' ||
	    s[len - 1] == '.' || strcmp(s, "@") == 0)
		return false;
	for (i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c <= ' ' || c == 0x7f || strchr("~^:?*[\\", c) ||
		    (c == '.' && (i == 0 || s[i - 1] == '/' || s[i - 1] == '.')) ||
		    (c == '/' && s[i - 1] == '/') || (c == '{' && i && s[i - 1] == '@'))
			return false;
		if (strncmp(s + i, ".lock", 5) == 0 && (!s[i + 5] || s[i + 5] == '/'))
			return false;
	}
	return true;
}

enum not_before not_before_kind(const char *value)
{
	if (looks_like_a_date(value))
		return is_day(value) ? NOT_BEFORE_DATE : NOT_BEFORE_WRONG;
	return can_be_tag(value) ? NOT_BEFORE_TAG : NOT_BEFORE_WRONG;
}
