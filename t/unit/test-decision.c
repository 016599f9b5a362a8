/* The decision tree: no branch is dead, no question hangs, every end has a command. */
#include "base/compat.h"

#include <setjmp.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/text.h"
#include "core/decision.h"

static size_t nr_answers(size_t question)
{
	const struct decision_answer *a = decision_nodes[question].answers;
	size_t i;

	for (i = 0; i < DECISION_ANSWERS && a[i].word; i++)
		;
	return i;
}

static bool is_word(const char *s)
{
	for (; *s; s++)
		if (!ascii_islower((unsigned char)*s) && *s != '-')
			return false;
	return true;
}

static void each_question_is_whole(void **state UNUSED)
{
	size_t q, i, k;

	for (q = 0; q < ASK_NR; q++) {
		const struct decision_node *n = &decision_nodes[q];

		assert_non_null(n->id);
		assert_true(is_word(n->id));
		assert_non_null(strchr(n->text, '?'));
		assert_true(strlen(n->evidence) > 0);
		assert_true(nr_answers(q) >= 2);
		for (i = 0; i < q; i++)
			assert_string_not_equal(decision_nodes[i].id, n->id);
		for (i = 0; i < nr_answers(q); i++) {
			assert_true(is_word(n->answers[i].word));
			assert_int_equal(decision_answer(q, n->answers[i].word), i);
			for (k = 0; k < i; k++)
				assert_string_not_equal(n->answers[k].word,
							n->answers[i].word);
		}
	}
}

/* Later ones alone are asked next: no walk goes round. */
static void each_question_and_end_is_reached(void **state UNUSED)
{
	bool asked[ASK_NR] = { [ASK_OPEN] = true }, ended[WAY_NR] = { false };
	size_t q, i;

	for (q = 0; q < ASK_NR; q++) {
		assert_true(asked[q]);
		for (i = 0; i < nr_answers(q); i++) {
			const struct decision_answer *a = &decision_nodes[q].answers[i];

			if (a->ends) {
				assert_true(a->way < WAY_NR);
				ended[a->way] = true;
				continue;
			}
			assert_true(a->next > q && a->next < ASK_NR);
			asked[a->next] = true;
		}
	}
	for (i = 0; i < WAY_NR; i++)
		assert_true(ended[i]);
}

/* No two answers of a question are the same in all that follows. */
static void each_answer_matters(void **state UNUSED)
{
	size_t q, i, k;

	for (q = 0; q < ASK_NR; q++)
		for (i = 0; i < nr_answers(q); i++)
			for (k = 0; k < i; k++) {
				const struct decision_answer *a, *b;

				a = &decision_nodes[q].answers[i];
				b = &decision_nodes[q].answers[k];
				assert_false(a->ends && b->ends && a->way == b->way &&
					     q != ASK_PLANNED);
				assert_false(!a->ends && !b->ends && a->next == b->next);
			}
}

static bool is_known_name(const char *at, size_t len)
{
	static const char *const names[] = {
		"path",	       "target",    "name",	   "fix-target",   "url",
		"kind",	       "blocker",   "other",	   "mend-subject", "back-subject",
		"new-subject", "file",	    "fix",	   "fix-file",	   "fix-files",
		"rehearsed",   "fix-name",  "replacement", "new-file",	   "write-new",
		"fill-new",    "begun",	    "head",	   "commit",	   "base",
		"done-blob",   "write-fix", "fill-fix",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && strncmp(names[i], at, len) == 0)
			return true;
	return false;
}

static void check_names(const char *text)
{
	const char *at, *end;

	for (at = strchr(text, '@'); at; at = strchr(end + 1, '@')) {
		end = strchr(at + 1, '@');
		assert_non_null(end);
		assert_true(is_known_name(at + 1, (size_t)(end - at - 1)));
	}
}

static void each_end_has_a_command(void **state UNUSED)
{
	size_t w, i, typed;

	for (w = 0; w < WAY_NR; w++) {
		const struct decision_end *e = &decision_ends[w];

		assert_true(is_word(e->id));
		assert_true(ends_with(e->advice, "."));
		check_names(e->advice);
		for (i = typed = 0; i < DECISION_COMMANDS && e->commands[i].text; i++) {
			check_names(e->commands[i].text);
			if (e->commands[i].edit)
				continue;
			typed++;
			assert_true(starts_with(e->commands[i].text, "git ") ||
				    starts_with(e->commands[i].text, "psql "));
		}
		assert_true(typed > 0);
		for (i = 0; i < w; i++)
			assert_string_not_equal(decision_ends[i].id, e->id);
	}
}

/* --- walking ------------------------------------------------------------- */

/* Answers by a row of numbers; counts up to the next row when all were used. */
struct script {
	size_t choice[ASK_NR];
	struct {
		enum decision_question question;
		size_t answers;
	} asked[ASK_NR];
	size_t nr;
};

static int by_script(void *arg, enum decision_question question, struct err *err)
{
	struct script *s = arg;

	if (s->nr == ASK_NR)
		return err_set(err, ERR_FATAL, "too many questions");
	s->asked[s->nr].question = question;
	s->asked[s->nr].answers = nr_answers(question);
	return (int)s->choice[s->nr++];
}

/* The next path; false when that was the last. */
static bool go_on(struct script *s)
{
	size_t i = s->nr;

	while (i > 0) {
		i--;
		if (++s->choice[i] < s->asked[i].answers) {
			memset(s->choice + i + 1, 0,
			       (ASK_NR - i - 1) * sizeof(*s->choice));
			s->nr = 0;
			return true;
		}
	}
	return false;
}

static bool wants_kind(enum decision_way way)
{
	return strstr(decision_ends[way].commands[0].text, "@kind@") != NULL;
}

static void every_path_ends(void **state UNUSED)
{
	struct script s = { .nr = 0 };
	struct decision_walk walk;
	struct err err = { 0 };
	size_t paths = 0, i;
	bool more = true;

	while (more) {
		assert_int_equal(decision_walk(by_script, &s, &walk, &err), 0);
		assert_int_equal(walk.nr, s.nr);
		for (i = 0; i < s.nr; i++) {
			assert_int_equal(walk.steps[i].question, s.asked[i].question);
			assert_int_equal(walk.steps[i].answer, s.choice[i]);
		}
		/* of rows that were deleted there is no kind, and a way with its fix */
		if (walk.way != WAY_FIX_AND_REPLACE)
			assert_int_equal(wants_kind(walk.way), walk.kind != NULL);
		paths++;
		more = go_on(&s);
	}
	assert_true(paths > WAY_NR);
}

static int fails_at(void *arg, enum decision_question question, struct err *err)
{
	if (question == *(enum decision_question *)arg)
		return err_set(err, ERR_INTERRUPTED, "interrupted");
	return 0;
}

static void an_answer_that_cannot_be_had(void **state UNUSED)
{
	enum decision_question last = ASK_HERE;
	struct decision_walk walk;
	struct err err = { 0 };

	assert_int_equal(decision_walk(fails_at, &last, &walk, &err), -1);
	assert_int_equal(err.code, ERR_INTERRUPTED);
	assert_int_equal(walk.nr, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_question_is_whole),
		cmocka_unit_test(each_question_and_end_is_reached),
		cmocka_unit_test(each_answer_matters),
		cmocka_unit_test(each_end_has_a_command),
		cmocka_unit_test(every_path_ends),
		cmocka_unit_test(an_answer_that_cannot_be_had),
	};

	return cmocka_run_group_tests_name("decision", tests, NULL, NULL);
}
