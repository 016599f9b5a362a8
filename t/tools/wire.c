#include "base/compat.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buf.h"
#include "tools/wire.h"

enum { LENGTH_BYTES = 4, BACKLOG = 64, LONGEST = 1 << 30, PORT = 5432 };

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

const char *option_value(const char *argument, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, len) != 0 ||
	    argument[2 + len] != '=')
		return NULL;
	return argument + 2 + len + 1;
}

/* --- messages ---------------------------------------------------------------- */

uint32_t wire_number(const char *bytes)
{
	const unsigned char *b = (const unsigned char *)bytes;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

int wire_next(const char *bytes, size_t nr, bool untyped, struct wire_message *out)
{
	size_t head = untyped ? 0 : 1, len;

	if (nr < head + LENGTH_BYTES)
		return 0;
	len = wire_number(bytes + head);
	if (len < LENGTH_BYTES || len > LONGEST)
		die("a message of %zu bytes: this is not the protocol", len);
	if (nr < head + len)
		return 0;
	out->type = '\0';
	if (!untyped)
		out->type = bytes[0];
	out->body = bytes + head + LENGTH_BYTES;
	out->len = len - LENGTH_BYTES;
	out->total = head + len;
	return 1;
}

const char *wire_text(const struct wire_message *m)
{
	const char *text = m->body, *end = m->body + m->len;

	if (m->type != 'Q' && m->type != 'P')
		return NULL;
	if (m->type == 'P') /* behind the statement's name */
		while (text < end && *text++)
			;
	return memchr(text, '\0', (size_t)(end - text)) ? text : "";
}

bool wire_has_commit(const char *sql)
{
	static const char word[] = "COMMIT", blanks[] = " \t\r\n";

	for (;;) {
		sql += strspn(sql, blanks);
		if (strncasecmp(sql, word, sizeof(word) - 1) == 0) {
			sql += sizeof(word) - 1;
			sql += strspn(sql, blanks);
			if (*sql == '\0' || *sql == ';')
				return true;
		}
		sql = strchr(sql, ';');
		if (!sql)
			return false;
		sql++;
	}
}

size_t wire_begin(struct buf *out, char type)
{
	size_t begun;

	buf_addc(out, type);
	begun = out->len;
	buf_add(out, "\0\0\0\0", LENGTH_BYTES);
	return begun;
}

void wire_add_number(struct buf *out, uint32_t n, int bytes)
{
	while (bytes-- > 0)
		buf_addc(out, (int)(n >> 8 * bytes & 0xff));
}

void wire_add_string(struct buf *out, const char *text)
{
	buf_add(out, text, strlen(text) + 1);
}

void wire_end(struct buf *out, size_t begun)
{
	uint32_t len = htonl((uint32_t)(out->len - begun));

	memcpy(out->s + begun, &len, sizeof(len));
}

/* --- sockets ----------------------------------------------------------------- */

static void unix_address(const char *folder, struct sockaddr_un *out)
{
	int len;

	memset(out, 0, sizeof(*out));
	out->sun_family = AF_UNIX;
	len = snprintf(out->sun_path, sizeof(out->sun_path), "%s/.s.PGSQL.%d", folder,
		       PORT);
	if (len >= (int)sizeof(out->sun_path))
		die("the path of the folder '%s' is too long for a socket", folder);
}

static void inet_address(const char *where, struct sockaddr_in *out)
{
	const char *colon = strrchr(where, ':');

	/* no names: a test asks no name server */
	memset(out, 0, sizeof(*out));
	out->sin_family = AF_INET;
	out->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	out->sin_port = htons((uint16_t)atoi(colon ? colon + 1 : where));
}

int wire_connect(const char *where)
{
	struct sockaddr_un local;
	struct sockaddr_in inet;
	int fd, rc, on = 1;

	fd = socket(where[0] == '/' ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (where[0] == '/') {
		unix_address(where, &local);
		rc = connect(fd, (struct sockaddr *)&local, sizeof(local));
	} else {
		inet_address(where, &inet);
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		rc = connect(fd, (struct sockaddr *)&inet, sizeof(inet));
	}
	if (rc == 0)
		return fd;
	close(fd);
	return -1;
}

static int listen_at(int fd, const struct sockaddr *address, socklen_t len)
{
	if (fd >= 0 && bind(fd, address, len) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

int wire_listen(const char *where, struct buf *shown)
{
	struct sockaddr_un local;
	struct sockaddr_in inet;
	socklen_t len = sizeof(inet);
	int on = 1;
	int fd = socket(where[0] == '/' ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
			0);

	if (where[0] == '/') {
		unix_address(where, &local);
		fd = listen_at(fd, (struct sockaddr *)&local, sizeof(local));
		buf_adds(shown, where);
		return fd;
	}
	inet_address(where, &inet);
	/* whom it accepts has it from here: short answers do not wait for each other */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fd = listen_at(fd, (struct sockaddr *)&inet, len);
	if (fd >= 0 && getsockname(fd, (struct sockaddr *)&inet, &len) == 0)
		buf_addf(shown, "127.0.0.1:%d", ntohs(inet.sin_port));
	return fd;
}
