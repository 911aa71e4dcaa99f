# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Checks of real programs, each a row of a table, and the audit of the books of all their processes; to be sourced behind
# common.sh. The logs are in $logs, for which the caller cares.

: "${root:?}" "${logs:?}"

table=
passed=0
failed=0
went_well=

# Runs COMMAND with its output in a log. Not from within a condition, where errexit would not hold.
check() { # PROGRAM WHAT COMMAND...
  local program=$1 what=$2 log=$logs/$1-${2//[^[:alnum:]]/-}.log start=$SECONDS status
  shift 2
  set +e
  (set -e; TM_LOG=$log "$@") >"$log" 2>&1
  status=$?
  set -e
  local result=passed
  if [[ $status -eq 0 ]]; then
    went_well=true
    passed=$((passed + 1))
  else
    went_well=false
    result=FAILED
    failed=$((failed + 1))
  fi
  local row
  row=$(printf '%-19s %-34s %6s %5d s  %s' "$program" "$what" "$result" $((SECONDS - start)) "$(crossings "$log")")
  say "$row"
  table+=$row$'\n'
  $went_well || tail -n 25 "$log" | sed 's/^/    /'
}

print_table() {
  printf '\n%s' "$table"
  say "$passed passed, $failed failed, in $SECONDS s"
}

# What, preloaded, closes the books of a process: see there.
build_books() { # FILE
  gcc -O2 -Wall -Wextra -shared -fPIC -I "$root/include" "$root/tests/system/real/books.c" -o "$1"
}

count_lines() { # PATTERN FILE...
  local pattern=$1
  shift
  cat -- "$@" 2>/dev/null | grep -c "$pattern" || true
}

# Every process that reported has balanced books. A server may still be on its way out when its suite has ended.
audit() {
  local tries reports books unbalanced
  for ((tries = 0; tries < 100; tries++)); do
    reports=$(count_lines '^threadmeter: ' "$TM_LOG".report*)
    books=$(count_lines '' "$TM_LOG.books")
    [[ $reports -ne $books || $reports -eq 0 ]] || break
    sleep 0.1
  done
  unbalanced=$(count_lines UNBALANCED "$TM_LOG.books")
  say "$reports reports, $books books, $unbalanced of them unbalanced"
  if [[ $unbalanced -gt 0 ]]; then
    grep UNBALANCED "$TM_LOG.books"
  fi
  [[ $reports -gt 0 && $books -eq $reports && $unbalanced -eq 0 ]]
}

# What all reports of a check together say of memory that crossed between threadmeter and the process's malloc.
crossings() { # LOG
  compgen -G "$1.report*" >/dev/null || return 0
  cat -- "$1".report* | awk '
    /^threadmeter: / { processes++ }
    / foreign frees, / { foreign += $1 + $4; caught += $7 + $10 }
    END { printf "%d processes, %d foreign, %d caught", processes, foreign, caught }'
}
