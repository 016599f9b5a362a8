#!/bin/sh

test_description='report: what an auditor gets, in four forms; the page in a browser'

. "$(dirname "$0")/lib.sh"

if command -v chromium >/dev/null; then
	test_set_prereq CHROMIUM
fi
if command -v python3 >/dev/null; then
	test_set_prereq PYTHON
fi

# A path through everything: a failure mended in place, a fault and its fix, a fault
# that is open on one target, an exception with a reason, and names that are markup.
test_expect_success 'a story' '
	fresh story &&
	git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
	git migrate target add staging sqlite:.git/staging.db >.git/t/out 2>&1 &&
	GIT_AUTHOR_NAME="=cmd|<script>alert(1)</script>" new_migration a "CREATE TABLE a (x);" \
		"a <b>&amp;\" onload=\"x" &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration b "SELECT nothing;" &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
	echo "CREATE TABLE b (x);" >migrations/b.sql && git commit -q -a --amend --no-edit &&
	git migrate apply >.git/t/out 2>&1 &&
	new_migration c "CREATE TABLE c (x);" "mend a" "" "Fixes: a.sql" \
		"Failure-Mode: <img src=x onerror=alert(1)> was | wrong" &&
	git migrate apply >.git/t/out 2>&1 &&
	git migrate apply staging >.git/t/out 2>&1 &&
	new_migration d "CREATE TABLE d (x);" "mend c" "" "Fixes: c.sql" "Failure-Mode: half of it" &&
	cp .git/app.db .git/kept.db &&
	git migrate apply >.git/t/out 2>&1 &&
	cp .git/kept.db .git/app.db &&
	git migrate target restored default --reason "=1+1, the disk <failed>" >.git/t/out 2>&1
'

test_expect_success '--json: incidents, failures, exceptions' '
	git migrate report --json >.git/t/out &&
	tr -d "\n" <.git/t/out | sed "s/  */ /g" >.git/t/flat &&
	grep -F "\"kind\": \"failed\", \"target\": \"default\", \"path\": \"b.sql\"" .git/t/flat &&
	grep -c "\"failures\": 2," .git/t/out >.git/t/actual && echo 1 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	# a was live on default until c; on staging both came in one run
	grep -F "\"kind\": \"fault\", \"target\": \"default\", \"path\": \"a.sql\"" .git/t/flat &&
	! grep -F "\"kind\": \"fault\", \"target\": \"staging\", \"path\": \"a.sql\"" .git/t/flat &&
	# d is lost with the restored database, so c is live there again; and on staging
	grep -F "\"kind\": \"fault\", \"target\": \"default\", \"path\": \"c.sql\"" .git/t/flat &&
	grep -F "\"kind\": \"fault\", \"target\": \"staging\", \"path\": \"c.sql\"" .git/t/flat &&
	grep -c "\"open_faults\": 1" .git/t/out >.git/t/actual && echo 2 >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	grep -F "\"event\": \"restored\"" .git/t/out &&
	grep -F "\"reason\": \"=1+1, the disk <failed>\"" .git/t/out
'

test_expect_success 'a run ends in how long it took, and each migration has its own share' '
	git migrate report >.git/t/out &&
	sqlite .git/app.db "SELECT record FROM git_migrate_log WHERE record LIKE \"% event=ran %\" ORDER BY seq LIMIT 1" >.git/t/ran &&
	ms=$(sed -n "s/.* ms=\([0-9]*\).*/\1/p" .git/t/ran) && share=$(sed -n "s/.* durations=a\.sql:\([0-9]*\).*/\1/p" .git/t/ran) &&
	schema=$(sed -n "s/.* schema=\([^ ]*\).*/\1/p" .git/t/ran) && test -n "$ms" && test -n "$share" &&
	grep -F "<span class=\"good\">applied</span> <code>a.sql</code> <span class=\"dim\">$share ms</span>" .git/t/out &&
	grep -F "<span class=\"dim\">ended after $ms ms, schema <code>$schema</code></span>" .git/t/out &&
	! grep ">ran<" .git/t/out
'

