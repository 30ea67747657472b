/* libmodbus as a master: libmodbus_master PORT BAUD REGISTERS TRANSACTIONS
 * Reads six units in turn and prints what it took. */
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static double cpu_us(void) {
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 + used.ru_utime.tv_usec +
           used.ru_stime.tv_usec;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    int baud = atoi(argv[2]), registers = atoi(argv[3]), transactions = atoi(argv[4]);
    modbus_t *bus = modbus_new_rtu(argv[1], baud ? baud : 115200, 'N', 8, 1);
    if (!bus || modbus_set_slave(bus, 1) || modbus_connect(bus)) return perror(argv[1]), 1;
    modbus_set_response_timeout(bus, 1, 0);
    uint16_t words[125];
    int failed = 0;
    modbus_read_registers(bus, 0, registers, words);
    double began = seconds(), cpu_before = cpu_us();
    for (int i = 0; i < transactions; i++) {
        modbus_set_slave(bus, i % 6 + 1);
        failed += modbus_read_registers(bus, 0, registers, words) != registers;
    }
    printf("{\"transactions\":%d,\"failed\":%d,\"seconds\":%.6f,\"cpu_us\":%.0f}\n", transactions,
           failed, seconds() - began, cpu_us() - cpu_before);
    return 0;
}
