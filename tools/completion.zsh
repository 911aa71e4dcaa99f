#compdef threadmeter
# SPDX-License-Identifier: BSD-3-Clause
# Completion for zsh. Commands and options, with what they do, come from --help; the processes from `threadmeter list`.

local tool=${(Q)words[1]}

_threadmeter_commands() {
  local -a commands
  commands=(${(f)"$(command $tool --help 2>/dev/null | sed -nE 's/^  ([a-z]+) +(.*)/\1:\2/p')"})
  _describe -t commands command commands
}

_threadmeter_options() {
  local -a options
  options=(${(f)"$(command $tool ${words[2]:#-*} --help 2>/dev/null |
    sed -nE 's/^  (-., |    )(--[a-z][a-z-]*)[^ ]* *(.*)/\2:\3/p')"})
  _describe -o -t options option options
}

_threadmeter_processes() {
  local -a processes
  processes=(${(f)"$(command $tool list --json 2>/dev/null | sed -nE 's/^ *"pid": ([0-9]+),.*/\1/p')"})
  (( $#processes )) && _describe -t processes process processes
}

if (( CURRENT == 2 )); then
  if [[ $PREFIX == -* ]]; then
    _threadmeter_options
  else
    _threadmeter_commands
  fi
  return
fi
# What comes after --, or after a word that is no option, is the program's.
case $words[2] in
run | record)
  local -i program=${words[(I)--]}
  if (( program > 0 && program < CURRENT )); then
    shift $program words
    (( CURRENT -= program ))
    _normal
    return
  fi
  ;;
esac
if [[ $PREFIX == -* ]]; then
  _threadmeter_options
  return
fi
case $words[2] in
run) _command_names -e ;;
record) _threadmeter_processes ;;
list) _directories ;;
report) _files ;;
dump | top | export) _alternative 'processes:process:_threadmeter_processes' 'files:file:_files' ;;
esac
