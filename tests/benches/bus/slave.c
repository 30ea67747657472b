/* Six meters on a paced line, on a pseudo-terminal: slave LINK BAUD TURNAROUND_US
 *
 * Every byte comes when it would be off a wire of that baud (8N1), the reply after the
 * turnaround. LINK is made to point to the terminal. At 0 baud the wire takes no time. At end
 * of input it prints one JSON object: how many requests came, how many of them earlier than
 * 3.5 characters after the last byte of the reply before, and the shortest such silence.
 *
 * The silence is measured from just before that byte is written to when the first byte of the
 * request is read. The slave sleeps until shortly before the silence ends, then looks again
 * and again: a request that is there when it begins to look came too early, and any other is
 * seen within a microsecond or two of its coming. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES = 8, CHARACTER_BITS = 10 };
static const int64_t SECOND_NS = 1000000000;
static const int64_t LOOK_BEFORE_NS = 300000; /* the end of the silence */
static const int64_t LOOK_FOR_NS = 3000000;   /* then sleep */
static const int64_t SPIN_NS = 80000;         /* the end of a sleep that must be exact */

static int line;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * SECOND_NS + t.tv_nsec;
}

static void sleep_until(int64_t ns) {
    struct timespec t = {ns / SECOND_NS, ns % SECOND_NS};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR) {}
}

static uint16_t crc16(const uint8_t *bytes, int count) {
    uint16_t crc = 0xFFFF;
    for (int i = 0; i < count; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xA001 : crc >> 1;
    }
    return crc;
}

static int open_line(const char *link) {
    line = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (line < 0 || grantpt(line) || unlockpt(line)) return -1;
    int terminal = open(ptsname(line), O_RDWR | O_NOCTTY); /* kept: no hang-up between masters */
    struct termios raw;
    if (terminal < 0 || tcgetattr(terminal, &raw)) return -1;
    cfmakeraw(&raw);
    if (tcsetattr(terminal, TCSANOW, &raw)) return -1;
    unlink(link);
    return symlink(ptsname(line), link);
}

/* Waits for bytes of the line; exits at the end of input. */
static void wait_for_bytes(void);

static int64_t requests, early, shortest_ns = -1;

static void report_and_exit(void) {
    printf("{\"requests\":%ld,\"early\":%ld,\"shortest_us\":%.1f}\n", (long)requests, (long)early,
           shortest_ns / 1000.0);
    exit(0);
}

static void wait_for_bytes(void) {
    struct pollfd ends[2] = {{line, POLLIN, 0}, {0, POLLIN, 0}};
    poll(ends, 2, -1);
    if (!(ends[0].revents & POLLIN) && ends[1].revents) report_and_exit();
}

/* Reads a request; returns when its first byte was read. */
static int64_t read_request(uint8_t *request, int64_t last_byte, int64_t silence) {
    int count = 0;
    int64_t began = 0;
    int64_t look_until = last_byte + silence + LOOK_FOR_NS;
    if (last_byte) sleep_until(last_byte + silence - LOOK_BEFORE_NS);
    while (count < REQUEST_BYTES) {
        ssize_t got = read(line, request + count, REQUEST_BYTES - count);
        if (got > 0) {
            if (!began) began = now_ns();
            count += got;
        } else if (!last_byte || now_ns() > look_until) {
            wait_for_bytes();
        }
    }
    return began;
}

static int make_reply(const uint8_t *request, uint8_t *reply) {
    int registers = request[5];
    int count = 3;
    reply[0] = request[0], reply[1] = request[1], reply[2] = 2 * registers;
    for (int i = 0; i < registers; i++) reply[count++] = request[0], reply[count++] = i;
    uint16_t crc = crc16(reply, count);
    reply[count++] = crc & 0xFF, reply[count++] = crc >> 8;
    return count;
}

/* Sends each byte at its time; returns when the last was about to be written. */
static int64_t send_paced(const uint8_t *reply, int count, int64_t from, int64_t character) {
    int64_t last = 0;
    for (int i = 0; i < count; i++) {
        int64_t due = from + (i + 1) * character;
        int is_last = i == count - 1;
        sleep_until(is_last ? due - SPIN_NS : due);
        while (now_ns() < due) {}
        last = now_ns();
        if (write(line, reply + i, 1) != 1) exit(1);
    }
    return last;
}

int main(int argc, char **argv) {
    if (argc != 4 || open_line(argv[1])) return perror("slave LINK BAUD TURNAROUND_US"), 2;
    int64_t baud = atol(argv[2]), turnaround = atol(argv[3]) * 1000;
    int64_t character = baud ? CHARACTER_BITS * SECOND_NS / baud : 0;
    int64_t silence = baud > 19200 ? 1750000 : character * 7 / 2;
    /* It plays hardware: it may not be kept waiting. Without the right to, it plays on. */
    struct sched_param first = {.sched_priority = 10};
    sched_setscheduler(0, SCHED_FIFO, &first);
    prctl(PR_SET_TIMERSLACK, 1);
    uint8_t request[REQUEST_BYTES], reply[260];
    for (int64_t last_byte = 0;;) {
        int64_t began = read_request(request, last_byte, silence);
        if (crc16(request, REQUEST_BYTES) != 0) return fputs("a broken request\n", stderr), 1;
        requests++;
        if (last_byte) {
            int64_t silent = began - last_byte;
            early += silent < silence;
            if (shortest_ns < 0 || silent < shortest_ns) shortest_ns = silent;
        }
        int count = make_reply(request, reply);
        if (baud) {
            int64_t from = began + REQUEST_BYTES * character + turnaround;
            last_byte = send_paced(reply, count, from, character);
        } else if (write(line, reply, count) != count) {
            return 1;
        }
    }
}
