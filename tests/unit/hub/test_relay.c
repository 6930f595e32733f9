/* SPDX-License-Identifier: MIT */
/*
 * test_relay - declared messages: who may send, who receives, what moves.
 * Threads: see rig.h.
 */
#include "rig.h"

#include "base/error.h"

#include <stdlib.h>

static void test_to_a_role_on_every_worker(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *sender = ws_session(rig, 0, "11", "1", "DRIVE", NULL);
    struct ws *near = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *far = ws_session(rig, 1, "10", "1", "MANAGE", NULL);
    struct ws *other = ws_session(rig, 1, "20", "2", "MANAGE", NULL);
    struct ws *both[2] = {near, far};

    ws_subscribe(near, "\"role:MANAGE\"", NULL);
    ws_subscribe(far, "\"role:MANAGE\",\"tenant\"", NULL);
    ws_subscribe(other, "\"role:MANAGE\",\"tenant\"", NULL);
    ws_send(sender, "{\"type\":\"LOCATION\",\"id\":\"m1\",\"payload\":"
                    "{\"driverId\":\"11\",\"lat\":40.5,\"lng\":-74,"
                    "\"user\":\"forged\"}}");
    assert_string_equal(text_of(ws_expect(sender, "ACK"), "id"), "m1");
    for (int i = 0; i < 2; i++) {
        const json_t *m = ws_expect(both[i], "LOCATION");
        const json_t *data = json_object_get(m, "data");

        assert_string_equal(text_of(m, "key"), "11");
        assert_string_equal(text_of(m, "user"), "11");
        assert_true(json_number_value(json_object_get(data, "lat")) == 40.5);
        assert_int_equal(strlen(text_of(m, "at")), 24);
        ws_expect_nothing(both[i]);
    }
    rig_settle(rig);
    ws_expect_nothing(other);
    ws_free(sender);
    ws_free(near);
    ws_free(far);
    ws_free(other);
    rig_free(rig);
}

static void refused(struct ws *ws, const char *message, const char *code)
{
    const json_t *m;

    ws_send(ws, "%s", message);
    m = ws_expect(ws, "ERROR");
    assert_string_equal(text_of(m, "code"), code);
}

static void test_what_is_refused(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *driver = ws_session(rig, 0, "11", "1", "DRIVE", NULL);
    struct ws *manager = ws_session(rig, 0, "10", "1", "MANAGE", NULL);

    refused(driver, "{\"type\":\"NOTICE\",\"payload\":{}}", "denied");
    refused(driver,
            "{\"type\":\"LOCATION\",\"payload\":{\"driverId\":\"12\","
            "\"lat\":1,\"lng\":1}}",
            "key-denied");
    refused(driver, "{\"type\":\"LOCATION\",\"payload\":{\"driverId\":[]}}",
            "bad-message");
    refused(driver, "{\"type\":\"LOCATION\",\"payload\":{\"lat\":1}}",
            "bad-position");
    refused(driver,
            "{\"type\":\"LOCATION\",\"payload\":{\"lat\":\"1\",\"lng\":1}}",
            "bad-position");
    refused(driver,
            "{\"type\":\"LOCATION\",\"payload\":{\"lat\":-174,\"lng\":40}}",
            "bad-position"); /* swapped */
    refused(driver,
            "{\"type\":\"LOCATION\",\"payload\":{\"lat\":1e999,\"lng\":40}}",
            "bad-json");
    refused(driver, "{\"type\":\"WHISPER\",\"payload\":{}}", "bad-message");
    ws_send(driver, "{\"type\":\"LOCATION\",\"id\":\"own\",\"payload\":"
                    "{\"lat\":1,\"lng\":1}}"); /* no key: his own */
    (void)ws_expect(driver, "ACK");
    ws_send(manager, "{\"type\":\"LOCATION\",\"id\":\"any\",\"payload\":"
                     "{\"driverId\":12,\"lat\":1,\"lng\":1}}");
    (void)ws_expect(manager, "ACK");
    ws_free(driver);
    ws_free(manager);
    rig_free(rig);
}

