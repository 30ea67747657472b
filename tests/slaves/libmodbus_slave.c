/* Serves registers of one unit on a serial port by libmodbus, which encodes every value
 * itself.
 *
 * libmodbus_slave PORT PARITY VALUES, a value a line: UNIT holding|input ADDRESS TYPE ORDER
 * VALUE, such as `1 input 72 f32 ABCD 1234.5`. Addresses are those on the wire, from 0. */

#include "encoding.h"

enum { REGISTERS = 40000 };

int main(int count, char **arguments) {
    if (count != 4) die("usage: libmodbus_slave PORT PARITY VALUES");
    modbus_mapping_t *map = modbus_mapping_new(0, 0, REGISTERS, REGISTERS);
    FILE *values = fopen(arguments[3], "r");
    if (map == NULL || values == NULL) die("cannot read the values");
    char table[16], type[8], order[16], value[64];
    int unit = 0, address;
    while (fscanf(values, "%d %15s %d %7s %15s %63s", &unit, table, &address, type, order, value) == 6) {
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
