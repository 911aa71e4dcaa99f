/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process of one contender. It reads requests, does the work of each once, and answers with a figure, until its
 * input ends. Which malloc it calls was decided when it was linked or loaded.
 */
#include "processors.h"
#include "workloads.h"

#include <unistd.h>

static const struct {
    double (*run)(void);
    double (*run_with)(unsigned parameter);
    int processors;
} workloads[] = {
#define X(name, group, processors, what) {name, NULL, processors},
    WORKLOADS(X)
#undef X
#define X(name, table, unit, processors, what) {NULL, name, processors},
        SERIES(X)
#undef X
};

int main(int argc, char **argv)
{
    struct request request;
    trace_file = argc == 2 ? argv[1] : NULL;
    while (read(STDIN_FILENO, &request, sizeof request) == sizeof request && request.workload < WORKLOAD_COUNT) {
        use_processors(workloads[request.workload].processors);
        double answer = workloads[request.workload].run ? workloads[request.workload].run()
                                                        : workloads[request.workload].run_with(request.parameter);
        if (write(STDOUT_FILENO, &answer, sizeof answer) != sizeof answer)
            return 1;
    }
    return 0;
}
