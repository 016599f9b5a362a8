#include "base/compat.h"

#include "base/err.h"
#include "core/decision.h"

/* one answer a line */
/* clang-format off */

#define ASK(question) .next = (question)
#define END(leaf) .ends = true, .way = (leaf)

const struct decision_node decision_nodes[ASK_NR] = {
	[ASK_OPEN] = {
		"open", "Was it begun, and does nobody know how it ended?",
		"the log's started record, and what the catalog shows of the statement",
		false, {
			{ "no", ASK(ASK_PLANNED) },
			{ "running", END(WAY_WAIT) },
			{ "can-go-on", END(WAY_RESUME) },
			{ "in-batches", END(WAY_RESUME_BATCHES) },
			{ "plan-changed", END(WAY_RESUME_AT) },
			{ "unknown", ASK(ASK_EFFECT) },
		} },
	[ASK_EFFECT] = {
		"effect", "Has it taken effect? Look at the database.",
		"none: the catalog cannot tell",
		true, {
			{ "unknown", END(WAY_LOOK) },
			{ "yes", END(WAY_VOUCH) },
			{ "no", END(WAY_ABANDON) },
		} },
	[ASK_PLANNED] = {
		"planned", "Does the plan have it, as it ran?",
		"the plan's blob against that of the record",
		false, {
			{ "yes", ASK(ASK_HERE) },
			{ "edited", END(WAY_BRING_BACK) },
			{ "missing", END(WAY_BRING_BACK) },
			{ "later", END(WAY_SWITCH) },
			{ "gone", END(WAY_GONE) },
		} },
	[ASK_HERE] = {
		"here", "What does the log of this target say of it?",
		"the newest record that counts",
		false, {
			{ "applied", ASK(ASK_FIXED) },
			{ "failed", ASK(ASK_CAUSE) },
			{ "pending", ASK(ASK_OTHER) },
			{ "replaced", END(WAY_REPLACED) },
		} },
	[ASK_CAUSE] = {
		"cause", "Did it fail of what passes: a lock, a conflict, the connection?",
		"the SQLSTATE of the failure",
		false, {
			{ "no", ASK(ASK_FREE) },
			{ "lock", ASK(ASK_HELD) },
			{ "passing", END(WAY_AGAIN) },
		} },
	[ASK_HELD] = {
		"held", "Does anybody hold what it waited for?",
		"locks on its tables; on SQLite those on the file",
		false, {
			{ "no", END(WAY_AGAIN) },
			{ "session", END(WAY_OUTWAIT_SERVER) },
			{ "process", END(WAY_OUTWAIT_FILE) },
		} },
	[ASK_FREE] = {
		"free", "It failed. Is it free to change?",
		"the progress of its batches, the protected branch, and the logs of all targets",
		false, {
			{ "newest", END(WAY_AMEND) },
			{ "older", END(WAY_FIXUP) },
			{ "landed", ASK(ASK_ELSEWHERE) },
			{ "in-part", END(WAY_MEND_ROWS) },
			{ "changed", END(WAY_PUT_BACK) },
		} },
	[ASK_OTHER] = {
		"other", "Is another migration open here, which stops all others?",
		"the log's started records",
		false, {
			{ "no", ASK(ASK_UNTRIED) },
			{ "yes", END(WAY_SETTLE_OTHER) },
		} },
	[ASK_UNTRIED] = {
		"untried", "It has not failed here. Is it free to change?",
		"the progress of its batches, the protected branch, and the logs of all targets",
		false, {
			{ "newest", END(WAY_AMEND) },
			{ "older", END(WAY_FIXUP) },
			{ "landed", ASK(ASK_KNOWN) },
			{ "in-part", END(WAY_MEND_ROWS) },
			{ "changed", END(WAY_PUT_BACK) },
		} },
	[ASK_KNOWN] = {
		"known", "Is it known to be wrong?",
		"failures on other targets, whether the plan has a fix that runs with it, and "
		"whether it destroys what that cannot bring back",
		true, {
			{ "no", END(WAY_APPLY) },
			{ "yes", ASK(ASK_ELSEWHERE) },
		} },
	[ASK_ELSEWHERE] = {
		"elsewhere", "Has it run on another target?",
		"the logs of all other targets",
		false, {
			{ "no", END(WAY_SUPERSEDE) },
			{ "yes", END(WAY_SUPERSEDE_HERE) },
		} },
	[ASK_FIXED] = {
		"fixed", "Does the plan have a fix for it?",
		"the Fixes: trailers of the plan, and the log",
		false, {
			{ "no", ASK(ASK_WAITERS) },
			{ "pending", END(WAY_APPLY_FIX) },
			{ "applied", ASK(ASK_STILL) },
		} },
	[ASK_STILL] = {
		"still", "Its fix ran here. Is anything still wrong?",
		"none: what is wrong now a person sees",
		true, {
			{ "no", END(WAY_MENDED) },
			{ "yes", ASK(ASK_WAITERS) },
		} },
	[ASK_WAITERS] = {
		"waiters", "Does anybody wait for a lock on its tables?",
		"pg_locks and pg_blocking_pids; SQLite does not tell",
		false, {
			{ "no", ASK(ASK_INDEX) },
			{ "yes", END(WAY_UNBLOCK) },
		} },
	[ASK_INDEX] = {
		"index", "Is an index that it made INVALID?",
		"pg_index; SQLite has none",
		false, {
			{ "no", ASK(ASK_LOSSY) },
			{ "yes", ASK(ASK_WHERE), .kind = "slow-ddl" },
		} },
	[ASK_LOSSY] = {
		"lossy", "Did it change a type, and lose values?",
		"its SQL: the type before and after, and whether the new one keeps all values",
		true, {
			{ "no", ASK(ASK_REQUIRED) },
			{ "yes", ASK(ASK_WHERE), .kind = "lossy-type" },
		} },
	[ASK_REQUIRED] = {
		"required", "Does running code insert rows without a column that it requires?",
		"its SQL, and the statements of compat/ at the deployed revision",
		true, {
			{ "no", ASK(ASK_RENAMED) },
			{ "yes", ASK(ASK_WHERE), .kind = "required-column" },
		} },
	[ASK_RENAMED] = {
		"renamed", "Does running code use the old name of what it renamed?",
		"its SQL, and the statements of compat/ at the deployed revision",
		true, {
			{ "no", ASK(ASK_DROPPED) },
			{ "yes", ASK(ASK_WHERE), .kind = "renamed" },
		} },
	[ASK_DROPPED] = {
		"dropped", "Does running code, or anybody, still need what it dropped?",
		"its SQL, and the statements of compat/ at the deployed revision",
		true, {
			{ "no", ASK(ASK_CONSTRAINT) },
			{ "yes", ASK(ASK_WHERE), .kind = "dropped-early" },
		} },
	[ASK_CONSTRAINT] = {
		"constraint", "Does its constraint or unique index refuse rows that are right?",
		"its SQL",
		true, {
			{ "no", ASK(ASK_BACKFILL) },
			{ "yes", ASK(ASK_WHERE), .kind = "bad-constraint" },
		} },
	[ASK_BACKFILL] = {
		"backfill", "Did its UPDATE write wrong values?",
		"its SQL",
		true, {
			{ "no", ASK(ASK_DELETED) },
			{ "yes", ASK(ASK_WHERE), .kind = "wrong-backfill" },
		} },
	[ASK_DELETED] = {
		"deleted", "Did it delete rows that are needed?",
		"its SQL: DELETE or TRUNCATE",
		true, {
			{ "no", ASK(ASK_SLOW) },
			{ "yes", ASK(ASK_SPARED) },
		} },
	[ASK_SLOW] = {
		"slow", "Did its index block writers for too long?",
		"its SQL: an index that is built while nobody can write",
		true, {
			{ "no", END(WAY_NEW_FIX) },
			{ "yes", ASK(ASK_WHERE), .kind = "slow-ddl" },
		} },
	[ASK_WHERE] = {
		"where", "On which targets has it run, and does it destroy what a fix cannot "
		"bring back?",
		"the trackers of all targets, or the mirrors of those that cannot be reached; "
		"the kind of trouble",
		false, {
			{ "everywhere", END(WAY_FIX) },
			{ "somewhere", END(WAY_FIX_FIRST) },
			{ "destroyed", END(WAY_FIX_AND_REPLACE) },
		} },
	[ASK_SPARED] = {
		"spared", "Is there a target where it has not run, and the rows are still there?",
		"the trackers of all targets, or the mirrors of those that cannot be reached",
		false, {
			{ "no", END(WAY_NEW_FIX) },
			{ "yes", END(WAY_FIX_AND_REPLACE) },
		} },
};

