/* SPDX-License-Identifier: BSD-3-Clause */
/* Prepares the terminal, restores it however the program ends, and runs the loop in between. */
#include "top/top_screen.h"
#include "common/clock.h"
#include "common/messages.h"
#include "top/top_columns.h"
#include "top/top_keys.h"
#include "top/top_processes.h"
#include "top/top_view.h"
#include "top/top_watch.h"

#include <curses.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <term.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stopped_by; /* the signal's number */ /* the signal's number */
static SCREEN *terminal;

static void stop(int signal_number)
{
    stopped_by = signal_number;
}

/*
 * Messages on stderr would be written over the screen, so stderr is a file in memory while the screen is there. The
 * first message of each reading is shown in the status line; what is in the file at the end goes to stderr then.
 */
static struct {
    int file, old_stderr;
} messages = {-1, -1};

static void redirect_messages(void)
{
    messages.file = memfd_create("threadmeter top", MFD_CLOEXEC);
    messages.old_stderr = dup(STDERR_FILENO);
    if (messages.file >= 0 && messages.old_stderr >= 0)
        dup2(messages.file, STDERR_FILENO);
}

static void move_message(char *text, size_t size)
{
    static const char prefix[] = "threadmeter top: ";
    ssize_t length = messages.file >= 0 ? pread(messages.file, text, size - 1, 0) : 0;
    text[length > 0 ? length : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (strncmp(text, prefix, sizeof prefix - 1) == 0)
        memmove(text, text + sizeof prefix - 1, strlen(text + sizeof prefix - 1) + 1);
    if (length > 0 && ftruncate(messages.file, 0) == 0)
        lseek(messages.file, 0, SEEK_SET);
}

static void restore_stderr(void)
{
    char text[4096];
    ssize_t length = messages.file >= 0 ? pread(messages.file, text, sizeof text, 0) : 0;
    if (messages.old_stderr >= 0) {
        dup2(messages.old_stderr, STDERR_FILENO);
        close(messages.old_stderr);
    }
    if (messages.file >= 0)
        close(messages.file);
    if (length > 0)
        fwrite(text, 1, (size_t)length, stderr);
    messages.file = messages.old_stderr = -1;
}

/* Also called at exit, since a function that runs out of memory calls exit(). */
static void restore_terminal(void)
{
    if (terminal) {
        /* If the terminal has no second screen to switch back to, what follows would be written into the last line. */
        if (!isendwin() && !exit_ca_mode) {
            move(LINES - 1, 0);
            clrtoeol();
            refresh();
        }
        endwin();
        delscreen(terminal);
        terminal = NULL;
    }
    restore_stderr();
}

static void define_colours(bool colours)
{
    static const short foregrounds[] = {COLOR_GREEN, COLOR_YELLOW, COLOR_RED,
                                        COLOR_CYAN}; /* as top_view.c names them */
    if (!colours || !has_colors() || start_color() != OK)
        return;
    short background = use_default_colors() == OK ? -1 : COLOR_BLACK;
    for (short i = 0; i < 4; i++)
        init_pair((short)(i + 1), foregrounds[i], background);
}

static bool prepare_terminal(bool colours)
{
    const char *type = getenv("TERM");
    int error = 0;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
        tool_fail("this is no terminal; 'threadmeter top --once' prints the table once");
        return false;
    }
    if (!type || !*type) {
        tool_fail("TERM is not set; 'threadmeter top --once' prints the table once");
        return false;
    }
    bool usable = setupterm(NULL, STDOUT_FILENO, &error) == OK && cursor_address;
    if (cur_term)
        del_curterm(cur_term); /* newterm() allocates another one */
    if (usable)
        terminal = newterm(NULL, stdout, stdin);
    if (!terminal) {
        tool_fail("cannot draw on a terminal of type '%s'; 'threadmeter top --once' prints the table once", type);
        return false;
    }
    redirect_messages();
    atexit(restore_terminal);
    cbreak();
    noecho();
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    set_escdelay(100);
    curs_set(0);
    define_colours(colours);
    return true;
}

static void read_again(struct top *top)
{
    top->error[0] = '\0';
    if (top->view == TOP_PROCESSES) {
        tool_top_read_processes(&top->processes, tool_clock());
        move_message(top->error, sizeof top->error);
    } else {
        tool_top_read(&top->watch, tool_clock(), top->error);
    }
}

/* Asks for the size each time, since SIGWINCH does not come while the program is stopped, and may be lost. */
static void follow_size(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0 &&
        is_term_resized(size.ws_row, size.ws_col)) {
        resizeterm(size.ws_row, size.ws_col);
        clearok(stdscr, TRUE);
    }
}

/* Waits for a key, a signal, or so many ns. False: the terminal has been closed. */
static bool wait_for_key(uint64_t ns, bool forever, const sigset_t *mask)
{
    struct pollfd keys = {.fd = STDIN_FILENO, .events = POLLIN};
    struct timespec timeout = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    if (ppoll(&keys, 1, forever ? NULL : &timeout, mask) < 0)
        return errno == EINTR;
    return (keys.revents & (POLLHUP | POLLERR | POLLNVAL)) == 0;
}

static void loop(struct top *top, const sigset_t *mask)
{
    uint64_t read_at = 0;
    bool connected = true;
    while (connected && !top->quit && !stopped_by) {
        uint64_t now = tool_clock();
        if (top->due || (!top->paused && now >= read_at + top->interval_ns)) {
            read_at = now;
            top->due = false;
            read_again(top);
        }
        follow_size();
        tool_top_draw(top);
        now = tool_clock();
        uint64_t next = read_at + top->interval_ns;
        connected = wait_for_key(next > now ? next - now : 0, top->paused, mask);
        for (int key; connected && !top->quit && (key = getch()) != ERR;)
            if (key != KEY_RESIZE)
                tool_top_press(top, key);
    }
}

int tool_top_run(struct top *top, bool colours)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    struct sigaction action = {.sa_handler = stop};
    sigset_t blocked, old_mask;
    /*
     * They are unblocked only in ppoll(), so none comes between a check and the wait. curses has handlers of its own
     * for SIGWINCH and SIGTSTP.
     */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGWINCH);
    sigaddset(&blocked, SIGTSTP); /* the handler of curses draws, which it must not do while we draw */
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaddset(&blocked, signals[i]);
    if (!prepare_terminal(colours))
        return TOOL_FAILED;
    sigprocmask(SIG_BLOCK, &blocked, &old_mask);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        sigaction(signals[i], &action, NULL);
    loop(top, &old_mask);
    restore_terminal();
    sigprocmask(SIG_SETMASK, &old_mask, NULL);
    /* Ctrl-C is a usual way to quit, so it is a success. After any other signal the caller shall see that signal. */
    if (stopped_by && stopped_by != SIGINT) {
        signal(stopped_by, SIG_DFL);
        raise(stopped_by);
    }
    return TOOL_OK;
}
