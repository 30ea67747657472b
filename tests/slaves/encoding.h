/* Types and orders of registers by libmodbus: its macros for integers, its own functions for
 * floats in four orders; what it lacks (48 and 64 bits in other orders, f64) is the same
 * macros with words and bytes swapped.
 *
 * An order is the letters of the bytes as they arrive, A the most significant. So does
 * libmodbus 3.1.6 name the functions that get floats, but those that set them by the bytes in
 * the memory of a little-endian machine: what modbus_set_float_badc sets arrives as ABCD. */

#include <errno.h>
#include <inttypes.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static int words_of(const char *type) {
    int bits = atoi(type + 1);
    if (bits < 16 || bits > 64) die("unknown type");
    return bits / 16;
}

static int low_word_first(const char *order) { return order[0] != 'A' && order[1] != 'A'; }

/* To and from the order of the words and bytes on the wire; each undoes itself. */
static void arrange(uint16_t *words, int count, const char *order) {
    if (low_word_first(order))
        for (int i = 0; i < count / 2; i++) {
            uint16_t word = words[i];
            words[i] = words[count - 1 - i];
            words[count - 1 - i] = word;
        }
    if (order[0] > order[1])
        for (int i = 0; i < count; i++) words[i] = (uint16_t)(words[i] >> 8 | words[i] << 8);
}

static void put(uint16_t *at, const char *type, const char *order, const char *value) {
    int count = words_of(type);
    uint16_t words[4];
    if (strcmp(type, "f32") == 0) {
        float number = strtof(value, NULL);
        if (strcmp(order, "ABCD") == 0) modbus_set_float_badc(number, at);
        else if (strcmp(order, "BADC") == 0) modbus_set_float_abcd(number, at);
        else if (strcmp(order, "CDAB") == 0) modbus_set_float_dcba(number, at);
        else modbus_set_float_cdab(number, at);
        return;
    }
    int64_t bits = type[0] == 'u' ? (int64_t)strtoull(value, NULL, 10) : strtoll(value, NULL, 10);
    if (type[0] == 'f') {
        double number = strtod(value, NULL);
        memcpy(&bits, &number, sizeof bits);
    }
    MODBUS_SET_INT64_TO_INT16(words, 0, bits);
    memcpy(at, words + 4 - count, (size_t)count * sizeof *at);
    arrange(at, count, order);
}

static void print(const uint16_t *at, const char *type, const char *order) {
    int count = words_of(type);
    uint16_t words[4] = {0};
    if (strcmp(type, "f32") == 0) {
        float number;
        if (strcmp(order, "ABCD") == 0) number = modbus_get_float_abcd(at);
        else if (strcmp(order, "BADC") == 0) number = modbus_get_float_badc(at);
        else if (strcmp(order, "CDAB") == 0) number = modbus_get_float_cdab(at);
        else number = modbus_get_float_dcba(at);
        printf("%.9g\n", (double)number);
        return;
    }
    memcpy(words + 4 - count, at, (size_t)count * sizeof *at);
    arrange(words + 4 - count, count, order);
    int64_t bits = MODBUS_GET_INT64_FROM_INT16(words, 0);
    if (type[0] == 'f') {
        double number;
        memcpy(&number, &bits, sizeof number);
        printf("%.17g\n", number);
    } else if (type[0] == 'u') {
        printf("%" PRIu64 "\n", (uint64_t)bits);
    } else {
        int unused = 64 - 16 * count;
        printf("%" PRId64 "\n", (int64_t)((uint64_t)bits << unused) >> unused);
    }
}
