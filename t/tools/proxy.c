/*
 * A proxy between a client of PostgreSQL and its server, which can break their
 * connection at a chosen moment. One process and one poll loop; it keeps no time
 * but for --delay-ms.
 *
 *	proxy --server=WHERE --listen=WHERE [OPTION...]
 *
 *	--server=WHERE	folder of the server's socket, or 127.0.0.1:PORT
 *	--listen=WHERE	folder to make a socket in, or a port, 0 for any; printed on
 *			stdout as soon as it listens there
 *	--at-commit=N	the moment: the Nth COMMIT that clients send, from 1, as a
 *			simple Query or a Parse, counted over all connections
 *	--at-message=N	or the Nth message that clients send once they are let in
 *	--at-text=TEXT	or the first Query or Parse whose SQL holds the text
 *	--do=ACTION	what is done then, once, to that connection:
 *	    cut-before	the message does not reach the server; both ends are closed
 *	    cut-after	the server takes it, and both ends are closed when it has
 *			answered a COMMIT, before the client sees that
 *	    late	the client is cut off at once. The server gets the message, and
 *			what the client had sent behind it, only when the next
 *			connection has sent its first query, or at SIGUSR1
 *	    black-hole	no byte passes any more, in either direction. SIGUSR1 closes
 *			the client's end, SIGUSR2 the server's
 *	    run		the command runs, then the message goes on
 *	--command=SH	for --do=run
 *	--events=FILE	a line for each "open N", "query N" (the first of connection N),
 *			"did ACTION", "delivered", "close N": for a test to wait for
 *	--stats=FILE	at SIGTERM: "connections", "round-trips", "messages", "commits",
 *			"to-server" and "to-client" (bytes), one line each
 *	--delay-ms=N	each message reaches the server that much later
 *
 * A round trip ends when the server answers what the client said since its last
 * answer. All other connections pass unharmed, whenever they begin.
 */
#include "base/compat.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/vec.h"
#include "tools/wire.h"

enum action {
	DO_NOTHING,
	DO_CUT_BEFORE,
	DO_CUT_AFTER,
	DO_LATE,
	DO_BLACK_HOLE,
	DO_RUN,
};

static const char *const action_names[] = {
	"nothing", "cut-before", "cut-after", "late", "black-hole", "run",
};

/* Bytes on their way to one end, in the order in which they are due. */
struct chunk {
	struct chunk *next;
	int64_t due;
	struct buf bytes;
	size_t sent;
};

enum state {
	STATE_OPEN,
	STATE_AWAITING, /* DO_CUT_AFTER: the server's answer will be the last word */
	STATE_HOLDING,	/* DO_LATE: until the client has sent its Sync */
	STATE_HELD,	/* DO_LATE: the client is gone, the server is not told */
	STATE_HOLE,
	STATE_LEAVING, /* the client is gone, the server is read to its end */
};

struct connection {
	unsigned nr;
	int client, server; /* -1 when closed */
	enum state state;
	struct buf from_client, from_server; /* no whole message yet */
	struct buf held;
	struct chunk *to_server, *to_client;
	bool started;	    /* the client's version and user were seen */
	unsigned single;    /* answers of one byte that the server owes */
	bool asked;	    /* it has sent a query */
	bool client_spoke;  /* since the server did */
	unsigned commits;   /* that it has sent */
	unsigned committed; /* that were answered */
	unsigned awaited;   /* STATE_AWAITING: how many answers end it */
};

struct proxy {
	const char *server, *at_text, *command, *events, *stats;
	unsigned long at_commit, at_message, delay_ms;
	enum action action;
	int listener;
	struct connection **items;
	size_t nr, alloc;
	bool acted;
	unsigned long connections, round_trips, messages, commits;
	unsigned long to_server, to_client;
};

static volatile sig_atomic_t told_end, told_first, told_second;

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		told_first = 1;
	else if (sig == SIGUSR2)
		told_second = 1;
	else
		told_end = 1;
}

