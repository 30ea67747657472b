/* Reads registers by libmodbus, as another master on the line does, and tells what it read.
 *
 * libmodbus_reader PORT PLAN ROUNDS PAUSE_MS, a request a line: UNIT holding|input ADDRESS
 * COUNT. Prints the request and the words of each reply, in hexadecimal. */

#include <modbus/modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { REQUESTS = 64 };

static void die(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

int main(int count, char **arguments) {
    if (count != 5) die("usage: libmodbus_reader PORT PLAN ROUNDS PAUSE_MS");
    struct { int unit, address, words; char table[16]; } plan[REQUESTS];
    int requests = 0;
    FILE *lines = fopen(arguments[2], "r");
    if (lines == NULL) die("cannot read the plan");
    while (requests < REQUESTS &&
           fscanf(lines, "%d %15s %d %d", &plan[requests].unit, plan[requests].table,
                  &plan[requests].address, &plan[requests].words) == 4)
        requests++;
    fclose(lines);
    modbus_t *line = modbus_new_rtu(arguments[1], 9600, 'N', 8, 1);
    if (line == NULL || modbus_connect(line) != 0) die("cannot open the port");
    modbus_set_response_timeout(line, 2, 0);
    for (int round = 0; round < atoi(arguments[3]); round++) {
        for (int at = 0; at < requests; at++) {
            uint16_t words[MODBUS_MAX_READ_REGISTERS];
            modbus_set_slave(line, plan[at].unit);
            int is_input = strcmp(plan[at].table, "input") == 0;
            int got = is_input
                ? modbus_read_input_registers(line, plan[at].address, plan[at].words, words)
                : modbus_read_registers(line, plan[at].address, plan[at].words, words);
            printf("%d %s %d", plan[at].unit, plan[at].table, plan[at].address);
            for (int word = 0; word < got; word++) printf(" %04X", words[word]);
            printf("\n");
            fflush(stdout);
        }
        usleep((useconds_t)atoi(arguments[4]) * 1000);
    }
    modbus_close(line);
    return 0;
}
