/* SPDX-License-Identifier: MIT */
/*
 * config_kinds - roles, classes, resources, columns, rules.
 * Threads: a reader belongs to its caller.
 */
#include "app/config_kinds.h"

#include "app/yaml.h"
#include "base/error.h"
#include "hub/codes.h"

#define LIST_MAX 64 /* names in one list */
#define PORT_MAX 65535
#define TYPE_LEN 64

static void refuse_value(struct reader *r, const struct setting *s,
                         const struct yaml *node)
{
    reader_refuse(r, node, bytes_of(s->kind->expected),
                  "'" BYTES_FMT "' is not a value for '%s'",
                  BYTES_ARG(node->text), s->path);
}

/* Which of the words it is; -1 after a mistake. */
static int read_word(struct reader *r, const struct setting *s,
                     const struct yaml *node, const struct bytes *words,
                     size_t count, const char *what)
{
    struct bytes text;

    if (!reader_scalar(r, s, node, &text))
        return -1;
    for (size_t i = 0; i < count; i++)
        if (bytes_equal(words[i], text))
            return (int)i;
    reader_refuse(r, node, reader_suggest(r, text, words, count),
                  "there is no %s '" BYTES_FMT "'", what, BYTES_ARG(text));
    return -1;
}

static void read_address(struct reader *r, const struct setting *s,
                         const struct yaml *node, void *base)
{
    struct config_address *field = setting_field(s, base);
    struct bytes text, host;
    const char *colon;
    uint64_t port;

    if (!reader_scalar(r, s, node, &text))
        return;
    colon = memrchr(text.at, ':', text.len);
    if (!colon || colon == text.at) {
        refuse_value(r, s, node);
        return;
    }
    host = (struct bytes){text.at, (size_t)(colon - text.at)};
    if (host.len > 2 && host.at[0] == '[' && host.at[host.len - 1] == ']')
        host = (struct bytes){host.at + 1, host.len - 2};
    if (bytes_to_u64(bytes_skip(text, (size_t)(colon - text.at) + 1), &port) ||
        port > PORT_MAX) {
        refuse_value(r, s, node);
        return;
    }
    field->host = arena_copy(r->arena, host);
    field->port = (unsigned)port;
    if (!field->host.at)
        r->out_of_memory = true;
}

static void read_level(struct reader *r, const struct setting *s,
                       const struct yaml *node, void *base)
{
    static const struct bytes words[] = {
        [LOG_DEBUG] = {"debug", 5}, [LOG_INFO] = {"info", 4},
        [LOG_WARN] = {"warn", 4},   [LOG_ERROR] = {"error", 5},
        [LOG_OFF] = {"off", 3},
    };
    enum log_level *field = setting_field(s, base);
    int word = read_word(r, s, node, words, ARRAY_LEN(words), "level");

    if (word >= 0)
        *field = (enum log_level)word;
}

static void read_alg(struct reader *r, const struct setting *s,
                     const struct yaml *node, void *base)
{
    static const struct bytes words[] = {
        [AUTH_HS256] = {"HS256", 5},
        [AUTH_RS256] = {"RS256", 5},
        [AUTH_ES256] = {"ES256", 5},
        [AUTH_EDDSA] = {"EdDSA", 5},
    };
    enum auth_alg *field = setting_field(s, base);
    int word = read_word(r, s, node, words, ARRAY_LEN(words), "algorithm");

    if (word >= 0)
        *field = (enum auth_alg)word;
}

static void read_class(struct reader *r, const struct setting *s,
                       const struct yaml *node, void *base)
{
    const struct edge_spec *edge = &r->config->edge;
    struct bytes words[LIST_MAX];
    int *field = setting_field(s, base);
    unsigned count = 0;

    *field = -1;
    if (bytes_equal(node->text, BYTES("none")))
        return;
    for (; count < edge->class_count && count < LIST_MAX; count++)
        words[count] = edge->classes[count].name;
    *field = read_word(r, s, node, words, count, "cache class");
}

static int role_of(struct reader *r, const struct setting *s,
                   const struct yaml *node)
{
    const struct auth_spec *auth = &r->config->edge.auth;

    return read_word(r, s, node, auth->roles, auth->role_count, "role");
}

static void read_role(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    unsigned *field = setting_field(s, base);
    int role = role_of(r, s, node);

    if (role >= 0)
        *field = (unsigned)role;
}