#define COMMIT_FIX                                              \
	{ "fill in @fix-files@", true },                        \
	{ "git add @fix-files@", false },                       \
	{ "git commit -m @mend-subject@", false }

#define REHEARSE_FIX                                                                \
	{ "rehearse it where nothing can be lost (a scenario: git migrate fix "     \
	  "--scenario): git migrate rehearse@target@ @rehearsed@", true }

const struct decision_end decision_ends[WAY_NR] = {
	[WAY_WAIT] = {
		"wait", "It is still at work. Wait until it is done; apply goes on then.", {
			{ "git migrate apply --wait@target@", false },
		} },
	[WAY_RESUME] = {
		"resume", "Let apply go on: it takes away what was left by halves, and runs "
		"it again.", {
			{ "git migrate apply@target@", false },
		} },
	[WAY_RESUME_BATCHES] = {
		"resume-batches", "Let apply go on: it begins behind the last batch that was "
		"committed.", {
			{ "git migrate apply@target@", false },
		} },
	[WAY_RESUME_AT] = {
		"resume-at", "The plan does not have it as it was begun. Let apply go on "
		"from the commit that it was begun from.", {
			{ "git migrate apply --at @begun@@target@", false },
		} },
	[WAY_LOOK] = {
		"look", "A person must look what is there, and say it. This shows what is "
		"there.", {
			{ "git migrate schema@target@", false },
			{ "if it has taken effect: git migrate diagnose --finished --reason "
			  "\"...\"@target@ @path@", true },
			{ "if it has not: git migrate diagnose --abandon --reason "
			  "\"...\"@target@ @path@", true },
		} },
	[WAY_VOUCH] = {
		"vouch", "Vouch that it has taken effect; say how you know.", {
			{ "git migrate diagnose --finished --reason \"...\"@target@ @path@",
			  false },
		} },
	[WAY_ABANDON] = {
		"abandon", "Close it, and say how you know: it is pending again.", {
			{ "git migrate diagnose --abandon --reason \"...\"@target@ @path@",
			  false },
		} },
	[WAY_BRING_BACK] = {
		"bring-back", "What ran must stay in the plan as it ran. Bring it back; what "
		"was wrong with it is mended by a further migration.", {
			{ "git checkout @head@ -- @file@", false },
			{ "git commit -m @back-subject@", false },
			{ "git migrate diagnose@target@ @path@", false },
		} },
	[WAY_SWITCH] = {
		"switch", "HEAD is older than what ran here. Look at it from the commit that "
		"was applied.", {
			{ "git switch --detach @head@", false },
			{ "git migrate diagnose@target@ @path@", false },
		} },
	[WAY_GONE] = {
		"gone", "The plan does not have it any more, and nothing of it is in force "
		"here: there is nothing to do.", {
			{ "git migrate status@target@", false },
		} },
	[WAY_REPLACED] = {
		"replaced", "Another migration has taken its place here: there is nothing to "
		"do. This tells of it.", {
			{ "git migrate show @path@", false },
		} },
	[WAY_AGAIN] = {
		"again", "What stopped it has passed, and all was rolled back; of batches the last "
		"one. Run it again.", {
			{ "git migrate apply@target@", false },
		} },
	[WAY_OUTWAIT_SERVER] = {
		"outwait-server", "All was rolled back; of batches the last one. Run it again, "
		"and let it try for longer; or end the session named above, if nobody needs it.", {
			{ "git -c migrate.@name@.lockRetry=3600 migrate apply@target@", false },
		} },
	[WAY_OUTWAIT_FILE] = {
		"outwait-file", "All was rolled back; of batches the last one. Run it again, and "
		"let it wait for the other program.", {
			{ "git migrate apply --wait@target@", false },
		} },
	[WAY_AMEND] = {
		"amend", "Nobody has it but you, and no target shows any of it: change the "
		"file.", {
			{ "change @file@", true },
			{ "git commit --amend --no-edit -- @file@", false },
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_FIXUP] = {
		"fixup", "Nobody has it but you, and no target shows any of it: change the "
		"file, in the commit that brings it.", {
			{ "change @file@", true },
			{ "git commit --fixup=@commit@ -- @file@", false },
			{ "git -c sequence.editor=: rebase -i --autosquash @base@", false },
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_MEND_ROWS] = {
		"mend-rows", "Batches of it are committed, and stay: a changed file, or another "
		"one in its place, would do them again. Mend the rows that it stumbled over, "
		"and let apply go on behind the last batch. What it does wrong is mended by a "
		"further migration, when it has come to its end.", {
			{ "mend the rows that it stumbled over, if it did", true },
			{ "git migrate apply@target@", false },
		} },
	[WAY_PUT_BACK] = {
		"put-back", "Batches of it are committed, from before it was changed, and "
		"stay: the changed file would do them again. Put the old one back, and let "
		"apply go on behind the last batch. What it does wrong is mended by a "
		"further migration, when it has come to its end.", {
			{ "git cat-file blob @done-blob@ >@file@", false },
			{ "git commit -m @back-subject@ -- @file@", false },
			{ "mend the rows that it stumbled over, if it did", true },
			{ "git migrate apply@target@", false },
		} },
	[WAY_SUPERSEDE] = {
		"supersede", "It has landed and ran nowhere. A further migration, which says "
		"\"Supersedes: @path@\" at its head, runs in its place.", {
			{ "git migrate @write-new@", false },
			{ "@fill-new@", true },
			{ "git add @new-file@", false },
			{ "git commit -m @new-subject@", false },
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_SUPERSEDE_HERE] = {
		"supersede-here", "It has run elsewhere, where it stays. A further migration, "
		"which says \"Supersedes: @path@\" at its head, runs in its place where it "
		"never ran; both must end in the same schema.", {
			{ "git migrate @write-new@", false },
			{ "@fill-new@", true },
			{ "git add @new-file@", false },
			{ "git commit -m @new-subject@", false },
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_SETTLE_OTHER] = {
		"settle-other", "It cannot run before the open one is settled.", {
			{ "git migrate diagnose@target@ @other@", false },
		} },
	[WAY_APPLY] = {
		"apply", "Nothing speaks against it: it waits for apply.", {
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_APPLY_FIX] = {
		"apply-fix", "Its fix waits for apply.", {
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_MENDED] = {
		"mended", "It is mended here: there is nothing to do. This tells of it.", {
			{ "git migrate show @path@", false },
		} },
	[WAY_UNBLOCK] = {
		"unblock", "The session named above holds up the others. Let its owner end it, "
		"or end it: the server rolls back what it has not committed.", {
			{ "psql -d @url@ -c \"SELECT pg_catalog.pg_terminate_backend(@blocker@)\"",
			  false },
			{ "git migrate diagnose@target@ @path@", false },
		} },
	[WAY_FIX] = {
		"fix", "Mend it by a further migration; it has run everywhere.", {
			{ "git migrate fix --kind @kind@@fix-target@@fix-name@ @path@", false },
			COMMIT_FIX,
			REHEARSE_FIX,
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_FIX_FIRST] = {
		"fix-first", "Mend it by a further migration. Where it has not run yet, do not "
		"let it run before the fix is in the plan beside it.", {
			{ "git migrate fix --kind @kind@@fix-target@@fix-name@ @path@", false },
			COMMIT_FIX,
			REHEARSE_FIX,
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_FIX_AND_REPLACE] = {
		"fix-and-replace", "It destroys what no fix brings back. Mend it by a further "
		"migration where it has run. Where it has not, nothing is lost yet: there one "
		"that says \"Supersedes: @path@\" at its head runs in its place, and the fix is "
		"not needed; both must end in the same schema. Let it run nowhere else before "
		"that.", {
			{ "git migrate @write-fix@", false },
			{ "@fill-fix@", true },
			{ "git migrate new @replacement@", false },
			{ "write \"-- Supersedes: @path@\" and the SQL that keeps everything into "
			  "@new-file@", true },
			{ "git add @fix-files@ @new-file@", false },
			{ "git commit -m @mend-subject@", false },
			REHEARSE_FIX,
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
	[WAY_NEW_FIX] = {
		"new-fix", "No template fits what is left of it: mend it by a further "
		"migration, which says \"Fixes: @path@\" and \"Failure-Mode:\" at its head.", {
			{ "git migrate new @fix@", false },
			{ "write \"-- Fixes: @path@\", \"-- Failure-Mode: ...\" and the SQL into "
			  "@fix-file@", true },
			{ "git add @fix-file@", false },
			{ "git commit -m @mend-subject@", false },
			{ "git migrate apply --dry-run@target@", false },
			{ "git migrate apply@target@", false },
		} },
};

/* clang-format on */

int decision_answer(enum decision_question question, const char *word)
{
	const struct decision_answer *a = decision_nodes[question].answers;
	int i;

	for (i = 0; i < DECISION_ANSWERS && a[i].word; i++)
		if (strcmp(a[i].word, word) == 0)
			return i;
	BUG("question '%s' has no answer '%s'", decision_nodes[question].id, word);
}

int decision_walk(decision_fn answer, void *arg, struct decision_walk *out,
		  struct err *err)
{
	enum decision_question question = ASK_OPEN;
	const struct decision_answer *a;
	int choice;

	memset(out, 0, sizeof(*out));
	for (;;) {
		choice = answer(arg, question, err);
		if (choice < 0)
			return -1;
		a = &decision_nodes[question].answers[choice];
		out->steps[out->nr].question = question;
		out->steps[out->nr++].answer = (size_t)choice;
		if (a->kind)
			out->kind = a->kind;
		if (a->ends) {
			out->way = (enum decision_way)a->way;
			return 0;
		}
		question = (enum decision_question)a->next;
	}
}
