#include "base/compat.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/io.h"
#include "base/text.h"
#include "git/date.h"
#include "git/repo.h"

static bool is_word(const char *text, size_t len)
{
	static const char *const words[] = { "now",	 "today", "yesterday", "noon",
					     "midnight", "tea",	  "last",      "never" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i]) == len && strncasecmp(words[i], text, len) == 0)
			return true;
	return false;
}

/* git takes whatever it does not understand for now. */
static bool speaks_of_time(const char *text)
{
	static const char apart[] = " .,-_";
	size_t len;

	if (strpbrk(text, "0123456789"))
		return true;
	for (; *text; text += len + strspn(text + len, apart)) {
		len = strcspn(text, apart);
		if (is_word(text, len))
			return true;
	}
	return false;
}

static bool is_day(const char *text)
{
	static const char form[] = "dddd-dd-dd";
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'd' ? !ascii_isdigit(text[i]) : text[i] != form[i])
			return false;
	return !text[i];
}

/* What git has printed behind `prefix`. */
static int parse_seconds(const struct buf *out, const char *prefix, int64_t *seconds)
{
	const char *text = buf_str(out);
	char *end;

	if (!starts_with(text, prefix))
		return -1;
	text += strlen(prefix);
	errno = 0;
	*seconds = strtoll(text, &end, 10);
	return errno || end == text || (*end && *end != '\n') ? -1 : 0;
}

int repo_parse_date(struct repo *r, const char *text, bool ends, int64_t *out,
		    struct err *err)
{
	struct buf arg = BUF_INIT, answer = BUF_INIT;
	const char *args[] = { "rev-parse", NULL, NULL };
	int status = -1;

	if (!speaks_of_time(text)) {
		err_set(err, ERR_USAGE, "'%s' is no date", text);
		err_hint(err, "usage",
			 "Write it as for \"git log --since\": 2026-11-22, "
			 "\"2026-11-22 14:00 +0100\", \"2 weeks ago\".");
		return -1;
	}
	buf_addf(&arg, "--since=%s%s", text,
		 !is_day(text) ? ""
		 : ends	       ? " 23:59:59"
			       : " 00:00:00");
	args[1] = arg.s;
	status = repo_git(r, args, &answer, NULL, err);
	if (status > 0 || (status == 0 && parse_seconds(&answer, "--max-age=", out) < 0))
		status = err_set(err, ERR_USAGE, "git could not read the date '%s'",
				 text);
	buf_release(&arg);
	buf_release(&answer);
	return status;
}

int repo_date_of(struct repo *r, const char *rev, int64_t *out, struct err *err)
{
	struct buf name = BUF_INIT, answer = BUF_INIT, said = BUF_INIT;
	const char *tag[] = { "for-each-ref", "--format=%(creatordate:unix)", NULL,
			      NULL };
	const char *commit[] = { "show",
				 "-s",
				 "--no-show-signature",
				 "--no-notes",
				 "--format=%ct",
				 "--end-of-options",
				 NULL,
				 NULL };
	int status, ret = 0;

	buf_addf(&name, "refs/tags/%s", rev);
	tag[2] = name.s;
	status = strpbrk(rev, "*?[") ? 1 : repo_git(r, tag, &answer, &said, err);
	if (status == 0 && parse_seconds(&answer, "", out) == 0)
		ret = 1;
	if (ret == 0 && status >= 0 && !strstr(rev, "..")) { /* a range has no date */
		buf_reset(&name);
		buf_reset(&answer);
		buf_addf(&name, "%s^{commit}", rev);
		commit[6] = name.s;
		status = repo_git(r, commit, &answer, &said, err);
		ret = status == 0 && parse_seconds(&answer, "", out) == 0;
	}
	buf_release(&name);
	buf_release(&answer);
	buf_release(&said);
	return status < 0 ? -1 : ret;
}
