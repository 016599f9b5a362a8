/*
 * libpq, loaded when a PostgreSQL target needs it: linking it costs more than
 * most commands do. Its headers are used as they are, so the types are checked.
 */
#ifndef DB_PQ_H
#define DB_PQ_H

#include <libpq-fe.h>

struct err;

/* Every function of libpq that is called, as X(field, name). */
#define PQ_FUNCTIONS(X)                                                                  \
	X(connect_start, PQconnectStartParams)                                           \
	X(connect_poll, PQconnectPoll)                                                   \
	X(conninfo_parse, PQconninfoParse)                                               \
	X(conninfo_free, PQconninfoFree)                                                 \
	X(freemem, PQfreemem)                                                            \
	X(finish, PQfinish)                                                              \
	X(status, PQstatus)                                                              \
	X(error_message, PQerrorMessage)                                                 \
	X(socket, PQsocket)                                                              \
	X(parameter_status, PQparameterStatus)                                           \
	X(transaction_status, PQtransactionStatus)                                       \
	X(set_nonblocking, PQsetnonblocking)                                             \
	X(set_notice_receiver, PQsetNoticeReceiver)                                      \
	X(set_single_row_mode, PQsetSingleRowMode)                                       \
	X(send_query, PQsendQuery)                                                       \
	X(send_query_params, PQsendQueryParams)                                          \
	X(flush, PQflush)                                                                \
	X(consume_input, PQconsumeInput)                                                 \
	X(is_busy, PQisBusy)                                                             \
	X(get_result, PQgetResult)                                                       \
	X(clear, PQclear)                                                                \
	X(result_status, PQresultStatus)                                                 \
	X(result_error_field, PQresultErrorField)                                        \
	X(cmd_status, PQcmdStatus)                                                       \
	X(ntuples, PQntuples)                                                            \
	X(nfields, PQnfields)                                                            \
	X(getvalue, PQgetvalue)                                                          \
	X(getisnull, PQgetisnull)                                                        \
	X(put_copy_data, PQputCopyData)                                                  \
	X(put_copy_end, PQputCopyEnd)                                                    \
	X(get_copy_data, PQgetCopyData)                                                  \
	X(get_cancel, PQgetCancel)                                                       \
	X(cancel, PQcancel)                                                              \
	X(free_cancel, PQfreeCancel)                                                     \
	X(enter_pipeline, PQenterPipelineMode)                                           \
	X(exit_pipeline, PQexitPipelineMode)                                             \
	X(pipeline_sync, PQpipelineSync)                                                 \
	X(send_flush_request, PQsendFlushRequest)

struct pq {
#define X(field, name) __typeof__(&name) field;
	PQ_FUNCTIONS(X)
#undef X
};

/**
 * The library, loaded at the first call. Never changes after that and is never
 * freed. NULL with `err` (ERR_FATAL) set when it is not to be had.
 */
const struct pq *pq_load(struct err *err);

#endif
