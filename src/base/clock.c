#include "base/compat.h"

#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

static bool write_time(time_t seconds, unsigned ms, char text[CLOCK_TEXT])
{
	struct tm tm;
	size_t len;

	if (!gmtime_r(&seconds, &tm) || tm.tm_year < 0 || tm.tm_year > 9999 - 1900)
		return false;
	len = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, CLOCK_TEXT - len, ".%03uZ", ms % 1000u);
	return true;
}

void clock_utc(char text[CLOCK_TEXT])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (!write_time(now.tv_sec, (unsigned)(now.tv_nsec / 1000000), text))
		BUG("the clock stands at %lld", (long long)now.tv_sec);
}

void clock_text(int64_t seconds, char text[CLOCK_TEXT])
{
	if (!write_time((time_t)seconds, 0, text))
		memcpy(text, "?", 2);
}

/* `digits` digits at text + at; -1 when they are none. */
static int number_at(const char *text, size_t at, size_t digits)
{
	int n = 0;
	size_t i;

	for (i = at; i < at + digits; i++) {
		if (!ascii_isdigit(text[i]))
			return -1;
		n = n * 10 + (text[i] - '0');
	}
	return n;
}

int clock_parse(const char *text, int64_t *ms)
{
	static const char form[] = "....-..-..T..:..:......Z";
	struct tm tm = { 0 };
	int part;
	size_t i;

	if (strlen(text) != strlen(form) || text[19] != '.')
		return -1;
	for (i = 0; form[i]; i++)
		if (form[i] != '.' && text[i] != form[i])
			return -1;
	tm.tm_year = number_at(text, 0, 4) - 1900;
	tm.tm_mon = number_at(text, 5, 2) - 1;
	tm.tm_mday = number_at(text, 8, 2);
	tm.tm_hour = number_at(text, 11, 2);
	tm.tm_min = number_at(text, 14, 2);
	tm.tm_sec = number_at(text, 17, 2);
	part = number_at(text, 20, 3);
	if (tm.tm_year < 0 || tm.tm_mon < 0 || tm.tm_mon > 11 || tm.tm_mday < 1 ||
	    tm.tm_mday > 31 || tm.tm_hour < 0 || tm.tm_hour > 23 || tm.tm_min < 0 ||
	    tm.tm_min > 59 || tm.tm_sec < 0 || tm.tm_sec > 60 || part < 0)
		return -1;
	*ms = (int64_t)timegm(&tm) * 1000 + part;
	return 0;
}

void clock_end_of_second(char text[CLOCK_TEXT])
{
	char *ms = strchr(text, '.');

	if (ms)
		memcpy(ms, ".999Z", sizeof(".999Z"));
}

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void random_bytes(unsigned char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = getrandom(bytes, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			BUG("the kernel gives no random bytes: %s", strerror(errno));
		bytes += n;
		len -= (size_t)n;
	}
}

void nonce_random(char text[NONCE_TEXT])
{
	unsigned char bytes[16];

	random_bytes(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), text);
}

void uuid_random(char text[UUID_TEXT])
{
	unsigned char b[16];
	char hex[33];

	random_bytes(b, sizeof(b));
	b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
	b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
	hex_encode(b, sizeof(b), hex);
	snprintf(text, UUID_TEXT, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
		 hex + 16, hex + 20);
}