/* The children of a list; a single value stands for a list of one. */
static const struct yaml *list_first(struct reader *r, const struct setting *s,
                                     const struct yaml *node, unsigned *count)
{
    *count = 0;
    if (yaml_is_null(node))
        return NULL;
    if (node->kind == YAML_SCALAR) {
        *count = 1;
        return node;
    }
    if (node->kind != YAML_LIST) {
        reader_refuse(r, node, bytes_of(s->kind->expected),
                      "%s where '%s' is due", yaml_kind_name(node), s->path);
        return NULL;
    }
    if (node->count > LIST_MAX) {
        reader_refuse(r, node, BYTES("at most 64"), "too many in '%s'",
                      s->path);
        return NULL;
    }
    *count = node->count;
    return node->first;
}

static void read_roles(struct reader *r, const struct setting *s,
                       const struct yaml *node, void *base)
{
    role_mask *field = setting_field(s, base);
    unsigned count;
    const struct yaml *one = list_first(r, s, node, &count);

    for (; count-- > 0; one = one->next) {
        int role = role_of(r, s, one);

        if (role >= 0)
            *field |= (role_mask)1 << role;
    }
}

typedef bool accept_fn(struct reader *, const struct setting *,
                       const struct yaml *);

/* A list of words that accept_fn passes; it says itself what it refuses. */
static const struct bytes *read_list(struct reader *r, const struct setting *s,
                                     const struct yaml *node, accept_fn *accept,
                                     unsigned *ret_count)
{
    unsigned count, taken = 0;
    const struct yaml *one = list_first(r, s, node, &count);
    struct bytes *names = reader_alloc(r, count, sizeof(*names));

    for (; names && count-- > 0; one = one->next) {
        bool again = false;

        if (!accept(r, s, one))
            continue;
        for (unsigned i = 0; i < taken; i++)
            again = again || bytes_equal(names[i], one->text);
        if (again)
            reader_refuse(r, one, BYTES("each once"),
                          "'" BYTES_FMT "' stands twice in '%s'",
                          BYTES_ARG(one->text), s->path);
        else
            names[taken++] = one->text;
    }
    *ret_count = taken;
    return names;
}

/* As kind_name accepts them. */
static bool accept_name(struct reader *r, const struct setting *s,
                        const struct yaml *node)
{
    const struct setting name = {.path = s->path, .kind = &kind_name};
    struct bytes ignored = {NULL, 0};

    kind_name.read_fn(r, &name, node, &ignored);
    return ignored.len > 0;
}

static bool accept_column(struct reader *r, const struct setting *s,
                          const struct yaml *node)
{
    if (!accept_name(r, s, node))
        return false;
    config_column_add(r, r->resource->name, node->text, node->at);
    return true;
}

static bool accept_origin(struct reader *r, const struct setting *s,
                          const struct yaml *node)
{
    struct bytes text, rest;

    if (!reader_scalar(r, s, node, &text))
        return false;
    rest = bytes_starts(text, BYTES("https://"))  ? bytes_skip(text, 8)
           : bytes_starts(text, BYTES("http://")) ? bytes_skip(text, 7)
                                                  : BYTES("");
    if (rest.len > 0 && !memchr(rest.at, '/', rest.len) &&
        !memchr(rest.at, '*', rest.len))
        return true;
    refuse_value(r, s, node);
    return false;
}

static void read_role_names(struct reader *r, const struct setting *s,
                            const struct yaml *node, void *base)
{
    const struct bytes **field = setting_field(s, base);
    unsigned *count = (unsigned *)(void *)((char *)base + s->count_offset);
    unsigned read;

    *field = read_list(r, s, node, accept_name, &read);
    if (read > ROLES_MAX) {
        reader_refuse(r, node, BYTES("at most 32"), "%u roles", read);
        read = ROLES_MAX;
    }
    *count = read;
}

static void read_columns(struct reader *r, const struct setting *s,
                         const struct yaml *node, void *base)
{
    struct name_list *field = setting_field(s, base);

    field->names = read_list(r, s, node, accept_column, &field->count);
}

static void read_columns_or_all(struct reader *r, const struct setting *s,
                                const struct yaml *node, void *base)
{
    struct name_list *field = setting_field(s, base);

    field->all = node->kind == YAML_SCALAR && node->plain &&
                 bytes_equal(node->text, BYTES("all"));
    if (!field->all)
        read_columns(r, s, node, base);
}

static void read_origins(struct reader *r, const struct setting *s,
                         const struct yaml *node, void *base)
{
    struct name_list *field = setting_field(s, base);

    field->names = read_list(r, s, node, accept_origin, &field->count);
}

void config_column_add(struct reader *r, struct bytes resource,
                       struct bytes column, size_t at)
{
    struct config_column *one = reader_alloc(r, 1, sizeof(*one));

