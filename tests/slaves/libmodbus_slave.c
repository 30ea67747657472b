/* A Modbus RTU slave that we did not write: libmodbus on one port, as one unit.
 *
 *     cc -O2 -o libmodbus_slave libmodbus_slave.c $(pkg-config --cflags --libs libmodbus jansson)
 *     ./libmodbus_slave PORT UNIT [FILE] [BAUD] [N|E|O] [1|2 stop bits]
 *
 * It answers for UNIT alone (libmodbus drops what is for others, so each further unit needs a
 * port of its own), with the registers that FILE (default registers.json) has for it, until it
 * is killed, and prints "ready" once it listens. What FILE must hold is written in README.md.
 * libmodbus serves one run of addresses: between the registers of FILE it reads zeros, beyond
 * them it answers with exception 2.
 * Needs: apt-get install gcc pkg-config libmodbus-dev libjansson-dev
 */
#include <errno.h>
#include <jansson.h>
#include <modbus.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint16_t holding[65536], input[65536];

static void fail(const char *what, const char *why) {
    fprintf(stderr, "libmodbus_slave: %s: %s\n", what, why);
    exit(1);
}

static void load(const char *path, int unit, int *holding_end, int *input_end) {
    json_error_t error;
    json_t *file = json_load_file(path, 0, &error);
    if (!file) fail(path, error.text);
    size_t index, run_index;
    json_t *device, *run;
    int found = 0;
    json_array_foreach(json_object_get(file, "devices"), index, device) {
        if (json_integer_value(json_object_get(device, "unit")) != unit) continue;
        found = 1;
        json_array_foreach(json_object_get(device, "registers"), run_index, run) {
            const char *table = json_string_value(json_object_get(run, "table"));
            const char *words = json_string_value(json_object_get(run, "words"));
            int address = (int)json_integer_value(json_object_get(run, "address"));
            if (!table || !words) fail(path, "a run of registers lacks its table or words");
            int is_holding = strcmp(table, "holding") == 0;
            uint16_t *registers = is_holding ? holding : input;
            int *end = is_holding ? holding_end : input_end;
            for (char *rest; *words; words = rest) {
                unsigned long word = strtoul(words, &rest, 16);
                if (rest == words) break;
                if (word > 0xffff || address > 0xffff) fail(path, "a word does not fit");
                registers[address++] = (uint16_t)word;
                if (address > *end) *end = address;
            }
        }
    }
    if (!found) fail(path, "it has no such unit");
    json_decref(file);
}

int main(int count, char **given) {
    if (count < 3) {
        fprintf(stderr, "usage: %s PORT UNIT [FILE] [BAUD] [N|E|O] [1|2]\n", given[0]);
        return 2;
    }
    int unit = atoi(given[2]);
    const char *file = count > 3 ? given[3] : "registers.json";
    int baud = count > 4 ? atoi(given[4]) : 9600;
    char parity = count > 5 ? given[5][0] : 'N';
    int stop_bits = count > 6 ? atoi(given[6]) : 1;
    int holding_end = 0, input_end = 0;
    load(file, unit, &holding_end, &input_end);

    modbus_t *line = modbus_new_rtu(given[1], baud, parity, 8, stop_bits);
    if (!line || modbus_set_slave(line, unit) || modbus_connect(line))
        fail(given[1], modbus_strerror(errno));
    modbus_mapping_t *registers = modbus_mapping_new(0, 0, holding_end, input_end);
    if (!registers) fail(given[1], modbus_strerror(errno));
    memcpy(registers->tab_registers, holding, (size_t)holding_end * 2);
    memcpy(registers->tab_input_registers, input, (size_t)input_end * 2);
    printf("ready\n");
    fflush(stdout);
    for (;;) {
        uint8_t request[MODBUS_RTU_MAX_ADU_LENGTH];
        int length = modbus_receive(line, request);
        if (length > 0) modbus_reply(line, request, length, registers);
        if (length < 0 && (errno == EIO || errno == ENXIO || errno == EBADF)) return 0;
    }
}
