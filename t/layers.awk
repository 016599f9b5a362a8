# Which folder of src/ may include what (DESIGN.md, section 9).
# Usage: cd top && awk -f t/layers.awk $(find src -name '*.[ch]'); what is
# wrong goes to stdout, one line each, and the exit status is 1.

BEGIN {
	allow("base", "")
	allow("core", "base")
	allow("sql", "base")
	allow("git", "base core")
	allow("db", "base core sql migrations")
	allow("out", "base")
	allow("flow", "base core sql git db drills")
	allow("cmd", "base core sql git db out flow hooks")

	# first component or whole name of a library's header -> its only user
	owner["git2.h"] = owner["git2"] = owner["zlib.h"] = "git"
	owner["sqlite3.h"] = owner["libpq-fe.h"] = owner["libpq"] = "db"
	owner["jansson.h"] = "out"
	owner["nettle"] = "base"
	owner["pg_query.h"] = "sql"
}

function allow(layer, list,	n, i, names)
{
	known[layer] = 1
	may[layer, layer] = 1
	n = split(list, names, " ")
	for (i = 1; i <= n; i++)
		may[layer, names[i]] = 1
}

function bad(text)
{
	print FILENAME ":" FNR ": " text
	wrong = 1
}

function check_library(name,	top)
{
	top = name
	sub("/.*", "", top)
	if ((top in owner) && owner[top] != layer)
		bad("<" name "> is for src/" owner[top] " alone")
}

function check_own(name,	top)
{
	if (name == "config.h") {
		if (FILENAME != "src/base/compat.h")
			bad("\"config.h\" comes with \"base/compat.h\"")
		return
	}
	if (name !~ "/") {
		check_library(name)
		bad("\"" name "\": write the path from src/")
		return
	}
	top = name
	sub("/.*", "", top)
	if (!((layer, top) in may))
		bad("src/" layer " includes \"" name "\"")
	if ((top == "migrations" || top == "hooks" || top == "drills") && name !~ "[.]inc$")
		bad("\"" name "\": only what is compiled in comes from there")
}

FNR == 1 {
	layer = FILENAME
	sub("^src/", "", layer)
	sub("/.*", "", layer)
	includes = 0
	if (!(layer in known))
		bad("no layer '" layer "' is known")
}

/^[ \t]*#[ \t]*include[ \t]/ {
	name = $0
	sub("^[^\"<]*", "", name)
	quoted = substr(name, 1, 1) == "\""
	name = substr(name, 2)
	sub("[\">].*", "", name)
	if (++includes == 1 && FILENAME ~ "[.]c$" && name != "base/compat.h")
		bad("the first include is not \"base/compat.h\"")
	if (quoted)
		check_own(name)
	else
		check_library(name)
}

END {
	exit wrong
}
