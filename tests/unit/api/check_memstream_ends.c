/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * memstream.c: what exit(), fork() and fflush(NULL) do to streams that are open, in the midst of a write too. If a test
 * says so, a writer stops in our reallocation until the test lets it go on. Each test runs with glibc's own streams as
 * well, which show what is right; their writer stops after the write.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static FILE *(*const open_either[])(char **, size_t *) = {tm_open_memstream, open_memstream};
enum { OURS, GLIBCS };

enum where { NOWHERE, BEFORE, BEHIND }; /* the reallocation is done */

static _Thread_local enum where stops;
static void (*at_stop)(void);
static sem_t stopped, go_on;

void *__real_tm_realloc(void *block, size_t size);
void *__wrap_tm_realloc(void *block, size_t size);
void *__wrap_tm_realloc(void *block, size_t size)
{
    enum where stop = stops;
    stops = NOWHERE;
    if (stop == BEFORE)
        at_stop();
    void *grown = __real_tm_realloc(block, size);
    if (stop == BEHIND)
        at_stop();
    return grown;
}

static void wait_there(void)
{
    sem_post(&stopped);
    sem_wait(&go_on);
}

/* Where a stream is seen: on a page that a fork's child has not, like a stack that is unmapped. */
struct seen {
    char *buffer;
    size_t size;
};

static struct writer {
    int kind;
    enum where stop;
    FILE *stream;
    pthread_t thread;
    struct seen *seen;
} writer;

/* The byte that the first block has no room for. */
static void write_to_the_stop(void)
{
    fprintf(writer.stream, "%127s", "");
    stops = writer.kind == OURS ? writer.stop : NOWHERE;
    fputc('x', writer.stream);
    if (writer.kind == GLIBCS)
        at_stop();
}

static void *write_in_thread(void *arg)
{
    write_to_the_stop();
    return arg;
}

static void open_writer(int number)
{
    writer.kind = number % 2;
    writer.stop = number / 2 == 0 ? BEFORE : BEHIND;
    writer.seen = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(writer.seen != MAP_FAILED);
    ck_assert_int_eq(madvise(writer.seen, 4096, MADV_DONTFORK), 0);
    writer.stream = open_either[writer.kind](&writer.seen->buffer, &writer.seen->size);
    ck_assert_ptr_nonnull(writer.stream);
}

static void start_writer(int number)
{
    at_stop = wait_there;
    open_writer(number);
    pthread_create(&writer.thread, NULL, write_in_thread, NULL);
    sem_wait(&stopped);
}

/* The writer writes to the end, as if nothing had been. */
static void end_writer(void)
{
    sem_post(&go_on);
    pthread_join(writer.thread, NULL);
    ck_assert_int_eq(fclose(writer.stream), 0);
    ck_assert_uint_eq(writer.seen->size, 128);
    ck_assert_uint_eq(strspn(writer.seen->buffer, " "), 127);
    ck_assert_str_eq(writer.seen->buffer + 127, "x");
    tm_free(writer.seen->buffer);
    expect_process_live(0, 0);
}

static void expect_success(pid_t child)
{
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %#x", status);
}

START_TEST(a_forks_child_may_exit_while_another_thread_writes)
{
    start_writer(_i);
    pid_t child = fork();
    if (child == 0)
        exit(0);
    expect_success(child);
    end_writer();
}
END_TEST

/* POSIX has this write out what is buffered. In glibc it changes no memory stream's variables. */
START_TEST(a_forks_child_may_flush_all_while_another_thread_writes)
{
    start_writer(_i);
    pid_t child = fork();
    if (child == 0)
        _exit(fflush(NULL) != 0);
    expect_success(child);
    end_writer();
}
END_TEST

START_TEST(exit_may_come_while_another_thread_writes)
{
    pid_t child = fork();
    if (child == 0) {
        start_writer(_i);
        exit(0);
    }
    expect_success(child);
}
END_TEST

static void exit_in_handler(int number)
{
    exit(number != SIGUSR1);
}

static void raise_it(void)
{
    raise(SIGUSR1);
}

/* No promise of anybody's, but glibc's streams let it pass. */
START_TEST(exit_may_come_in_a_handler_in_mid_write)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGUSR1, exit_in_handler);
        at_stop = raise_it;
        open_writer(_i);
        write_to_the_stop();
        _exit(1);
    }
    expect_success(child);
}
END_TEST

/* Its own, that is: of the thread that forked. 1 if it is not as it should be. */
static int use(FILE *stream, char **buffer, const size_t *size)
{
    fprintf(stream, "child %1000s", "");
    if (fflush(stream) != 0 || *size != 1014 || strncmp(*buffer, "parent, child  ", 15) != 0)
        return 1;
    if (fseek(stream, 0, SEEK_SET) != 0 || fputs("CHILD", stream) < 0 || fclose(stream) != 0)
        return 1;
    return *size != 5 || strcmp(*buffer, "CHILD") != 0;
}