PRINTF_LIKE(2, 3) static void event(const struct proxy *p, const char *fmt, ...)
{
	FILE *out = p->events ? fopen(p->events, "a") : NULL;
	va_list ap;

	if (!out)
		return;
	va_start(ap, fmt);
	vfprintf(out, fmt, ap);
	va_end(ap);
	fputc('\n', out);
	fclose(out);
}

/* --- what is on its way ------------------------------------------------------ */

static void queue(struct chunk **list, const char *bytes, size_t len, int64_t due)
{
	struct chunk *c;

	while (*list && (*list)->next)
		list = &(*list)->next;
	if (*list && (*list)->due == due) {
		buf_add(&(*list)->bytes, bytes, len);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->due = due;
	buf_add(&c->bytes, bytes, len);
	if (*list)
		(*list)->next = c;
	else
		*list = c;
}

static void drop(struct chunk **list)
{
	struct chunk *c = *list;

	*list = c->next;
	buf_release(&c->bytes);
	free(c);
}

static void drop_all(struct chunk **list)
{
	while (*list)
		drop(list);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Sends what is due. The end is closed when it takes no more. */
static void send_due(struct chunk **list, int *fd)
{
	int64_t now = clock_ms();
	struct chunk *c;
	ssize_t n;

	while ((c = *list) != NULL && *fd >= 0 && c->due <= now) {
		n = send(*fd, c->bytes.s + c->sent, c->bytes.len - c->sent,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n < 0) {
			close_end(fd);
			break;
		}
		c->sent += (size_t)n;
		if (c->sent == c->bytes.len)
			drop(list);
	}
	if (*fd < 0)
		drop_all(list);
}

/* The client is gone. The server does what it was sent, and then sees the end. */
static void leave(struct connection *c)
{
	close_end(&c->client);
	drop_all(&c->to_client);
	c->state = STATE_LEAVING;
}

/* --- the moment -------------------------------------------------------------- */

static bool is_moment(const struct proxy *p, const char *sql, bool commit)
{
	if (p->acted || p->action == DO_NOTHING)
		return false;
	if (p->at_commit)
		return commit && p->commits == p->at_commit;
	if (p->at_message)
		return p->messages == p->at_message;
	return p->at_text && sql && strstr(sql, p->at_text);
}

static void to_server(struct proxy *p, struct connection *c, const char *bytes,
		      size_t len)
{
	p->to_server += len;
	queue(&c->to_server, bytes, len,
	      p->delay_ms ? clock_ms() + (int64_t)p->delay_ms : 0);
}

/* Returns whether the message goes on to the server. */
static bool act(struct proxy *p, struct connection *c)
{
	p->acted = true;
	switch (p->action) {
	case DO_NOTHING:
		return true;
	case DO_CUT_BEFORE:
		event(p, "did cut-before");
		leave(c);
		return false;
	case DO_CUT_AFTER:
		c->state = STATE_AWAITING;
		c->awaited = c->commits;
		return true; /* said when it is done */
	case DO_LATE:
		c->state = STATE_HOLDING;
		return false; /* as above */
	case DO_BLACK_HOLE:
		event(p, "did black-hole");
		c->state = STATE_HOLE;
		return false;
	case DO_RUN:
		send_due(&c->to_server, &c->server);
		if (system(p->command) != 0)
			die("'%s' failed", p->command);
		event(p, "did run");
		return true;
	}
	return false;
}

/* What DO_LATE has kept from the server reaches it now. */
static void deliver(struct proxy *p)
{
	struct connection *c;
	size_t i;

	for (i = 0; i < p->nr; i++) {
		c = p->items[i];
		if (c->state != STATE_HELD)
			continue;
		to_server(p, c, buf_str(&c->held), c->held.len);
		c->state = STATE_LEAVING;
		event(p, "delivered");
	}
}

static void hold(struct proxy *p, struct connection *c, const struct wire_message *m,
		 const char *bytes)
{
	buf_add(&c->held, bytes, m->total);
	if (c->state == STATE_HELD || (m->type != 'S' && m->type != 'Q'))
		return;
	/* the server can carry it out now: the client is cut off */
	c->state = STATE_HELD;
	event(p, "did late"); /* before anybody can notice */
	close_end(&c->client);
	drop_all(&c->to_client);
}

/* --- from the client --------------------------------------------------------- */

static void take_start(struct proxy *p, struct connection *c,
		       const struct wire_message *m, const char *bytes)
{
	uint32_t code = m->len >= 4 ? wire_number(m->body) : 0;

	if (code == WIRE_SSL || code == WIRE_GSS)
		c->single++;
	else
		c->started = true;
	to_server(p, c, bytes, m->total);
}

static void take_message(struct proxy *p, struct connection *c,
			 const struct wire_message *m, const char *bytes)
{
	const char *sql = wire_text(m);
	bool commit = sql && wire_has_commit(sql), first = sql && !c->asked;

	if (c->state == STATE_HOLDING || c->state == STATE_HELD) {
		hold(p, c, m, bytes);
		return;
	}
	p->messages++;
	p->commits += commit;
	c->commits += commit;
	if (is_moment(p, sql, commit) && !act(p, c)) {
		if (c->state == STATE_HOLDING)
			hold(p, c, m, bytes);
		return;
	}
	to_server(p, c, bytes, m->total);
	if (first) {
		c->asked = true;
		event(p, "query %u", c->nr);
		send_due(&c->to_server, &c->server); /* it comes before the late one */
		deliver(p);
	}
}

/* All whole messages of what the client has sent. */
static void take_messages(struct proxy *p, struct connection *c)
{
	const char *at = buf_str(&c->from_client);
	struct buf rest = BUF_INIT;
	struct wire_message m;
	size_t left = c->from_client.len;

	c->client_spoke |= left > 0;
	while (c->state != STATE_LEAVING && c->state != STATE_HOLE &&
	       wire_next(at, left, !c->started, &m)) {
		if (c->started)
			take_message(p, c, &m, at);
		else
			take_start(p, c, &m, at);
		at += m.total;
		left -= m.total;
	}
	buf_add(&rest, at, left);
	buf_release(&c->from_client);
	c->from_client = rest;
}

/* 1 when something came, 0 when nothing is there, -1 at the end. */
static int receive(int fd, struct buf *into)
{
	char bytes[64 * 1024];
	ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0)
		return -1;
	buf_add(into, bytes, (size_t)n);
	return 1;
}

static void read_client(struct proxy *p, struct connection *c)
{
	int rc;

	/* all that is there at once: a late COMMIT takes with it what follows */
	while ((rc = receive(c->client, &c->from_client)) > 0)
		;
	take_messages(p, c);
	if (rc < 0 && c->state != STATE_HELD && c->state != STATE_HOLE)
		leave(c);
}

/* --- from the server --------------------------------------------------------- */

static void take_answer(struct proxy *p, struct connection *c,
			const struct wire_message *m, const char *bytes)
{
	if (m->type == 'C' && m->len == sizeof("COMMIT") &&
	    memcmp(m->body, "COMMIT", m->len) == 0)
		c->committed++;
	if (c->state == STATE_AWAITING && c->committed == c->awaited) {
		event(p, "did cut-after");
		leave(c);
	}
	if (c->state != STATE_OPEN && c->state != STATE_AWAITING)
		return;
	p->to_client += m->total;
	queue(&c->to_client, bytes, m->total, 0);
}

static void take_answers(struct proxy *p, struct connection *c)
{
	const char *at = buf_str(&c->from_server);
	size_t left = c->from_server.len;
	struct buf rest = BUF_INIT;
	struct wire_message m;

	if (c->client_spoke)
		p->round_trips++;
	c->client_spoke = false;
	for (; c->single && left; c->single--, at++, left--) {
		p->to_client++;
		queue(&c->to_client, at, 1, 0);
	}
	while (wire_next(at, left, false, &m)) {
		take_answer(p, c, &m, at);
		at += m.total;
		left -= m.total;
	}
	buf_add(&rest, at, left);
	buf_release(&c->from_server);
	c->from_server = rest;
}

static void read_server(struct proxy *p, struct connection *c)
{
	if (receive(c->server, &c->from_server) >= 0) {
		take_answers(p, c);
		return;
	}
	send_due(&c->to_client, &c->client);
	close_end(&c->server);
	close_end(&c->client);
}

/* --- connections ------------------------------------------------------------- */

static void accept_one(struct proxy *p)
{
	int client = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
	struct connection *c;
	int server;

	if (client < 0)
		return;
	server = wire_connect(p->server);
	if (server < 0) { /* as if nobody listened */
		close(client);
		return;
	}
	c = xcalloc(1, sizeof(*c));
	c->nr = (unsigned)++p->connections;
	c->client = client;
	c->server = server;
	VEC_GROW(p->items, p->nr, p->alloc);
	p->items[p->nr++] = c;
	event(p, "open %u", c->nr);
}

static void connection_free(struct connection *c)
{
	close_end(&c->client);
	close_end(&c->server);
	drop_all(&c->to_server);
	drop_all(&c->to_client);
	buf_release(&c->from_client);
	buf_release(&c->from_server);
	buf_release(&c->held);
	free(c);
}

/* Takes away those with both ends closed. */
static void sweep(struct proxy *p)
{
	size_t i, kept = 0;

	for (i = 0; i < p->nr; i++) {
		struct connection *c = p->items[i];

		if (c->server < 0 && c->state != STATE_HOLE)
			close_end(&c->client);
		if (c->client >= 0 || c->server >= 0) {
			p->items[kept++] = c;
			continue;
		}
		event(p, "close %u", c->nr);
		connection_free(c);
	}
	p->nr = kept;
}

static void obey(struct proxy *p)
{
	bool first = told_first, second = told_second;
	size_t i;

	if (first)
		told_first = 0;
	if (second)
		told_second = 0;
	if (first)
		deliver(p);
	for (i = 0; i < p->nr; i++) {
		struct connection *c = p->items[i];

		if (c->state != STATE_HOLE)
			continue;
		if (first)
			close_end(&c->client);
		if (second)
			close_end(&c->server);
	}
}

/* --- the loop ---------------------------------------------------------------- */

static short wanted(const struct connection *c, bool server, int64_t now)
{
	const struct chunk *next = server ? c->to_server : c->to_client;
	bool reads = server || c->state == STATE_OPEN || c->state == STATE_AWAITING ||
		     c->state == STATE_HOLDING;

	if (c->state == STATE_HOLE)
		return 0;
	return (short)((reads ? POLLIN : 0) | (next && next->due <= now ? POLLOUT : 0));
}

/* How long to wait: until the first delayed message is due. */
static struct timespec *patience(const struct proxy *p, int64_t now, struct timespec *out)
{
	int64_t first = -1, due;
	size_t i;

	for (i = 0; i < p->nr; i++) {
		if (!p->items[i]->to_server)
			continue;
		due = p->items[i]->to_server->due;
		if (due > now && (first < 0 || due < first))
			first = due;
	}
	if (first < 0)
		return NULL;
	out->tv_sec = (first - now) / 1000;
	out->tv_nsec = (first - now) % 1000 * 1000000;
	return out;
}

static void serve(struct proxy *p, struct connection *c, short client, short server)
{
	if (client & (POLLIN | POLLHUP | POLLERR) && c->client >= 0 &&
	    c->state != STATE_HOLE)
		read_client(p, c);
	if (server & (POLLIN | POLLHUP | POLLERR) && c->server >= 0 &&
	    c->state != STATE_HOLE)
		read_server(p, c);
	if (c->state == STATE_HOLE)
		return;
	send_due(&c->to_server, &c->server);
	send_due(&c->to_client, &c->client);
	if (c->state == STATE_LEAVING && !c->to_server && c->server >= 0)
		shutdown(c->server, SHUT_WR);
}

static void turn(struct proxy *p, const sigset_t *waiting)
{
	struct pollfd *fds = xcalloc(2 * p->nr + 1, sizeof(*fds));
	size_t nr = p->nr, i;
	int64_t now = clock_ms();
	struct timespec room;
	int rc;

	fds[0] = (struct pollfd){ .fd = p->listener, .events = POLLIN };
	for (i = 0; i < nr; i++) {
		struct connection *c = p->items[i];
		short client = wanted(c, false, now), server = wanted(c, true, now);

		/* without a wish poll would still report an end that was closed */
		fds[2 * i + 1] = (struct pollfd){ .fd = client ? c->client : -1,
						  .events = client };
		fds[2 * i + 2] = (struct pollfd){ .fd = server ? c->server : -1,
						  .events = server };
	}
	rc = ppoll(fds, 2 * nr + 1, patience(p, now, &room), waiting);
	obey(p);
	for (i = 0; i < nr; i++)
		serve(p, p->items[i], rc > 0 ? fds[2 * i + 1].revents : 0,
		      rc > 0 ? fds[2 * i + 2].revents : 0);
	if (rc > 0 && fds[0].revents)
		accept_one(p);
	sweep(p);
	free(fds);
}

static void write_stats(const struct proxy *p)
{
	FILE *out = p->stats ? fopen(p->stats, "w") : NULL;

	if (!out)
		return;
	fprintf(out, "connections %lu\nround-trips %lu\nmessages %lu\ncommits %lu\n",
		p->connections, p->round_trips, p->messages, p->commits);
	fprintf(out, "to-server %lu\nto-client %lu\n", p->to_server, p->to_client);
	fclose(out);
}

static enum action parse_action(const char *word)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(action_names); i++)
		if (strcmp(word, action_names[i]) == 0)
			return (enum action)i;
	die("no action '%s'", word);
}