static void test_to_a_user_and_to_a_tenant(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *manager = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *driver = ws_session(rig, 1, "11", "1", "DRIVE", NULL);
    struct ws *namesake = ws_session(rig, 1, "11", "2", "DRIVE", NULL);
    const json_t *m;

    ws_subscribe(driver, "\"user\",\"tenant\"", NULL);
    ws_subscribe(namesake, "\"user\",\"tenant\"", NULL);
    ws_send(manager, "{\"type\":\"WHISPER\",\"payload\":{\"to\":\"11\","
                     "\"text\":\"h\\u00e9\"}}");
    m = ws_expect(driver, "WHISPER");
    assert_string_equal(text_of(json_object_get(m, "data"), "text"),
                        "h\xc3\xa9");
    assert_null(json_object_get(m, "key"));
    ws_send(manager, "{\"type\":\"NOTICE\",\"payload\":{}}");
    (void)ws_expect(driver, "NOTICE");
    rig_settle(rig);
    ws_expect_nothing(namesake);
    ws_free(manager);
    ws_free(driver);
    ws_free(namesake);
    rig_free(rig);
}

/* Thirty values in one go: the first comes at once, then at least the last. */
static void test_debounced_values_are_conflated(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *sender = ws_session(rig, 0, "11", "1", "DRIVE", NULL);
    struct ws *far = ws_session(rig, 1, "10", "1", "MANAGE", NULL);
    const json_t *data;
    int count = 0;
    double speed;

    ws_subscribe(far, "\"role:MANAGE\"", NULL);
    for (int i = 0; i < 30; i++)
        ws_send(sender,
                "{\"type\":\"LOCATION\",\"payload\":{\"lat\":1,\"lng\":1,"
                "\"speed\":%d}}",
                i);
    do {
        data = json_object_get(ws_expect(far, "LOCATION"), "data");
        speed = json_number_value(json_object_get(data, "speed"));
        assert_true(count > 0 || speed == 0);
        count++;
    } while (speed < 29);
    assert_true(count < 30);
    ws_free(sender);
    ws_free(far);
    rig_free(rig);
}

static void test_published_by_the_server(void **state)
{
    struct rig *rig = rig_new(NULL);
    struct ws *manager = ws_session(rig, 0, "10", "1", "MANAGE", NULL);
    struct ws *driver = ws_session(rig, 1, "11", "1", "DRIVE", NULL);

    ws_subscribe(manager, "\"role:MANAGE\",\"tenant\"", NULL);
    ws_subscribe(driver, "\"role:DRIVE\"", NULL);
    assert_int_equal(hub_publish(rig_hub(rig), BYTES("1"), MANAGE | DRIVE,
                                 BYTES("ALERT"), BYTES("{\"a\":1}")),
                     0);
    (void)ws_expect(manager, "ALERT");
    (void)ws_expect(driver, "ALERT");
    ws_expect_nothing(manager);
    assert_int_equal(hub_publish(rig_hub(rig), BYTES("1"), 0, BYTES("ALERT"),
                                 BYTES("{\"a\":2}")),
                     0);
    (void)ws_expect(manager, "ALERT");
    assert_int_equal(
        hub_publish(rig_hub(rig), BYTES("1"), 0, BYTES("ALERT"), BYTES("{")),
        ERR_INVALID);
    rig_settle(rig);
    ws_expect_nothing(driver);
    ws_free(manager);
    ws_free(driver);
    rig_free(rig);
}

RUN(cmocka_unit_test(test_to_a_role_on_every_worker),
    cmocka_unit_test(test_what_is_refused),
    cmocka_unit_test(test_to_a_user_and_to_a_tenant),
    cmocka_unit_test(test_debounced_values_are_conflated),
    cmocka_unit_test(test_published_by_the_server))
