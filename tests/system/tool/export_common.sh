# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: BSD-3-Clause
# For the tests of threadmeter export: TAP, and processes that are ended at exit. To be sourced with TOOL and EXPORTED
# set.

work=$(mktemp -d /dev/shm/threadmeter-export.XXXXXX) # a tmpfs, where locks tell who lives
pids=()
cleanup() {
  local pid
  for pid in "${pids[@]}"; do
    kill -9 "$pid" 2>/dev/null
  done
  wait 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

count=0
# result STATUS NAME: prints a line of TAP; of a failure also $work/log.
result() {
  count=$((count + 1))
  if [[ $1 -eq 0 ]]; then
    echo "ok $count - $2"
  else
    echo "not ok $count - $2"
    [[ ! -s $work/log ]] || sed 's/^/# /' "$work/log"
  fi
  : >"$work/log"
}

# same NAME GOT WANTED
same() {
  [[ $2 == "$3" ]]
  local status=$?
  [[ $status -eq 0 ]] || echo "got '$2', not '$3'" >>"$work/log"
  result $status "$1"
}

# until_true COMMAND...: waits until the command succeeds; fails after a minute.
until_true() {
  local i
  for ((i = 0; i < 1200; i++)); do
    "$@" && return 0
    sleep 0.05
  done
  echo "in vain: $*" >>"$work/log"
  return 1
}

bail_out() {
  echo "Bail out! $*"
  exit 1
}

# Starts the program that publishes, which reads its commands from $to_program. hear: reads its next line of totals into
# these variables.
live='' blocks='' allocated='' freed='' by_others='' to_program=''
hear() {
  local line
  read -r -t 60 line <&"$from_program" || bail_out "the program says nothing"
  eval "$line"
}

start_program() {
  mkdir -m 700 "$work/published"
  mkfifo "$work/to" "$work/from"
  THREADMETER_PUBLISH=$work/published "$EXPORTED" <"$work/to" >"$work/from" &
  program=$!
  pids+=("$program")
  exec {to_program}>"$work/to" {from_program}<"$work/from"
  hear
}

# listen OPTION...: starts the exporter, over HTTP; its address is in $url.
url=''
listen() {
  rm -f "$work/exporter"
  "$TOOL" export --listen 127.0.0.1:0 "$@" >"$work/exporter" 2>"$work/exporter.err" &
  exporter=$!
  pids+=("$exporter")
  until_true grep -qs '^listening at ' "$work/exporter" ||
    bail_out "the exporter does not start: $(cat "$work/exporter.err")"
  url=$(sed -n 's/^listening at //p' "$work/exporter")
}

# ends NAME PID: waits for the process, which has been told to end; its exit status must be 0.
ends() {
  wait "$2"
  same "$1" $? 0
}

# sum METRIC [PART-OF-LABELS] <TEXT: of all its series, to the unit.
sum() {
  awk -v metric="$1" -v part="${2-}" '
    index($0, metric "{") == 1 && index($0, part) { sum += $NF } END { printf "%.0f\n", sum }'
}