    if (!one)
        return;
    *one = (struct config_column){r->config->columns, resource, column, at};
    r->config->columns = one;
}

static void read_column(struct reader *r, const struct setting *s,
                        const struct yaml *node, void *base)
{
    struct bytes *field = setting_field(s, base);

    if (!reader_scalar(r, s, node, field) || !accept_name(r, s, node))
        return;
    config_column_add(r, r->resource->name, node->text, node->at);
}

static void read_resource(struct reader *r, const struct setting *s,
                          const struct yaml *node, void *base)
{
    const struct data_spec *data = &r->config->data;
    struct bytes *words = reader_alloc(r, data->resource_count, sizeof(*words));
    struct bytes *field = setting_field(s, base);
    int word;

    if (!words)
        return;
    for (unsigned i = 0; i < data->resource_count; i++)
        words[i] = data->resources[i].name;
    word = read_word(r, s, node, words, data->resource_count, "resource");
    if (word >= 0)
        *field = words[word];
}

static bool is_type(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];

        if (!((c >= 'A' && c <= 'Z') || c == '_' ||
              (c >= '0' && c <= '9' && i > 0)))
            return false;
    }
    return text.len > 0 && text.len <= TYPE_LEN;
}

/* but: a type of the protocol itself that fits here all the same. */
static void type_read(struct reader *r, const struct setting *s,
                      const struct yaml *node, struct bytes but,
                      struct bytes *ret)
{
    struct bytes text;

    if (!reader_scalar(r, s, node, &text))
        return;
    if (!is_type(text))
        reader_refuse(r, node, bytes_of(kind_type.expected),
                      "'" BYTES_FMT "' is not a message type", BYTES_ARG(text));
    else if (protocol_type(text) && !bytes_equal(text, but))
        reader_refuse(r, node,
                      BYTES("a type that docs/protocol.md leaves free"),
                      "'" BYTES_FMT "' is a type of the live protocol itself",
                      BYTES_ARG(text));
    else
        *ret = text;
}

static void read_type(struct reader *r, const struct setting *s,
                      const struct yaml *node, void *base)
{
    type_read(r, s, node, (struct bytes){NULL, 0}, setting_field(s, base));
}

/* {status: completed} */
static void read_when(struct reader *r, const struct setting *s,
                      const struct yaml *when, struct publish_rule *rule)
{
    const struct yaml *value = when->first;

    if (when->kind != YAML_MAPPING || when->count != 1 ||
        value->kind != YAML_SCALAR || yaml_is_null(value)) {
        reader_refuse(r, when,
                      BYTES("one column and its value: "
                            "{status: completed}"),
                      "%s where 'when' is due", yaml_kind_name(when));
        return;
    }
    rule->when_column = value->key;
    rule->when_value = value->text;
    config_column_add(r, r->resource->name, value->key, value->key_at);
}

static void read_rule(struct reader *r, const struct setting *s,
                      const struct yaml *node, struct publish_rule *rule)
{
    static const struct bytes words[] = {{"type", 4}, {"when", 4}};
    const struct setting type = {.path = s->path, .kind = &kind_type};
    const struct yaml *value;

    if (node->kind != YAML_MAPPING) {
        type_read(r, &type, node, BYTES("CHANGED"), &rule->type);
        return;
    }
    for (value = node->first; value; value = value->next)
        if (!bytes_equal(value->key, words[0]) &&
            !bytes_equal(value->key, words[1]))
            reader_refuse_key(r, value, reader_suggest(r, value->key, words, 2),
                              "unknown key '" BYTES_FMT "' in '%s'",
                              BYTES_ARG(value->key), s->path);
    value = yaml_get(node, words[0]);
    if (value)
        type_read(r, &type, value, BYTES("CHANGED"), &rule->type);
    else
        reader_refuse(r, node, bytes_of(kind_type.expected),
                      "'%s' needs 'type'", s->path);
    value = yaml_get(node, words[1]);
    if (value)
        read_when(r, s, value, rule);
}

static void read_rules(struct reader *r, const struct setting *s,
                       const struct yaml *node, void *base)
{
    struct publish_rules *field = setting_field(s, base);
    const struct yaml *one = node->kind == YAML_LIST ? node->first : node;
    unsigned count = node->kind == YAML_LIST ? node->count : 1;
    struct publish_rule *rules;
    bool always = false;

    if (yaml_is_null(node))
        return;
    if (count > LIST_MAX) {
        reader_refuse(r, node, BYTES("at most 64"), "too many in '%s'",
                      s->path);
        return;
    }
    rules = reader_alloc(r, count, sizeof(*rules));
    if (!rules)
        return;
    for (unsigned i = 0; i < count; i++, one = one->next) {
        read_rule(r, s, one, &rules[i]);
        if (always)
            reader_refuse(r, one, BYTES("the rule without 'when' last"),
                          "a rule that is never reached");
        always = always || rules[i].when_column.len == 0;
    }
    *field = (struct publish_rules){count, rules};
}

