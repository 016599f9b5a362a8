#include "base/compat.h"

#include "base/buf.h"
#include "base/text.h"
#include "out/html.h"

static const char style[] =
	":root{color-scheme:light dark;--ink:#1c2024;--dim:#5b6570;--page:#fff;"
	"--line:#d5dae0;--soft:#f3f5f7;--good:#116329;--bad:#b3261e;--warn:#7d4e00;"
	"--link:#0b57d0}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--dim:#a3adb8;"
	"--page:#14171a;--line:#3a4149;--soft:#1e2327;--good:#7ee2a0;--bad:#ffb0a8;"
	"--warn:#f2c97d;--link:#a8c7fa}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:1rem;max-width:70rem;color:var(--ink);"
	"background:var(--page);font:1rem/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.25rem;margin:2rem 0 .5rem;"
	"border-bottom:1px solid var(--line)}h3{font-size:1.05rem;margin:1.5rem 0 "
	".5rem}\n"
	"a{color:var(--link)}code,pre,.id,.name{font-family:ui-monospace,monospace;"
	"font-size:.9em;overflow-wrap:anywhere}\n"
	"pre{background:var(--soft);padding:.75rem;overflow-x:auto;white-space:pre-wrap}"
	"\n"
	".dim{color:var(--dim)}.good{color:var(--good)}.bad{color:var(--bad);"
	"font-weight:600}.warn{color:var(--warn)}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;width:100%}"
	"caption{text-align:left;color:var(--dim);padding:.25rem 0}\n"
	"th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;"
	"border-bottom:1px solid var(--line);overflow-wrap:break-word}"
	"th,td.t,td.name{white-space:nowrap}td.n,th.n{text-align:right}\n"
	"ul.tree,ul.tree ul{list-style:none;margin:0;padding-left:1.1rem}"
	"ul.tree{padding-left:0}ul.tree ul{border-left:2px solid var(--line)}"
	"ul.tree li{padding:.2rem 0 .2rem .5rem}\n"
	"nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1rem;list-style:none;padding:0}\n"
	"svg{width:100%;height:3.5rem;display:block}svg .axis{stroke:var(--line)}"
	"svg .applied{fill:var(--good)}svg .failed{stroke:var(--bad);stroke-width:2;"
	"fill:none}svg .other{fill:var(--warn)}\n"
	".skip{position:absolute;left:-999em}.skip:focus{left:1rem}\n"
	"@media(max-width:40rem){table.cards thead{position:absolute;left:-999em}"
	"table.cards,table.cards tbody,table.cards tr,table.cards td,table.cards "
	"caption{display:block}"
	"table.cards tr{border-bottom:2px solid var(--line);padding:.4rem 0}"
	"table.cards td{border:0;padding:.1rem 0}"
	"table.cards td[data-label]:before{content:attr(data-label) \": \";"
	"color:var(--dim);font-weight:400}table.cards td.n{text-align:left}}\n"
	"@media print{:root{color-scheme:light;--ink:#000;--page:#fff;--dim:#333;"
	"--line:#999;--soft:#fff;--good:#000;--bad:#000;--warn:#000;--link:#000}"
	"body{max-width:none;padding:0;font-size:10pt}nav,.skip{display:none}"
	"tr,li{break-inside:avoid}h2,h3{break-after:avoid}pre{border:1px solid #999}}\n";

void html_text(FILE *to, const char *text)
{
	struct buf safe = BUF_INIT;
	size_t i;

	text_printable(&safe, text, strlen(text), 0);
	for (i = 0; i < safe.len; i++) {
		switch (safe.s[i]) {
		case '&':
			fputs("&amp;", to);
			break;
		case '<':
			fputs("&lt;", to);
			break;
		case '>':
			fputs("&gt;", to);
			break;
		case '"':
			fputs("&quot;", to);
			break;
		case '\'':
			fputs("&#39;", to);
			break;
		default:
			fputc(safe.s[i], to);
		}
	}
	buf_release(&safe);
}

void html_element(FILE *to, const char *name, const char *class, const char *text)
{
	if (class[0])
		fprintf(to, "<%s class=\"%s\">", name, class);
	else
		fprintf(to, "<%s>", name);
	html_text(to, text);
	fprintf(to, "</%s>", name);
}

void html_begin(FILE *to, const char *title)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src "
	      "'none'; style-src 'unsafe-inline'\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, "
	      "initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light "
	      "dark\">\n",
	      to);
	html_element(to, "title", "", title);
	fprintf(to, "\n<style>\n%s</style>\n</head>\n<body>\n", style);
}

void html_end(FILE *to)
{
	fputs("</body>\n</html>\n", to);
}
