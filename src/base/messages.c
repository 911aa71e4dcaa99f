/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/messages.h"
#include "base/next_malloc.h"
#include "base/environment.h"
#include "base/kernel.h"
#include "base/options.h"

#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

char tm__last_message[TM__MESSAGE];

/* Written before `begun` becomes BEGUN (release), and read only after BEGUN was seen (acquire). */
static struct {
    bool has_stderr;
    struct stat file;
    pid_t pid;
    uid_t user, effective_user;
    gid_t group, effective_group;
    bool may_notify;
} at_start;
enum { NOT_BEGUN, BEGINNING, BEGUN };
static _Atomic int begun;

extern const struct tm__next_malloc tm__next_malloc __attribute__((weak));
extern char __libc_single_threaded __attribute__((weak)); /* since glibc 2.32 */

#define VARIABLE "THREADMETER_MESSAGES"

static bool is_number(const char *string, pid_t number)
{
    char digits[24];
    struct tm__text text = TM__TEXT(digits, -1);
    tm__put_number(&text, (uint64_t)number);
    return strcmp(string, tm__string(&text)) == 0;
}

/*
 * Whether this is the first program of the first process. `threadmeter run`, or another launcher, puts the pid of the
 * process that it starts into the environment. All later processes inherit that variable, and so does another program
 * that this process executes. So its value is changed, in place, to something that is no pid. Without the variable, a
 * library that may be preloaded cannot know, and says no; a linked one says yes.
 */
static bool is_first(void)
{
    char *value = (char *)tm__getenv(VARIABLE);
    if (!value)
        return !(&tm__next_malloc && tm__getenv("LD_PRELOAD")) && !getauxval(AT_SECURE);
    if (!is_number(value, at_start.pid))
        return false;
    value[0] = '0';
    return true;
}

static void begin(void)
{
    at_start.has_stderr = tm__sys_fstat(STDERR_FILENO, &at_start.file) == 0;
    at_start.pid = tm__sys_getpid();
    /* These are the user and group with which the program was started, even if the library was loaded late. */
    at_start.user = (uid_t)getauxval(AT_UID);
    at_start.effective_user = (uid_t)getauxval(AT_EUID);
    at_start.group = (gid_t)getauxval(AT_GID);
    at_start.effective_group = (gid_t)getauxval(AT_EGID);
    at_start.may_notify = is_first();
    atomic_store_explicit(&begun, BEGUN, memory_order_release);
}

void tm__begin_messages(void)
{
    atomic_store(&begun, BEGINNING);
    begin();
}

/* A constructor of another library may call this one before our own constructor has run. */
static bool has_begun(void)
{
    int expected = NOT_BEGUN;
    if (atomic_compare_exchange_strong(&begun, &expected, BEGINNING))
        begin();
    return atomic_load_explicit(&begun, memory_order_acquire) == BEGUN;
}

__attribute__((constructor(TM__OUTERMOST))) static void start(void)
{
    has_begun();
}

/* ---- whether to write ---- */

static bool is_stderr_of_start(void)
{
    struct stat now;
    return at_start.has_stderr && tm__sys_fstat(STDERR_FILENO, &now) == 0 && now.st_dev == at_start.file.st_dev &&
           now.st_ino == at_start.file.st_ino && now.st_rdev == at_start.file.st_rdev;
}

static bool is_as_started(void)
{
    return tm__sys_getpid() == at_start.pid && tm__sys_getuid() == at_start.user &&
           tm__sys_geteuid() == at_start.effective_user && tm__sys_getgid() == at_start.group &&
           tm__sys_getegid() == at_start.effective_group;
}

/*
 * No program that this one starts, or executes, is the first. This is stored in the environment once, and only while
 * there is one thread, so that no other can be reading the environment. The list is copied, so code that walks along
 * the old one still finds its end.
 */
static void silence_next_programs(void)
{
    static char assignment[] = VARIABLE "=0";
    if (!&__libc_single_threaded || !__libc_single_threaded || tm__getenv(VARIABLE))
        return;
    size_t count = 0;
    while (environ && environ[count])
        count++;
    char **longer =
        tm__sys_mmap(NULL, (count + 2) * sizeof *longer, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (tm__sys_failed(longer))
        return;
    for (size_t i = 0; i < count; i++)
        longer[i] = environ[i];
    longer[count] = assignment;
    environ = longer;
}

int tm__fd_for_notice(void)
{
    if (!has_begun() || !at_start.may_notify || !is_as_started() || !is_stderr_of_start())
        return -1;
    silence_next_programs();
    return STDERR_FILENO;
}

/* ---- writing ---- */

void tm__notice(const char *line)
{
    char buffer[TM__MESSAGE];
    struct tm__text text = TM__TEXT(buffer, tm__fd_for_notice());
    tm__put(&text, line);
    tm__flush(&text);
}

/* If two threads come here at once only the first message is kept: either one ends the program. */
static void keep(struct tm__text *text)
{
    static atomic_flag keeping = ATOMIC_FLAG_INIT;
    if (atomic_flag_test_and_set_explicit(&keeping, memory_order_acquire))
        return;
    size_t length = text->used < TM__MESSAGE ? text->used : TM__MESSAGE - 1;
    memcpy(tm__last_message, text->bytes, length);
    tm__last_message[length] = '\0';
    atomic_flag_clear_explicit(&keeping, memory_order_release);
}

void tm__print_fatal(struct tm__text *text)
{
    keep(text);
    text->fd = has_begun() && is_stderr_of_start() ? STDERR_FILENO : -1;
    tm__flush(text);
}
