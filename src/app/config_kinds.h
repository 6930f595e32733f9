/* SPDX-License-Identifier: MIT */
/*
 * config_kinds - kinds of values that refer to other parts of the file.
 * Threads: immutable.
 */
#ifndef FIELDLINE_APP_CONFIG_KINDS_H
#define FIELDLINE_APP_CONFIG_KINDS_H

#include "app/config.h"
#include "app/setting.h"

typedef struct config_address kind_address_field;
typedef enum log_level kind_level_field;
typedef enum auth_alg kind_alg_field;
typedef int kind_class_field;
typedef unsigned kind_role_field;
typedef role_mask kind_roles_field;
typedef struct bytes kind_type_field;
typedef struct bytes kind_resource_field;
typedef struct bytes kind_column_field;
typedef struct name_list kind_columns_field;
typedef struct name_list kind_columns_or_all_field;
typedef struct name_list kind_origins_field;
typedef struct publish_rules kind_rules_field;

extern const struct setting_kind kind_address, kind_level, kind_alg,
    kind_role_names, kind_class, kind_role, kind_roles, kind_type,
    kind_resource, kind_column, kind_columns, kind_columns_or_all, kind_origins,
    kind_rules, kind_visible, kind_to;

/* Remembers that the file names a column of a resource. */
void config_column_add(struct reader *, struct bytes resource,
                       struct bytes column, size_t at);

#endif