test_expect_success 'rehearsals and drills, as notes tell of them' '
	git migrate report >.git/t/out && grep "None is noted here" .git/t/out &&
	git migrate show c >.git/t/out && ! grep rehears .git/t/out &&
	proof=refs/notes/migrate-proof &&
	git notes --ref $proof/rehearsals add -m "rehearsed path=c.sql blob=$(git rev-parse HEAD:migrations/c.sql) result=passed" &&
	git notes --ref $proof/drills add -m "drilled result=failed what=<b>x</b>" &&
	git migrate report >.git/t/out && ! grep "None is noted here" .git/t/out &&
	grep -F "<td data-label=\"What\">rehearsals</td><td data-label=\"Migration\" class=\"name\">c.sql</td><td data-label=\"Result\">passed</td>" .git/t/out &&
	grep -F "<td data-label=\"What\">drills</td><td data-label=\"Migration\" class=\"name\">-</td><td data-label=\"Result\">failed</td>" .git/t/out &&
	grep -F "what=&lt;b&gt;x&lt;/b&gt;" .git/t/out &&
	git migrate report --markdown >.git/t/out && grep -F "| rehearsals | c.sql | passed |" .git/t/out &&
	git migrate report --json >.git/t/out && grep -F "\"line\": \"drilled result=failed what=<b>x</b>\"" .git/t/out &&
	git migrate show c >.git/t/out && grep "^rehearsals  *rehearsed path=c.sql .* result=passed" .git/t/out &&
	git migrate show a >.git/t/out && ! grep rehears .git/t/out
'

test_expect_success '--target and --since leave out the others' '
	git migrate report --json --target staging >.git/t/out &&
	! grep "\"target\": \"default\"" .git/t/out &&
	git migrate report --csv --until 2001-01-01 >.git/t/out &&
	test 1 = "$(wc -l <.git/t/out)" &&
	test_expect_code 1 git migrate report --target nosuch >.git/t/out 2>.git/t/err &&
	test_must_be_empty .git/t/out &&
	has_line .git/t/err "error: there is no mirror of a target '\''nosuch'\'' here" &&
	test_expect_code 129 git migrate report --csv --json 2>.git/t/err &&
	grep "cannot be used together" .git/t/err
'

test_expect_success '--csv: every record, and nothing that a spreadsheet would compute' '
	git migrate report --csv >.git/t/out &&
	{
		tracker_rows .git/app.db && tracker_rows .git/staging.db
	} | while read -r line; do
		printf "%s\n" "$line" | sha256sum | cut -d " " -f 1
	done >.git/t/expect &&
	tr -d "\r" <.git/t/out | sed -n -e 1d -e "s/.*,\"\(.*\)\",\"\"\$/\1/p" >.git/t/actual &&
	test_cmp .git/t/expect .git/t/actual &&
	head -n 1 .git/t/out | grep "^target,seq,event,at,by," &&
	grep -F "\" =1+1, the disk <failed>\"" .git/t/out &&
	! grep "\"=" .git/t/out
'

# csv COLUMN EVENT [PATH]: of the first such row of default
csv() {
	python3 - "$@" <<-\END
	import csv, sys
	for row in csv.DictReader(open(".git/t/csv", newline="")):
	    if row["target"] == "default" and row["event"] == sys.argv[2]:
	        if len(sys.argv) < 4 or row["path"] == sys.argv[3]:
	            print(row[sys.argv[1]])
	            break
	END
}

test_expect_success PYTHON '--csv and --json: how long runs and migrations took' '
	git migrate report --csv >.git/t/csv && git migrate report --json >.git/t/json &&
	sqlite .git/app.db "SELECT record FROM git_migrate_log WHERE record LIKE \"% event=ran %\" ORDER BY seq LIMIT 1" >.git/t/ran &&
	ms=$(sed -n "s/.* ms=\([0-9]*\).*/\1/p" .git/t/ran) && share=$(sed -n "s/.* durations=a\.sql:\([0-9]*\).*/\1/p" .git/t/ran) &&
	run=$(sed -n "s/.* run=\([^ ]*\).*/\1/p" .git/t/ran) && schema=$(sed -n "s/.* schema=\([^ ]*\).*/\1/p" .git/t/ran) &&
	test "$ms" = "$(csv ms ran)" && test "$share" = "$(csv ms applied a.sql)" && test "$(csv ms failed b.sql)" = "" &&
	python3 - "$run" "$ms" "$share" "$schema" <<-\END
	import json, sys
	run, ms, share, schema = sys.argv[1:]
	runs = [r for r in json.load(open(".git/t/json"))["runs"] if r["run"] == run]
	assert len(runs) == 1, runs
	one = runs[0]
	assert one["target"] == "default" and one["ms"] == int(ms) and one["schema"] == schema, one
	assert {"path": "a.sql", "event": "applied", "ms": int(share)} in one["migrations"], one
	assert one["ended"] >= one["began"] and one["records"] >= 2, one
	END
'

