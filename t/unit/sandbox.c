#include "base/compat.h"

#include <setjmp.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/proc.h"
#include "sandbox.h"

void sandbox_make(char dir[64])
{
	snprintf(dir, 64, "/tmp/test-unit.XXXXXX");
	assert_non_null(mkdtemp(dir));
}

void sandbox_remove(const char *dir)
{
	sandbox_run(dir, "rm -rf -- *", NULL, NULL);
	rmdir(dir);
}

void sandbox_run(const char *dir, const char *command, const struct buf *input,
		 struct buf *out)
{
	static const char *const env[] = {
		"HOME=/nonexistent",
		"XDG_CONFIG_HOME=/nonexistent",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_CONFIG_COUNT",
		"GIT_CONFIG_PARAMETERS",
		"GIT_DEFAULT_HASH",
		"GIT_DIR",
		"GIT_WORK_TREE",
		"GIT_INDEX_FILE",
		"GIT_OBJECT_DIRECTORY",
		"GIT_ALTERNATE_OBJECT_DIRECTORIES",
		"LC_ALL=C",
		NULL,
	};
	const char *argv[] = { "sh", "-ec", command, NULL };
	struct proc p = { .argv = argv, .setenv = env, .dir = dir };
	struct buf errors = BUF_INIT;
	struct err err = { 0 };
	int status;

	if (input) {
		p.input = input->s;
		p.input_len = input->len;
	}
	status = proc_run(&p, out, &errors, &err);
	if (status != 0)
		fail_msg("%s: status %d: %s%s", command, status, err.message,
			 buf_str(&errors));
	buf_release(&errors);
}
