/* Reads registers on a serial port by libmodbus, which decodes every value itself.
 *
 * libmodbus_master PORT ASKED, a register a line: UNIT ADDRESS TYPE ORDER, all of them holding
 * registers; prints a value a line, in that order. */

#include "encoding.h"

int main(int count, char **arguments) {
    if (count != 3) die("usage: libmodbus_master PORT ASKED");
    FILE *asked = fopen(arguments[2], "r");
    modbus_t *line = modbus_new_rtu(arguments[1], 9600, 'N', 8, 1);
    if (asked == NULL || line == NULL || modbus_connect(line) != 0) die("cannot open the port");
    modbus_set_response_timeout(line, 3, 0);
    char type[8], order[16];
    int unit, address;
    while (fscanf(asked, "%d %d %7s %15s", &unit, &address, type, order) == 4) {
        uint16_t words[4];
        modbus_set_slave(line, unit);
        if (modbus_read_registers(line, address, words_of(type), words) < 0)
            die(modbus_strerror(errno));
        print(words, type, order);
    }
    return 0;
}
