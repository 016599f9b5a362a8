# One convenience archive a layer, bottom up; no source file stands in two.
noinst_LIBRARIES += %reldir%/libbase.a

%canon_reldir%_libbase_a_SOURCES = \
	%reldir%/base/buf.c %reldir%/base/buf.h \
	%reldir%/base/clock.c %reldir%/base/clock.h \
	%reldir%/base/compat.h \
	%reldir%/base/err.c %reldir%/base/err.h \
	%reldir%/base/fault.c %reldir%/base/fault.h \
	%reldir%/base/io.c %reldir%/base/io.h \
	%reldir%/base/pool.c %reldir%/base/pool.h \
	%reldir%/base/proc.c %reldir%/base/proc.h \
	%reldir%/base/sha256.c %reldir%/base/sha256.h \
	%reldir%/base/text.c %reldir%/base/text.h \
	%reldir%/base/vec.h
