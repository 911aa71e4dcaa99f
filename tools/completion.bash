# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion for bash. The options come from --help, the processes from `threadmeter list`.
#
# Names of files, which may have newlines and whatever a shell takes for its own in them, are left to readline where that
# can be: it quotes them. What is a word here is taken as it is, and never expanded, as `compgen -W` would do.

_threadmeter_words() { # WORDS PREFIX
  local words word
  read -rd '' -a words <<<"$1"
  for word in "${words[@]}"; do
    [[ $word != "$2"* ]] || COMPREPLY+=("$word")
  done
  [[ ${#COMPREPLY[@]} -gt 0 ]]
}

_threadmeter_files() { # default or dirnames: what readline offers where there are no words
  compopt -o "$1"
}

# Programs of $PATH, quoted, as readline leaves $ and ` as they are in what it does not know as files; or files. A name
# with a newline is two lines of compgen's, and so not among them.
_threadmeter_programs() {
  local word quoted
  compopt -o default
  [[ $1 != *[/\\\'\"\$\`]* ]] || return 0
  while IFS= read -r word; do
    if [[ $word == "$1"* ]] && type -P -- "$word" >/dev/null; then
      printf -v quoted '%q' "$word"
      COMPREPLY+=("$quoted")
    fi
  done < <(compgen -c -- "$1")
}

# A program's name may have blanks in it, and the word live.
_threadmeter_pids() {
  "${COMP_WORDS[0]}" list 2>/dev/null | sed -nE 's/^ *([0-9]+)  .{1,60} live +[0-9]+ +[0-9.]+ [KMGTPE]?i?B  [^ ].*/\1/p'
}

_threadmeter_options() {
  "${COMP_WORDS[0]}" ${1:+"$1"} --help 2>/dev/null | grep -oE -- '(^| )--[a-z][a-z-]*'
}

_threadmeter() {
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]-} i
  COMPREPLY=()
  if [[ $COMP_CWORD -eq 1 ]]; then
    if [[ $word == -* ]]; then
      _threadmeter_words '--help --version' "$word"
    else
      _threadmeter_words "$("${COMP_WORDS[0]}" --help 2>/dev/null | sed -n 's/^  \([a-z]*\) .*/\1/p')" "$word"
    fi
    return
  fi
  # After --, the words of run and record are the program's.
  for ((i = 2; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} == -- && ($command == run || $command == record) ]]; then
      COMP_WORDS=("${COMP_WORDS[@]:i+1}") COMP_CWORD=$((COMP_CWORD - i - 1))
      if [[ $COMP_CWORD -eq 0 ]]; then
        _threadmeter_programs "$word"
      elif declare -F _command_offset >/dev/null; then
        _command_offset 0
      else
        _threadmeter_files default
      fi
      return
    fi
  done
  # --option=word is three words to bash.
  if [[ $word == = ]]; then
    word=''
  elif [[ $before == = ]]; then
    before=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case $before in
  --sort | -s) [[ $command == top ]] && _threadmeter_words 'live peak blocks rate others name' "$word" && return ;;
  --on-error) _threadmeter_words 'abort report' "$word" && return ;;
  --publish | --dir) _threadmeter_files dirnames && return ;;
  --output | -o | --html | --textfile | --report | -r) _threadmeter_files default && return ;;
  esac
  if [[ $word == -* ]]; then
    _threadmeter_words "$(_threadmeter_options "$command")" "$word"
    return
  fi
  case $command in
  run) _threadmeter_programs "$word" ;;
  list) _threadmeter_files dirnames ;;
  report) _threadmeter_files default ;;
  *)
    _threadmeter_files default
    _threadmeter_words "$(_threadmeter_pids)" "$word"
    ;;
  esac
}

complete -F _threadmeter threadmeter