static void parse(struct proxy *p, int argc, char **argv, const char **listen_at)
{
	const char *value;
	int i;

	for (i = 1; i < argc; i++) {
		if ((value = option_value(argv[i], "server")) != NULL)
			p->server = value;
		else if ((value = option_value(argv[i], "listen")) != NULL)
			*listen_at = value;
		else if ((value = option_value(argv[i], "at-commit")) != NULL)
			p->at_commit = strtoul(value, NULL, 10);
		else if ((value = option_value(argv[i], "at-message")) != NULL)
			p->at_message = strtoul(value, NULL, 10);
		else if ((value = option_value(argv[i], "at-text")) != NULL)
			p->at_text = value;
		else if ((value = option_value(argv[i], "do")) != NULL)
			p->action = parse_action(value);
		else if ((value = option_value(argv[i], "command")) != NULL)
			p->command = value;
		else if ((value = option_value(argv[i], "events")) != NULL)
			p->events = value;
		else if ((value = option_value(argv[i], "stats")) != NULL)
			p->stats = value;
		else if ((value = option_value(argv[i], "delay-ms")) != NULL)
			p->delay_ms = strtoul(value, NULL, 10);
		else
			die("no option '%s'", argv[i]);
	}
	if (!p->server || !*listen_at || (p->action == DO_RUN && !p->command))
		die("--server, --listen or --command is missing");
}

