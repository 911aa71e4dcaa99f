# SPDX-License-Identifier: BSD-3-Clause
# Completion for fish. Commands and options, with what they do, come from --help; the processes from `threadmeter list`.

function __threadmeter_words
    commandline -opc
end

function __threadmeter_commands
    set -l words (__threadmeter_words)
    command $words[1] --help 2>/dev/null | string replace -rf '^  ([a-z]+) +(.*)' '$1\t$2'
end

function __threadmeter_options
    set -l words (__threadmeter_words)
    command $words[1] $words[2] --help 2>/dev/null |
        string replace -rf '^  (?:-., |    )(--[a-z][a-z-]*)[^ ]* *(.*)' '$1\t$2'
end

function __threadmeter_processes
    set -l words (__threadmeter_words)
    command $words[1] list --json 2>/dev/null | string replace -rf '^ *"pid": ([0-9]+),.*' '$1'
end

function __threadmeter_is_in
    set -l words (__threadmeter_words)
    set -q words[2]; and contains -- $words[2] $argv
end

function __threadmeter_has_no_command
    test (count (__threadmeter_words)) -eq 1
end

# What comes after -- is the program's.
function __threadmeter_begins_option
    string match -q -- '-*' (commandline -ct); and not contains -- -- (__threadmeter_words)
end

complete -c threadmeter -f
complete -c threadmeter -n __threadmeter_has_no_command -a '(__threadmeter_commands)'
complete -c threadmeter -n __threadmeter_begins_option -a '(__threadmeter_options)'
complete -c threadmeter -n '__threadmeter_is_in dump top record export' -a '(__threadmeter_processes)'
complete -c threadmeter -n '__threadmeter_is_in dump top report list export' -F
complete -c threadmeter -n '__threadmeter_is_in run record; and not __threadmeter_begins_option' \
    -a '(__fish_complete_subcommand --fcs-skip=2)'