test_expect_success 'what the restored database has lost is in every form, and marked' '
	git migrate report --csv >.git/t/out && tr -d "\r" <.git/t/out >.git/t/rows &&
	grep "^\"default\",10,\"applied\".*\"d.sql\".*,\"restored\"\$" .git/t/rows &&
	test 2 = "$(grep -c ",\"restored\"\$" .git/t/rows)" &&
	git migrate report --json >.git/t/out && test 1 = "$(grep -c "\"lost\": \"restored\"" .git/t/out)" &&
	git migrate report >.git/t/out && test 1 = "$(grep -c "<span class=\"bad\">lost: restored</span> <span class=\"dim\">record 12</span>" .git/t/out)" &&
	git migrate show d >.git/t/out && grep "^default  *applied at .* record 10, lost: restored, record 12" .git/t/out &&
	git migrate show c >.git/t/out && ! grep lost .git/t/out &&
	git migrate log -n 1 >.git/t/out && grep "^    lost on default (restored, record 12): applied at 20" .git/t/out
'

test_expect_success 'a failure that is in a lost log, and a database that was thrown away: who answers for it' '
	(
		fresh thrown && git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
		new_migration a "SELECT nothing;" && test_expect_code 1 git migrate apply >.git/t/out 2>&1 &&
		echo "CREATE TABLE a (x);" >migrations/a.sql && git commit -q -a --amend --no-edit &&
		git migrate apply >.git/t/out 2>&1 && git migrate report --markdown >.git/t/out &&
		sed -n "/^## Exceptions/,/^##  *Reh/p" .git/t/out | grep "^None" &&
		rm .git/app.db && git migrate target restored default --reason "new | disk" >.git/t/out 2>&1 &&
		git migrate apply >.git/t/out 2>&1 && git migrate report --markdown >.git/t/out &&
		grep "^| .* | default | created | .* | new .*disk |\$" .git/t/out &&
		grep -F "failed \\(lost: created\\) | a.sql |" .git/t/out &&
		git migrate audit | grep "^  ok  *exceptions *1 exception " &&
		git migrate audit --offline | grep "^  ok  *exceptions *1 exception " &&
		git migrate log --failed >.git/t/out && grep "^a.sql" .git/t/out
	)
'

# broken WHAT...: it prints, says that the mirror of default is not one chain, exits with 1
broken() {
	test_expect_code 1 git migrate "$@" >.git/t/out 2>.git/t/err && test -s .git/t/out &&
	has_line .git/t/err "error: the mirror of target 'default' is not one chain" &&
	grep "^hint: \"git migrate audit --offline default\"" .git/t/err
}

test_expect_success 'a mirror that is not one chain: nobody gets a clean page of it' '
	(
		fresh unchained && git migrate init sqlite:.git/app.db >.git/t/out 2>&1 &&
		git migrate target add staging sqlite:.git/staging.db >.git/t/out 2>&1 &&
		for name in a b c; do
			new_migration $name "CREATE TABLE $name (x);" && git migrate apply >.git/t/out 2>&1 || return 1
		done &&
		git migrate apply staging >.git/t/out 2>&1 && git migrate report >.git/t/out && ! grep "not one chain" .git/t/out &&
		notes=refs/notes/migrate/default && git notes --ref=$notes show HEAD^ | grep -v "event=applied" >.git/t/note &&
		git notes --ref=$notes add -f -F .git/t/note HEAD^ 2>.git/t/err &&
		broken report && grep "<strong class=\"bad\">The mirror of <span class=\"id\">default</span> is not one chain" .git/t/out &&
		test 1 = "$(grep -c "is not one chain" .git/t/out)" &&
		broken report --markdown && grep "The mirror of default is not one chain" .git/t/out &&
		broken report --csv && broken report --json && grep "\"broken\": \"A line of it is wrong (the record before" .git/t/out &&
		test_expect_code 1 git migrate report -o .git/t/page 2>.git/t/err && grep "is not one chain" .git/t/page &&
		broken at now && broken log && broken log -n 1 && broken show b && broken show c &&
		git migrate report --target staging >.git/t/out && ! grep "is not one chain" .git/t/out &&
		git migrate at --target staging now >.git/t/out && git migrate log --target staging >.git/t/out &&
		git update-ref $notes $notes^ && git migrate report >.git/t/out && git migrate show b >.git/t/out &&
		# a line that no record explains, and one that is none
		git notes --ref=$notes append -m "$(tracker_rows .git/staging.db | sed -n 2p)" 2>.git/t/err &&
		broken report --json && grep "it is not of the chain, and no record says why" .git/t/out && broken show c &&
		git update-ref $notes $notes^ && git migrate show c >.git/t/out &&
		git notes --ref=$notes append -m "0000000099 nonsense" 2>.git/t/err && broken report && broken show c
	)
