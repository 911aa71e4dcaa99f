/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the harness without a fuzzer: once with each file in the folders that its arguments name. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int play_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_input, alphasort);
    if (count < 0) {
        perror(folder);
        exit(EXIT_FAILURE);
    }
    for (int i = 0; i < count; i++) {
        static uint8_t bytes[1 << 16];
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        FILE *file = fopen(path, "rb");
        if (!file) {
            perror(path);
            exit(EXIT_FAILURE);
        }
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        printf("# %s\n", entries[i]->d_name);
        fflush(stdout); /* so that the input's name is printed before a crash */
        LLVMFuzzerTestOneInput(bytes, size);
        free(entries[i]);
    }
    free(entries);
    return count;
}

int main(int argc, char **argv)
{
    int played = 0;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        played += play_folder(argv[i]);
    printf("%d inputs\n", played);
    return played > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
