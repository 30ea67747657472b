/* Serves registers of one unit on a serial port by libmodbus, which encodes every value
 * itself.
 *
 * libmodbus_slave PORT PARITY VALUES, a value a line: UNIT holding|input ADDRESS TYPE ORDER
 * VALUE, such as `1 input 72 f32 ABCD 1234.5`. Addresses are those on the wire, from 0. */

#include <inttypes.h>
#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REGISTERS = 40000 };

static void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static void put_32(uint16_t *at, const char *order, uint32_t bits) {
    uint16_t words[2];
    MODBUS_SET_INT32_TO_INT16(words, 0, (int32_t)bits);
    int swapped = strcmp(order, "CDAB") == 0;
    at[0] = words[swapped ? 1 : 0];
    at[1] = words[swapped ? 0 : 1];
}

static void put(uint16_t *at, const char *type, const char *order, const char *value) {
    if (strcmp(type, "f32") == 0) {
        /* modbus_set_float_abcd of libmodbus 3.1.6 swaps the bytes of each word. */
        float number = strtof(value, NULL);
        uint32_t bits;
        memcpy(&bits, &number, sizeof bits);
        put_32(at, order, bits);
    } else if (strcmp(type, "u16") == 0) {
        at[0] = (uint16_t)strtoul(value, NULL, 10);
    } else if (strcmp(type, "u64") == 0) {
        uint64_t number = strtoull(value, NULL, 10);
        MODBUS_SET_INT64_TO_INT16(at, 0, (int64_t)number);
    } else if (strcmp(type, "u32") == 0 || strcmp(type, "i32") == 0) {
        put_32(at, order, (uint32_t)strtoll(value, NULL, 10));
    } else {
        die("unknown type");
    }
}

int main(int count, char **arguments) {
    if (count != 4) die("usage: libmodbus_slave PORT PARITY VALUES");
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, REGISTERS);
    FILE *values = fopen(arguments[3], "r");
    if (map == NULL || values == NULL) die("cannot read the values");
    char table[16], type[8], order[8], value[64];
    int unit = 0, address;
    while (fscanf(values, "%d %15s %d %7s %7s %63s", &unit, table, &address, type, order, value) == 6) {
        if (address < 0 || address > REGISTERS - 4) die("address out of range");
        uint16_t *start = strcmp(table, "input") == 0 ? map->tab_input_registers : map->tab_registers;
        put(start + address, type, order, value);
    }
    fclose(values);
    modbus_t *line = modbus_new_rtu(arguments[1], 9600, arguments[2][0], 8, 1);
    if (line == NULL || modbus_set_slave(line, unit) != 0 || modbus_connect(line) != 0)
        die("cannot open the port");
    for (;;) {
        uint8_t query[MODBUS_RTU_MAX_ADU_LENGTH];
        int length = modbus_receive(line, query);
        if (length > 0) modbus_reply(line, query, length, map);
    }
}
