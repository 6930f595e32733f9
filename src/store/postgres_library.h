/* SPDX-License-Identifier: MIT */
/*
 * postgres_library - libpq, loaded when the first PostgreSQL store is opened.
 *
 * It brings some twenty libraries with it (Kerberos, LDAP, TLS): 3 MB and 2 ms
 * of each start, which an application on SQLite need not pay. Its functions
 * keep their names: each is a macro for the one that was found.
 * Threads: any.
 */
#ifndef FIELDLINE_STORE_POSTGRES_LIBRARY_H
#define FIELDLINE_STORE_POSTGRES_LIBRARY_H

#include "base/attr.h"

#include <libpq-fe.h>

struct store_detail;

#define PG_LIBRARY_TABLE(X)                                                    \
    X(PQclear)                                                                 \
    X(PQcmdStatus)                                                             \
    X(PQcmdTuples)                                                             \
    X(PQconnectPoll)                                                           \
    X(PQconnectStartParams)                                                    \
    X(PQconnectdbParams)                                                       \
    X(PQconninfoFree)                                                          \
    X(PQconninfoParse)                                                         \
    X(PQconsumeInput)                                                          \
    X(PQenterPipelineMode)                                                     \
    X(PQerrorMessage)                                                          \
    X(PQexec)                                                                  \
    X(PQexecParams)                                                            \
    X(PQfinish)                                                                \
    X(PQflush)                                                                 \
    X(PQfname)                                                                 \
    X(PQftype)                                                                 \
    X(PQgetResult)                                                             \
    X(PQgetisnull)                                                             \
    X(PQgetlength)                                                             \
    X(PQgetvalue)                                                              \
    X(PQisBusy)                                                                \
    X(PQnfields)                                                               \
    X(PQntuples)                                                               \
    X(PQpipelineSync)                                                          \
    X(PQresStatus)                                                             \
    X(PQresultErrorField)                                                      \
    X(PQresultStatus)                                                          \
    X(PQsendPrepare)                                                           \
    X(PQsendQueryParams)                                                       \
    X(PQsendQueryPrepared)                                                     \
    X(PQserverVersion)                                                         \
    X(PQsetNoticeReceiver)                                                     \
    X(PQsetnonblocking)                                                        \
    X(PQsocket)                                                                \
    X(PQstatus)                                                                \
    X(PQtransactionStatus)

struct pg_library {
#define X(name) __typeof__(name) *name;
    PG_LIBRARY_TABLE(X)
#undef X
};

/* ERR_STORE, with what to install. It stays loaded. */
int pg_library_load(struct store_detail *) MUST_CHECK;
const struct pg_library *pg_library(void); /* after that */

#define PQclear              pg_library()->PQclear
#define PQcmdStatus          pg_library()->PQcmdStatus
#define PQcmdTuples          pg_library()->PQcmdTuples
#define PQconnectPoll        pg_library()->PQconnectPoll
#define PQconnectStartParams pg_library()->PQconnectStartParams
#define PQconnectdbParams    pg_library()->PQconnectdbParams
#define PQconninfoFree       pg_library()->PQconninfoFree
#define PQconninfoParse      pg_library()->PQconninfoParse
#define PQconsumeInput       pg_library()->PQconsumeInput
#define PQenterPipelineMode  pg_library()->PQenterPipelineMode
#define PQerrorMessage       pg_library()->PQerrorMessage
#define PQexec               pg_library()->PQexec
#define PQexecParams         pg_library()->PQexecParams
#define PQfinish             pg_library()->PQfinish
#define PQflush              pg_library()->PQflush
#define PQfname              pg_library()->PQfname
#define PQftype              pg_library()->PQftype
#define PQgetResult          pg_library()->PQgetResult
#define PQgetisnull          pg_library()->PQgetisnull
#define PQgetlength          pg_library()->PQgetlength
#define PQgetvalue           pg_library()->PQgetvalue
#define PQisBusy             pg_library()->PQisBusy
#define PQnfields            pg_library()->PQnfields
#define PQntuples            pg_library()->PQntuples
#define PQpipelineSync       pg_library()->PQpipelineSync
#define PQresStatus          pg_library()->PQresStatus
#define PQresultErrorField   pg_library()->PQresultErrorField
#define PQresultStatus       pg_library()->PQresultStatus
#define PQsendPrepare        pg_library()->PQsendPrepare
#define PQsendQueryParams    pg_library()->PQsendQueryParams
#define PQsendQueryPrepared  pg_library()->PQsendQueryPrepared
#define PQserverVersion      pg_library()->PQserverVersion
#define PQsetNoticeReceiver  pg_library()->PQsetNoticeReceiver
#define PQsetnonblocking     pg_library()->PQsetnonblocking
#define PQsocket             pg_library()->PQsocket
#define PQstatus             pg_library()->PQstatus
#define PQtransactionStatus  pg_library()->PQtransactionStatus

#endif
