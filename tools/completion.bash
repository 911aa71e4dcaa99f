# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Completion for bash. Options are those that --help tells, processes those that `threadmeter list` does.

_threadmeter_words() {
  local word
  while read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen -W "$1" -- "$2")
}

_threadmeter_files() {
  local word
  compopt -o filenames
  while read -r word; do
    COMPREPLY+=("$word")
  done < <(compgen "$1" -- "$2")
}

_threadmeter_pids() {
  "${COMP_WORDS[0]}" list 2>/dev/null | awk '$3 == "live" { print $1 }'
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
  # Behind --, or the first word that is no option, run and record have a program's own words.
  for ((i = 2; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} == -- && ($command == run || $command == record) ]]; then
      COMP_WORDS=("${COMP_WORDS[@]:i+1}") COMP_CWORD=$((COMP_CWORD - i - 1))
      if [[ $COMP_CWORD -eq 0 ]]; then
        _threadmeter_files -c "$word"
      elif declare -F _command_offset >/dev/null; then
        _command_offset 0
      else
        _threadmeter_files -f "$word"
      fi
      return
    fi
  done
  case $before in
  --sort | -s) [[ $command == top ]] && _threadmeter_words 'live peak blocks rate others name' "$word" && return ;;
  --on-error) _threadmeter_words 'abort report' "$word" && return ;;
  --publish | --dir) _threadmeter_files -d "$word" && return ;;
  --output | -o | --html | --textfile | --report | -r) _threadmeter_files -f "$word" && return ;;
  esac
  if [[ $word == -* ]]; then
    _threadmeter_words "$(_threadmeter_options "$command")" "$word"
    return
  fi
  case $command in
  run) _threadmeter_files -c "$word" ;;
  list) _threadmeter_files -d "$word" ;;
  report) _threadmeter_files -f "$word" ;;
  *)
    _threadmeter_words "$(_threadmeter_pids)" "$word"
    _threadmeter_files -f "$word"
    ;;
  esac
}

complete -F _threadmeter threadmeter
