#include "base/compat.h"

#include "base/err.h"
#include "cmd/opt.h"

struct parse {
	const struct usage *u;
	char **argv;
	int argc;
	int at;	  /* the next argument to read */
	int left; /* arguments kept */
};

static int store(const struct opt *o, const char *text, const char *shown,
		 struct err *err)
{
	char *end;
	long n;

	if (o->type == OPT_STRING) {
		*(const char **)o->value = text;
		return 0;
	}
	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 0 || n > INT_MAX)
		return err_set(err, ERR_USAGE, "option '%s' wants a number", shown);
	*(int *)o->value = (int)n;
	return 0;
}

static bool is_flag(const struct opt *o)
{
	return o->type == OPT_BOOL || o->type == OPT_SWITCH;
}

static void set_flag(const struct opt *o, bool on)
{
	if (o->type == OPT_BOOL)
		*(bool *)o->value = on;
	else
		*(int *)o->value = on;
}

/* The value of an option: `inline_value`, or the next argument. */
static int take(struct parse *p, const struct opt *o, const char *inline_value,
		const char *shown, struct err *err)
{
	if (is_flag(o)) {
		set_flag(o, true);
		return 0;
	}
	if (inline_value)
		return store(o, inline_value, shown, err);
	if (p->at >= p->argc)
		return err_set(err, ERR_USAGE, "option '%s' wants a value", shown);
	return store(o, p->argv[p->at++], shown, err);
}

static int parse_letters(struct parse *p, const char *letters, struct err *err)
{
	const struct opt *o;
	char shown[3] = "-?";

	for (; *letters; letters++) {
		shown[1] = *letters;
		for (o = p->u->opts; o->type != OPT_END && o->letter != *letters; o++)
			;
		if (o->type == OPT_END)
			return err_set(err, ERR_USAGE, "there is no option '%s'", shown);
		if (!is_flag(o))
			return take(p, o, letters[1] ? letters + 1 : NULL, shown, err);
		take(p, o, NULL, shown, err);
	}
	return 0;
}

/* The option of that name or unique beginning. */
static const struct opt *find_long(const struct usage *u, const char *name, size_t len,
				   bool *ambiguous)
{
	const struct opt *o, *hit = NULL;

	*ambiguous = false;
	for (o = u->opts; o->type != OPT_END; o++) {
		if (!o->name || strncmp(o->name, name, len) != 0)
			continue;
		if (!o->name[len]) {
			*ambiguous = false;
			return o;
		}
		*ambiguous = hit != NULL;
		hit = o;
	}
	return hit;
}

static int parse_long(struct parse *p, const char *arg, struct err *err)
{
	const char *name = arg + 2, *value = strchr(name, '=');
	size_t len = value ? (size_t)(value - name) : strlen(name);
	const struct opt *o;
	bool ambiguous, off = false;

	o = find_long(p->u, name, len, &ambiguous);
	if (!o && len > 3 && strncmp(name, "no-", 3) == 0) {
		o = find_long(p->u, name + 3, len - 3, &ambiguous);
		off = true;
	}
	if (ambiguous)
		return err_set(err, ERR_USAGE, "option '%s' is ambiguous", arg);
	if (!o || (off && !is_flag(o)))
		return err_set(err, ERR_USAGE, "there is no option '%s'", arg);
	if (is_flag(o) && value)
		return err_set(err, ERR_USAGE, "option '%s' takes no value", arg);
	if (off) {
		set_flag(o, false);
		return 0;
	}
	return take(p, o, value ? value + 1 : NULL, arg, err);
}

int opt_parse(const struct usage *u, int argc, char **argv, struct err *err)
{
	struct parse p = { .u = u, .argv = argv, .argc = argc, .at = 1 };
	char *arg;

	while (p.at < argc) {
		arg = argv[p.at++];
		if (strcmp(arg, "--") == 0)
			break;
		if (arg[0] != '-' || !arg[1])
			argv[p.left++] = arg;
		else if ((arg[1] == '-' ? parse_long(&p, arg, err)
					: parse_letters(&p, arg + 1, err)) < 0)
			return -1;
	}
	while (p.at < argc)
		argv[p.left++] = argv[p.at++];
	argv[p.left] = NULL;
	return p.left;
}

void opt_usage(const struct usage *u, const char *command, FILE *to)
{
	const struct opt *o;
	char left[64];
	size_t i;

	for (i = 0; u->lines[i]; i++)
		fprintf(to, "%s git migrate %s%s%s\n", i ? "   or:" : "usage:", command,
			u->lines[i][0] ? " " : "", u->lines[i]);
	if (u->opts->type != OPT_END)
		fputc('\n', to);
	for (o = u->opts; o->type != OPT_END; o++) {
		snprintf(left, sizeof(left), "%c%c%s--%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ", " : "  ", o->name,
			 o->arg ? " " : "", o->arg ? o->arg : "");
		if (strlen(left) > 24)
			fprintf(to, "    %s\n    %-26s%s\n", left, "", o->help);
		else
			fprintf(to, "    %-26s%s\n", left, o->help);
	}
}
