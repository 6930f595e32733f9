/* SPDX-License-Identifier: MIT */
/*
 * config_table - every setting of the application file: one row each.
 *
 * A row's field is checked against its kind when this file is compiled. The
 * order matters where a row refers to what another one names: roles and cache
 * classes stand before resources, those before messages.
 * Threads: immutable.
 */
#include "app/config_kinds.h"

#include "app/yaml.h"

#define FIELD(type, member, kind)                                              \
    (offsetof(type, member) +                                                  \
     0 * sizeof(char[__builtin_types_compatible_p(                             \
                         __typeof__(((type *)0)->member), kind##_field)        \
                         ? 1                                                   \
                         : -1]))
#define ROW(type, path_, kind_, member)                                        \
    .path = (path_), .kind = &(kind_), .offset = FIELD(type, member, kind_)
/* A kind that fills more than one field of its struct. */
#define WIDE(path_, kind_) .path = (path_), .kind = &(kind_)
#define MAP(type, path_, group_, member, count)                                \
    .path = (path_), .kind = &kind_map, .group = &(group_),                    \
    .offset = offsetof(type, member), .count_offset = offsetof(type, count)

#define CLASSES_MAX   32
#define RESOURCES_MAX 256
#define RELATIONS_MAX 16
#define MESSAGES_MAX  256
#define DAY_MS        86400000u
#define HOUR_MS       3600000u

/* Cache classes. */

static const struct setting class_rows[] = {
    {ROW(struct cache_class_spec, "ttl", kind_duration, ttl_ms),
     .standard = "5m", .min = 1, .max = 365ull * DAY_MS,
     .help = "How long an entry is fresh, if nothing it shows changes before"},
    {ROW(struct cache_class_spec, "swr", kind_duration, swr_ms),
     .standard = "0s", .max = DAY_MS,
     .help = "How long after that it may still be served while it is renewed"},
    {ROW(struct cache_class_spec, "entries", kind_big_number, entries_max),
     .standard = "1000", .min = 1, .max = 100000000,
     .help = "How many entries of this class are kept"},
};
static const struct setting_group class_group = {
    .what = "a cache class",
    .name = "class",
    .rows = class_rows,
    .count = ARRAY_LEN(class_rows),
    .size = sizeof(struct cache_class_spec),
    .max = CLASSES_MAX,
    .key_kind = &kind_name,
};

/* Resources. */

static void leave_relation(struct reader *r, const struct yaml *node,
                           void *element)
{
    const struct relation_spec *relation = element;
    const struct yaml *by = setting_find(node, "by");

    if ((relation->on.len > 0) == (relation->by.len > 0))
        reader_refuse_key(r, node,
                          BYTES("'on': a column here that holds its key, or "
                                "'by': a column there that holds ours"),
                          "a relation needs either 'on' or 'by'");
    if (by && relation->to.len > 0)
        config_column_add(r, relation->to, relation->by, by->at);
}

static const struct setting relation_rows[] = {
    {ROW(struct relation_spec, "to", kind_resource, to), .required = true,
     .help = "The resource at the other end"},
    {ROW(struct relation_spec, "on", kind_column, on),
     .help = "To one: the own column that holds its key"},
    {ROW(struct relation_spec, "by", kind_name, by),
     .help = "To many: the column there that holds this resource's key"},
};
static const struct setting_group relation_group = {
    .what = "a relation",
    .name = "relation",
    .rows = relation_rows,
    .count = ARRAY_LEN(relation_rows),
    .size = sizeof(struct relation_spec),
    .max = RELATIONS_MAX,
    .key_kind = &kind_name,
    .leave_fn = leave_relation,
};

static void leave_allow(struct reader *r, const struct yaml *node,
                        void *element)
{
    struct allow_spec *allow = element;

    if (!setting_find(node, "create"))
        allow->create = allow->write.all;
    if (!setting_find(node, "delete"))
        allow->remove = allow->write.all;
}

static const struct setting allow_rows[] = {
    {ROW(struct allow_spec, "read", kind_columns_or_all, read),
     .unless = "nothing", .help = "The columns this role may read"},
    {ROW(struct allow_spec, "write", kind_columns_or_all, write),
     .unless = "nothing", .help = "The columns this role may set and change"},
    {ROW(struct allow_spec, "create", kind_yes_no, create),
     .unless = "yes where write is all", .help = "May it add rows"},
    {ROW(struct allow_spec, "delete", kind_yes_no, remove),
     .unless = "yes where write is all", .help = "May it delete rows"},
};
static const struct setting_group allow_group = {
    .what = "a role's rights",
    .name = "role",
    .rows = allow_rows,
    .count = ARRAY_LEN(allow_rows),
    .size = sizeof(struct allow_spec),
    .max = ROLES_MAX,
    .key_kind = &kind_role,
    .leave_fn = leave_allow,
};

static void enter_resource(struct reader *r, void *element)
{
    r->resource = element;
}

static void leave_resource(struct reader *r, const struct yaml *node,
                           void *element)
{
    struct resource_spec *resource = element;

    const struct yaml *table = setting_find(node, "table");

    if (!table)
        resource->table = resource->name;
    config_column_add(r, resource->name, BYTES(""),
                      table ? table->at : node->key_at);
    if (resource->page_default > resource->page_max)
        reader_refuse_key(r, node, BYTES("page.default up to page.max"),
                          "a default page of %u where at most %u is allowed",
                          resource->page_default, resource->page_max);
    r->resource = NULL;
}

static const struct setting resource_rows[] = {
    {ROW(struct resource_spec, "table", kind_name, table),
     .unless = "the resource's name", .help = "The table in the database"},
    {ROW(struct resource_spec, "key", kind_column, key), .standard = "id",
     .help = "Its primary-key column"},
    {WIDE("visible", kind_visible), .required = true,
     .help = "Who sees a row: whoever is of its tenant, the user it names, or "
             "everyone who is signed in"},
    {MAP(struct resource_spec, "relations", relation_group, relations,
         relation_count),
     .help = "What a row points to, and what points to it"},
    {ROW(struct resource_spec, "filter", kind_columns, filter),
     .help = "Columns that lists can be filtered by"},
    {ROW(struct resource_spec, "sort", kind_columns, sort),
     .help = "Columns that lists can be sorted by"},
    {ROW(struct resource_spec, "cache.item", kind_class, item_class),
     .standard = "none", .help = "The class that single rows are cached under"},
    {ROW(struct resource_spec, "cache.list", kind_class, list_class),
     .standard = "none", .help = "The class that lists are cached under"},
    {MAP(struct resource_spec, "allow", allow_group, allow, allow_count),
     .required = true, .help = "What each role may do"},
    {ROW(struct resource_spec, "publish.insert", kind_rules, on_insert),
     .help = "The message that tells of a new row"},
    {ROW(struct resource_spec, "publish.update", kind_rules, on_update),
     .help = "The message that tells of a change: of the rules, the first "
             "whose 'when' the row has just come to fulfil"},
    {ROW(struct resource_spec, "publish.delete", kind_rules, on_delete),
     .help = "The message that tells that a row is gone"},
    {ROW(struct resource_spec, "page.default", kind_number, page_default),
     .standard = "25", .min = 1, .max = 10000,
     .help = "Rows in a page of a list"},
    {ROW(struct resource_spec, "page.max", kind_number, page_max),
     .standard = "200", .min = 1, .max = 10000,
     .help = "Rows in a page at the most"},
};
static const struct setting_group resource_group = {
    .what = "a resource",
    .name = "resource",
    .rows = resource_rows,
    .count = ARRAY_LEN(resource_rows),
    .size = sizeof(struct resource_spec),
    .max = RESOURCES_MAX,
    .key_kind = &kind_name,
    .enter_fn = enter_resource,
    .leave_fn = leave_resource,
};

/* Messages. */

static void leave_message(struct reader *r, const struct yaml *node,
                          void *element)
{
    struct message_spec *message = element;

    message->latest = message->debounce_ms > 0 || message->key.len > 0;
    if (message->moves.len > 0 && message->key.len == 0)
        reader_refuse_key(r, node,
                          BYTES("the payload's member that names the object"),
                          "a message with 'moves' needs 'key'");
    if (message->to == MESSAGE_TO_NOBODY && message->moves.len == 0)
        reader_refuse_key(r, node, BYTES("'moves', or a receiver"),
                          "a message to nobody that moves nothing");
}

static const struct setting message_rows[] = {
    {ROW(struct message_spec, "from", kind_roles, from),
     .unless = "the server only", .help = "Who may send it"},
    {WIDE("to", kind_to), .required = true,
     .help = "Who receives it: the sender's tenant, a role in it, the user "
             "named by the payload's 'to', or nobody"},
    {ROW(struct message_spec, "moves", kind_resource, moves),
     .help = "The resource whose live position it sets"},
    {ROW(struct message_spec, "key", kind_text, key),
     .help = "The payload's member that names the object; only the last value "
             "of each object is kept for a slow reader"},
    {ROW(struct message_spec, "debounce", kind_delay, debounce_ms),
     .standard = "0s", .max = HOUR_MS,
     .help = "Sends at most one value of each object in this time, the last"},
    {ROW(struct message_spec, "lat", kind_text, lat), .standard = "lat",
     .help = "The payload's member with the latitude"},
    {ROW(struct message_spec, "lng", kind_text, lng), .standard = "lng",
     .help = "The payload's member with the longitude"},
    {ROW(struct message_spec, "any", kind_roles, key_any), .unless = "nobody",
     .help = "Roles that may name any object; others name only themselves"},
};
static const struct setting_group message_group = {
    .what = "a message",
    .name = "TYPE",
    .rows = message_rows,
    .count = ARRAY_LEN(message_rows),
    .size = sizeof(struct message_spec),
    .max = MESSAGES_MAX,
    .key_kind = &kind_type,
    .leave_fn = leave_message,
};

/* The file. */

static const struct setting config_rows[] = {
    {ROW(struct config, "app", kind_text, app), .required = true,
     .help = "The application's name"},
    {ROW(struct config, "listen", kind_address, listen),
     .standard = "127.0.0.1:8080",
     .help = "Where the server listens; port 0 picks a free one"},
    {ROW(struct config, "workers", kind_number, workers), .standard = "0",
     .max = 63, .help = "Threads that serve; 0 is one for each core"},
    {ROW(struct config, "log", kind_level, log), .standard = "info",
     .reload = RELOAD_LIVE, .help = "The least important line that is logged"},
    {ROW(struct config, "data", kind_path, data_dir), .standard = ".data",
     .help = "The directory for the server's own files, such as an SQLite "
             "database; a relative one lies in the application's directory"},
    {ROW(struct config, "store.url", kind_text, store_url),
     .standard = "sqlite:fieldline.db", .flag = "store",
     .help = "The database: sqlite:FILE or postgres://USER@HOST/DATABASE"},
    {ROW(struct config, "pages", kind_path, pages_dir),
     .help = "A directory of static files that is served at /"},

    {ROW(struct config, "auth.jwt.alg", kind_alg, edge.auth.alg),
     .standard = "HS256",
     .help = "The one algorithm that tokens may be "
             "signed with"},
    {ROW(struct config, "auth.jwt.secret_env", kind_name, secret_env),
     .standard = "FIELDLINE_SECRET",
     .help = "HS256: the environment variable with the secret, at least 32 "
             "bytes; with _FILE behind its name, the file that holds it"},
    {ROW(struct config, "auth.jwt.secret_file", kind_path, secret_file),
     .help = "HS256: a file with the secret, where the variable is not set"},
    {ROW(struct config, "auth.jwt.public_key", kind_path,
         edge.auth.public_key_file),
     .help = "The other algorithms: the public key, a PEM file"},
    {ROW(struct config, "auth.jwt.jwks", kind_path, edge.auth.jwks_file),
     .help = "The other algorithms: a file with a key set, read again when it "
             "changes"},
    {ROW(struct config, "auth.jwt.issuer", kind_text, edge.auth.issuer),
     .help = "The issuer (iss) that tokens must name"},
    {ROW(struct config, "auth.jwt.audience", kind_text, edge.auth.audience),
     .help = "The audience (aud) that tokens must name"},
    {ROW(struct config, "auth.jwt.leeway", kind_big_number, edge.auth.leeway_s),
     .standard = "30", .max = 600, .help = "Seconds that clocks may differ"},
    {ROW(struct config, "auth.tenant", kind_text, edge.auth.tenant_claim),
     .standard = "tenant", .help = "The token's claim that names the tenant"},
    {ROW(struct config, "auth.user", kind_text, edge.auth.user_claim),
     .standard = "sub", .help = "The claim that names the user"},
    {ROW(struct config, "auth.role", kind_text, edge.auth.role_claim),
     .standard = "role", .help = "The claim with the role, or a list of them"},
    {.path = "auth.roles",
     .kind = &kind_role_names,
     .offset = offsetof(struct config, edge.auth.roles),
     .count_offset = offsetof(struct config, edge.auth.role_count),
     .required = true,
     .help = "The roles there are"},

    {ROW(struct config, "cache.memory", kind_size, edge.cache_bytes_max),
     .standard = "64MB", .min = 1 << 20, .max = 1ull << 40,
     .reload = RELOAD_LIVE,
     .help = "Memory for cached replies, all classes "
             "together"},
    {ROW(struct config, "cache.clock", kind_size, clock_bytes),
     .standard = "16MB", .min = 4096, .max = 1 << 30,
     .help = "Memory for the clock that says what has changed: a power of "
             "two; it is touched only as it is used"},
    {MAP(struct config, "cache.classes", class_group, edge.classes,
         edge.class_count),
     .help = "Kinds of replies, each with its own limits"},

    {MAP(struct config, "resources", resource_group, data.resources,
         data.resource_count),
     .help = "What the API serves"},
    {MAP(struct config, "messages", message_group, hub.messages,
         hub.message_count),
     .help = "What clients may send to one another"},

    {ROW(struct config, "hub.ping", kind_duration, hub.ping_ms),
     .standard = "25s", .min = 100, .max = HOUR_MS,
     .help = "How often an idle connection is asked for a sign of life"},
    {ROW(struct config, "hub.timeout", kind_duration, hub.timeout_ms),
     .standard = "60s", .min = 100, .max = HOUR_MS,
     .help = "How long a connection may be silent"},
    {ROW(struct config, "hub.message_limit", kind_small_size,
         hub.message_bytes_max),
     .standard = "1MB", .min = 256, .max = 64 << 20,
     .help = "The largest message a client may send, decompressed"},
    {ROW(struct config, "hub.queue_limit", kind_small_size,
         hub.queue_bytes_max),
     .standard = "1MB", .min = 4096, .max = 1 << 30,
     .help = "How much may wait for a slow reader before he is sent away"},
    {ROW(struct config, "hub.topics", kind_number, hub.topics_max),
     .standard = "100", .min = 1, .max = 10000,
     .help = "Topics that one connection may subscribe to"},
    {ROW(struct config, "hub.origins", kind_origins, hub.origins),
     .unless = "the own host",
     .help = "Web origins that may connect besides the server's own"},

    {ROW(struct config, "http.connections", kind_number, edge.connections_max),
     .standard = "20000", .min = 1, .max = 10000000,
     .help = "Connections that one worker accepts"},
    {ROW(struct config, "http.head_timeout", kind_duration,
         edge.head_timeout_ms),
     .standard = "10s", .min = 100, .max = HOUR_MS,
     .help = "How long a request's head may take"},
    {ROW(struct config, "http.body_timeout", kind_duration,
         edge.body_timeout_ms),
     .standard = "30s", .min = 100, .max = HOUR_MS,
     .help = "How long the next piece of a body may take"},
    {ROW(struct config, "http.idle_timeout", kind_duration,
         edge.idle_timeout_ms),
     .standard = "75s", .min = 100, .max = DAY_MS,
     .help = "How long a connection is kept between requests"},
    {ROW(struct config, "http.write_timeout", kind_duration,
         edge.write_timeout_ms),
     .standard = "30s", .min = 100, .max = HOUR_MS,
     .help = "How long a peer may go without reading"},
    {ROW(struct config, "http.position_wait", kind_duration,
         edge.position_wait_ms),
     .standard = "500ms", .max = 60000,
     .help = "How long a read waits for a position it must have seen"},
    {ROW(struct config, "http.drain", kind_duration, drain_ms),
     .standard = "10s", .max = HOUR_MS,
     .help = "How long a stop waits for connections to end"},

    {ROW(struct config, "feed.poll", kind_duration, feed.poll_ms),
     .standard = "100ms", .min = 10, .max = 60000,
     .help = "How often the change feed looks for writes of other programs"},
    {ROW(struct config, "feed.stale_after", kind_duration, feed.stale_after_ms),
     .standard = "5s", .min = 100, .max = HOUR_MS,
     .help = "How long the feed may be unreadable before nothing cached is "
             "trusted"},
    {ROW(struct config, "feed.keep", kind_duration, feed.keep_ms),
     .standard = "7d", .min = 60000, .max = 3650ull * DAY_MS,
     .help = "How long changes are kept for clients that were away"},
    {ROW(struct config, "feed.keep_bytes", kind_size, feed.keep_bytes),
     .standard = "1GB", .min = 1 << 20, .max = 1ull << 40,
     .help = "How many bytes of them"},
    {ROW(struct config, "feed.replay", kind_big_number, feed.replay),
     .standard = "1000", .max = 10000000,
     .help = "Recent changes held in memory, for clients that reconnect"},
};
const struct setting_group config_group = {
    .what = "the application file",
    .name = "application",
    .rows = config_rows,
    .count = ARRAY_LEN(config_rows),
};