'

test_expect_success '--markdown: a table that markup in names cannot break' '
	git migrate report --markdown >.git/t/out &&
	grep "^| 20.*| default | a.sql | was wrong | c.sql | " .git/t/out &&
	grep -F "=1\\+1, the disk \\<failed\\>" .git/t/out &&
	! grep "<" .git/t/out | grep -v "\\\\<"
'

test_expect_success 'the page: self-contained, and nothing from outside is markup' '
	git migrate report -o .git/t/report.html >.git/t/out && test_must_be_empty .git/t/out &&
	git migrate report | sed "s/Made on[^.]*\.[^.]*\./X/" >.git/t/actual &&
	sed "s/Made on[^.]*\.[^.]*\./X/" .git/t/report.html >.git/t/expect &&
	test_cmp .git/t/expect .git/t/actual &&
	! grep -i -e "<script" -e "<img" -e "onload=\"" -e "src=\"" -e "url(" .git/t/report.html &&
	! grep -o -e "href=\"[^#][^\"]*" .git/t/report.html &&
	grep -F "&lt;img src=x onerror=alert(1)&gt; was | wrong" .git/t/report.html &&
	grep -F "a &lt;b&gt;&amp;amp;&quot; onload=&quot;x" .git/t/report.html &&
	! LC_ALL=C grep "$(printf "[\001-\010\013-\037\177]")" .git/t/report.html &&
	test_expect_code 128 git migrate report -o nosuch/folder.html 2>.git/t/err &&
	grep "^error: could not write" .git/t/err
'

# in_browser WIDTH SCRIPT: what the script leaves as the page'\''s title.
in_browser() {
	{
		# the page allows no script: that is lifted for the one that looks at it
		sed "s/<meta http-equiv=\"Content-Security-Policy\"[^>]*>//" .git/t/report.html
		printf "<script>document.title = String(%s)</script>\n" "$2"
	} >.git/t/looked-at.html &&
	chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
		--user-data-dir="$PWD/.git/t/chromium" --window-size="$1,2000" \
		--dump-dom "file://$PWD/.git/t/looked-at.html" 2>.git/t/browser.err |
		sed -n "s/.*<title>\(.*\)<\/title>.*/\1/p"
}

test_expect_success CHROMIUM 'in a browser: what stands there, on a phone and on a desk' '
	sections="document.querySelectorAll(\"main section h2\").length" &&
	test 8 = "$(in_browser 1280 "$sections")" &&
	overflow="document.documentElement.scrollWidth > innerWidth" &&
	for width in 360 800 1280; do
		test false = "$(in_browser $width "$overflow")" || return 1
	done &&
	# each table has a caption and heads, each picture a name
	test true = "$(in_browser 800 "[...document.querySelectorAll(\"table\")].every(t => t.caption && t.querySelector(\"th[scope=col]\"))")" &&
	test true = "$(in_browser 800 "[...document.querySelectorAll(\"svg\")].every(s => s.getAttribute(\"aria-label\"))")" &&
	test true = "$(in_browser 800 "[...document.querySelectorAll(\"nav a\")].every(a => document.querySelector(a.getAttribute(\"href\")))")" &&
	# nothing was loaded or made from what came from outside
	test 0 = "$(in_browser 800 "document.images.length + performance.getEntriesByType(\"resource\").length")"
'

# contrast COLOUR-SCHEME: the least contrast of text and ground that the page has.
test_expect_success CHROMIUM 'in a browser: text can be read, light and dark' '
	look="(() => { const l = c => { const v = c.match(/[0-9.]+/g).slice(0, 3).map(x => { x /= 255; return x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4; }); return .2126 * v[0] + .7152 * v[1] + .0722 * v[2]; }; const ground = l(getComputedStyle(document.body).backgroundColor); return Math.min(...[...document.querySelectorAll(\"main *\")].filter(e => e.textContent.trim() && !e.closest(\"svg\")).map(e => { const t = l(getComputedStyle(e).color); return (Math.max(t, ground) + .05) / (Math.min(t, ground) + .05); })) >= 4.5; })()" &&
	test true = "$(in_browser 800 "$look")" &&
	sed -e "s/@media(prefers-color-scheme:dark)/@media all/" .git/t/report.html >.git/t/dark &&
	! cmp -s .git/t/dark .git/t/report.html && mv .git/t/dark .git/t/report.html &&
	test true = "$(in_browser 800 "$look")"
'

test_done