START_TEST(a_forks_child_goes_on_with_its_own_stream)
{
    char *buffer;
    size_t size;
    FILE *stream = open_either[_i % 2](&buffer, &size);
    fputs("parent, ", stream);
    start_writer(_i);
    pid_t child = fork();
    if (child == 0) {
        int wrong = use(stream, &buffer, &size);
        tm_free(buffer);
        exit(wrong);
    }
    expect_success(child);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_str_eq(buffer, "parent, ");
    tm_free(buffer);
    end_writer();
}
END_TEST

static void *lock_it(void *stream)
{
    flockfile(stream);
    sem_post(&stopped);
    sem_wait(&go_on);
    funlockfile(stream);
    return NULL;
}

/* What another thread has locked stays so; what the thread that forks has locked is its own in the child, too. */
START_TEST(a_forks_child_finds_locks_as_they_were)
{
    char *buffers[2];
    size_t sizes[2];
    pthread_t thread;
    FILE *mine = open_either[_i](&buffers[0], &sizes[0]), *its = open_either[_i](&buffers[1], &sizes[1]);
    pthread_create(&thread, NULL, lock_it, its);
    sem_wait(&stopped);
    flockfile(mine);
    fputs("parent, ", mine);
    pid_t child = fork();
    if (child == 0) {
        bool right = ftrylockfile(its) != 0 && ftrylockfile(mine) == 0;
        funlockfile(mine);
        funlockfile(mine);
        exit(use(mine, &buffers[0], &sizes[0]) != 0 || !right);
    }
    expect_success(child);
    funlockfile(mine);
    sem_post(&go_on);
    pthread_join(thread, NULL);
    fclose(mine);
    fclose(its);
    tm_free(buffers[0]);
    tm_free(buffers[1]);
    expect_process_live(0, 0);
}
END_TEST

static void open_another(int kind)
{
    char *buffer;
    size_t size;
    FILE *stream = open_either[kind](&buffer, &size);
    fputs("child", stream);
    fclose(stream);
    int wrong = strcmp(buffer, "child");
    tm_free(buffer);
    if (wrong)
        _exit(1);
}

/* Also one that it opens, and closes; and one of a thread that was not writing. */
START_TEST(a_forks_child_uses_other_streams)
{
    char *buffer;
    size_t size;
    start_writer(_i);
    FILE *stream = open_either[_i % 2](&buffer, &size);
    fputs("parent, ", stream);
    sem_post(&go_on);
    pthread_join(writer.thread, NULL);
    pid_t child = fork();
    if (child == 0) {
        open_another(_i % 2);
        exit(use(stream, &buffer, &size));
    }
    expect_success(child);
    fclose(stream);
    tm_free(buffer);
    fclose(writer.stream);
    tm_free(writer.seen->buffer);
    expect_process_live(0, 0);
}
END_TEST

/* What a program's own buffer holds stays there, for the variables may be gone by then. */
START_TEST(exit_leaves_a_streams_buffer_alone)
{
    pid_t child = fork();
    if (child == 0) {
        static char own[100];
        open_writer(_i);
        if (writer.kind == OURS) /* glibc's would be its buffer's owner no more */
            setvbuf(writer.stream, own, _IOFBF, sizeof own);
        fputc('x', writer.stream);
        munmap(writer.seen, 4096);
        exit(0);
    }
    expect_success(child);
}
END_TEST

int main(void)
{
    sem_init(&stopped, 0, 0);
    sem_init(&go_on, 0, 0);
    Suite *suite = suite_create("memstream_ends");
    TCase *tcase = add_case(suite, "memstream_ends", 60);
    tcase_add_loop_test(tcase, a_forks_child_may_exit_while_another_thread_writes, 0, 4);
    tcase_add_loop_test(tcase, a_forks_child_may_flush_all_while_another_thread_writes, 0, 4);
    tcase_add_loop_test(tcase, exit_may_come_while_another_thread_writes, 0, 4);
    tcase_add_loop_test(tcase, exit_may_come_in_a_handler_in_mid_write, 0, 4);
    tcase_add_loop_test(tcase, a_forks_child_goes_on_with_its_own_stream, 0, 4);
    tcase_add_loop_test(tcase, a_forks_child_finds_locks_as_they_were, 0, 2);
    tcase_add_loop_test(tcase, a_forks_child_uses_other_streams, 0, 2);
    tcase_add_loop_test(tcase, exit_leaves_a_streams_buffer_alone, 0, 2);
    return run_suite(suite);
}
