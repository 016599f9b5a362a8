#include "base/compat.h"

#include <time.h>

#include "base/moment.h"
#include "base/text.h"

enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR, DIGITS_MAX = 9 };

/* Steps over so many digits; whether they are there. */
static bool take_number(const char **at, size_t digits, int *n)
{
	size_t i;

	*n = 0;
	for (i = 0; i < digits; i++) {
		if (!ascii_isdigit((*at)[i]))
			return false;
		*n = *n * 10 + ((*at)[i] - '0');
	}
	*at += digits;
	return true;
}

static bool take_char(const char **at, char c)
{
	if (**at != c)
		return false;
	++*at;
	return true;
}

static int days_of(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_day(const char **at, struct tm *tm)
{
	int year, month, day;

	if (!take_number(at, 4, &year) || !take_char(at, '-') ||
	    !take_number(at, 2, &month) || !take_char(at, '-') ||
	    !take_number(at, 2, &day) || year < 1970 || month < 1 || month > 12 ||
	    day < 1 || day > days_of(year, month))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

static bool take_time(const char **at, struct tm *tm)
{
	if (!take_number(at, 2, &tm->tm_hour) || !take_char(at, ':') ||
	    !take_number(at, 2, &tm->tm_min) || tm->tm_hour > 23 || tm->tm_min > 59)
		return false;
	if (!take_char(at, ':'))
		return true;
	if (!take_number(at, 2, &tm->tm_sec) || tm->tm_sec > 59)
		return false;
	if (take_char(at, '.')) { /* of records; a second is told to its end */
		if (!ascii_isdigit(**at))
			return false;
		*at += strspn(*at, "0123456789");
	}
	return true;
}

/* "Z", "+02:00", "-0330", behind a blank or not: seconds to the east. */
static bool take_zone(const char **at, int *east)
{
	int hours, minutes, sign;

	take_char(at, ' ');
	*east = 0;
	if (take_char(at, 'Z'))
		return true;
	sign = take_char(at, '+') ? 1 : take_char(at, '-') ? -1 : 0;
	if (!sign || !take_number(at, 2, &hours))
		return false;
	take_char(at, ':');
	if (!take_number(at, 2, &minutes) || hours > 14 || minutes > 59)
		return false;
	*east = sign * (hours * HOUR + minutes * MINUTE);
	return true;
}

static int parse_date(const char *text, int64_t *seconds)
{
	struct tm tm = { .tm_isdst = -1 };
	int east;

	if (!take_day(&text, &tm))
		return -1;
	if (!*text) {
		tm.tm_hour = 23;
		tm.tm_min = tm.tm_sec = 59;
		*seconds = mktime(&tm);
		return 0;
	}
	if (!(take_char(&text, 'T') || take_char(&text, ' ')) || !take_time(&text, &tm) ||
	    !take_zone(&text, &east) || *text)
		return -1;
	*seconds = timegm(&tm) - east;
	return 0;
}

/* "3 days ago" */
static int parse_ago(const char *text, int64_t now, int64_t *seconds)
{
	static const struct {
		const char *name;
		int seconds;
	} units[] = { { "second", 1 },
		      { "minute", MINUTE },
		      { "hour", HOUR },
		      { "day", DAY },
		      { "week", 7 * DAY } };
	size_t digits = strspn(text, "0123456789"), i;
	int n;

	if (!digits || digits > DIGITS_MAX || !take_number(&text, digits, &n) ||
	    !take_char(&text, ' '))
		return -1;
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!starts_with(text, units[i].name))
			continue;
		text += strlen(units[i].name);
		take_char(&text, 's');
		*seconds = now - (int64_t)n * units[i].seconds;
		return strcmp(text, " ago") == 0 && *seconds >= 0 ? 0 : -1;
	}
	return -1;
}

int moment_parse(const char *text, int64_t now, int64_t *seconds)
{
	bool yesterday = strcmp(text, "yesterday") == 0;

	if (!yesterday && strcmp(text, "now") != 0)
		return parse_date(text, seconds) == 0 ? 0 : parse_ago(text, now, seconds);
	*seconds = now - (yesterday ? DAY : 0);
	return 0;
}
