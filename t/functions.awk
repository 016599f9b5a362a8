# How long functions and files are (STYLE.md, section 1).
# Usage: awk -f t/functions.awk FILES; prints "long:" lines for functions of more
# than `soft` lines and "too long:" lines for what is over the limits, which
# also makes the exit status 1. A function is what is between a "{" and a "}"
# that stand alone in the first column.

BEGIN {
	if (!soft)
		soft = 60
	if (!hard)
		hard = 100
	if (!file)
		file = 800
}

function end_of_file()
{
	if (lines > file) {
		print "too long: " name ": " lines " lines"
		wrong = 1
	}
	if (start) {
		print "too long: " name ":" start ": " title " has no end"
		wrong = 1
	}
}

FNR == 1 {
	if (NR > 1)
		end_of_file()
	name = FILENAME
	start = 0
	title = ""
}

{ lines = FNR }

/^[A-Za-z_].*[(]/ {
	title = $0
	sub("[(].*", "", title)
	sub(".*[ *]", "", title)
}

/^{[ \t]*$/ { start = FNR }

/^}[ \t]*$/ && start {
	length_ = FNR - start - 1
	if (length_ > hard) {
		print "too long: " name ":" start ": " title ", " length_ " lines"
		wrong = 1
	} else if (length_ > soft) {
		print "long: " name ":" start ": " title ", " length_ " lines"
	}
	start = 0
}

END {
	end_of_file()
	exit wrong
}