int main(int argc, char **argv)
{
	static const int watched[] = { SIGTERM, SIGINT, SIGUSR1, SIGUSR2 };
	struct sigaction act = { .sa_handler = on_signal };
	struct proxy p = { .listener = -1 };
	struct buf shown = BUF_INIT;
	const char *listen_at = NULL;
	sigset_t held, waiting;
	size_t i;

	sigemptyset(&held);
	for (i = 0; i < ARRAY_SIZE(watched); i++) {
		sigaction(watched[i], &act, NULL);
		sigaddset(&held, watched[i]);
	}
	sigprocmask(SIG_BLOCK, &held, &waiting);
	for (i = 0; i < ARRAY_SIZE(watched); i++)
		sigdelset(&waiting, watched[i]);
	parse(&p, argc, argv, &listen_at);
	p.listener = wire_listen(listen_at, &shown);
	if (p.listener < 0)
		die("could not listen at '%s': %s", listen_at, strerror(errno));
	printf("%s\n", buf_str(&shown));
	fflush(stdout);
	while (!told_end)
		turn(&p, &waiting);
	write_stats(&p);
	for (i = 0; i < p.nr; i++)
		connection_free(p.items[i]);
	free(p.items);
	close(p.listener);
	buf_release(&shown);
	return 0;
}