/* everyone | {tenant: column} | {user: column, tenant: column} */
static void read_visible(struct reader *r, const struct setting *s,
                         const struct yaml *node, void *base)
{
    static const struct bytes words[] = {{"tenant", 6}, {"user", 4}};
    const struct setting column = {.path = s->path, .kind = &kind_column};
    struct resource_spec *resource = base;
    struct bytes *user = &resource->user_column;

    if (node->kind != YAML_MAPPING) {
        if (!bytes_equal(node->text, BYTES("everyone")))
            refuse_value(r, s, node);
        resource->visible = VISIBLE_EVERYONE;
        return;
    }
    if (node->count == 0)
        reader_refuse(r, node, bytes_of(s->kind->expected),
                      "'visible' names no column");
    for (const struct yaml *one = node->first; one; one = one->next) {
        if (bytes_equal(one->key, words[0]))
            read_column(r, &column, one, &resource->tenant_column);
        else if (bytes_equal(one->key, words[1]))
            read_column(r, &column, one, user);
        else
            reader_refuse_key(r, one, reader_suggest(r, one->key, words, 2),
                              "unknown key '" BYTES_FMT "' in 'visible'",
                              BYTES_ARG(one->key));
    }
    resource->visible = user->len > 0 ? VISIBLE_USER : VISIBLE_TENANT;
}

/* tenant | user | nobody | role:NAME */
static void read_to(struct reader *r, const struct setting *s,
                    const struct yaml *node, void *base)
{
    struct message_spec *message = base;
    struct bytes text;

    if (!reader_scalar(r, s, node, &text))
        return;
    if (bytes_starts(text, BYTES("role:"))) {
        const struct setting role = {.path = s->path, .kind = &kind_role};
        struct yaml name = *node;

        name.text = bytes_skip(text, 5);
        name.at += node->plain ? 5 : 6;
        message->to = MESSAGE_TO_ROLE;
        read_role(r, &role, &name, &message->to_role);
    } else if (bytes_equal(text, BYTES("tenant"))) {
        message->to = MESSAGE_TO_TENANT;
    } else if (bytes_equal(text, BYTES("user"))) {
        message->to = MESSAGE_TO_USER;
    } else if (bytes_equal(text, BYTES("nobody"))) {
        message->to = MESSAGE_TO_NOBODY;
    } else {
        refuse_value(r, s, node);
    }
}

const struct setting_kind kind_address = {
    "address", "ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080",
    read_address, true};
const struct setting_kind kind_level = {
    "level", "debug, info, warn, error or off", read_level, true};
const struct setting_kind kind_alg = {
    "algorithm", "HS256, RS256, ES256 or EdDSA", read_alg, true};
const struct setting_kind kind_role_names = {
    "list of names", "a list of role names: [MANAGER, DRIVER]", read_role_names,
    false};
const struct setting_kind kind_class = {
    "cache class", "a name from cache.classes, or none", read_class, false};
const struct setting_kind kind_role = {"role", "a name from auth.roles",
                                       read_role, false};
const struct setting_kind kind_roles = {
    "list of roles", "a list of names from auth.roles", read_roles, false};
const struct setting_kind kind_type = {
    "message type", "capitals, digits and _, such as STOP_COMPLETED", read_type,
    false};
const struct setting_kind kind_resource = {"resource", "a name from resources",
                                           read_resource, false};
const struct setting_kind kind_column = {"column", "a column's name",
                                         read_column, false};
const struct setting_kind kind_columns = {
    "list of columns", "a list of columns: [status, driver_id]", read_columns,
    false};
const struct setting_kind kind_columns_or_all = {
    "all, or a list of columns", "all, or a list of columns: [status, notes]",
    read_columns_or_all, false};
const struct setting_kind kind_origins = {
    "list of origins", "a list of origins: [https://desk.example]",
    read_origins, false};
const struct setting_kind kind_rules = {
    "publish rules",
    "TYPE, {type: TYPE, when: {column: value}}, or a list of them", read_rules,
    false};
const struct setting_kind kind_visible = {
    "visibility",
    "everyone, {tenant: column} or {user: column, tenant: column}",
    read_visible, false};
const struct setting_kind kind_to = {
    "receivers", "tenant, role:NAME, user or nobody", read_to, false};
