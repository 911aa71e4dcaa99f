# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Checks of real programs, each a row of a table, and the audit of the totals of all their processes. To be sourced
# after common.sh. The logs are in $logs, which the caller makes and removes.

: "${root:?}" "${logs:?}"

table=
passed=0
failed=0
went_well=

# Runs COMMAND with its output in a log. Do not call it in a condition: errexit would have no effect there.
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
  local row seconds=$((SECONDS - start))
  row=$(printf '%-19s %-34s %6s %5d s  %s' "$program" "$what" "$result" "$seconds" "$(cross_allocator_calls "$log")")
  say "$row"
  table+=$row$'\n'
  $went_well || tail -n 25 "$log" | sed 's/^/    /'
}

print_table() {
  printf '\n%s' "$table"
  say "$passed passed, $failed failed, in $SECONDS s"
}

# Builds the library that, preloaded, checks the totals of a process as it exits.
build_balance() { # FILE
  gcc -O2 -Wall -Wextra -shared -fPIC -I "$root/include" "$root/tests/system/real/balance.c" -o "$1"
}

count_lines() { # PATTERN FILE...
  local pattern=$1
  shift
  cat -- "$@" 2>/dev/null | grep -c "$pattern" || true
}

# Checks that the totals of every process that wrote a report balance. A server may still be exiting when its suite has
# ended, so this waits for it.
audit() {
  local tries reports balances unbalanced
  for ((tries = 0; tries < 100; tries++)); do
    reports=$(count_lines '^threadmeter: ' "$TM_LOG".report*)
    balances=$(count_lines '' "$TM_LOG.balance")
    [[ $reports -ne $balances || $reports -eq 0 ]] || break
    sleep 0.1
  done
  unbalanced=$(count_lines UNBALANCED "$TM_LOG.balance")
  say "$reports reports, $balances balances, $unbalanced of them unbalanced"
  if [[ $unbalanced -gt 0 ]]; then
    grep UNBALANCED "$TM_LOG.balance"
  fi
  [[ $reports -gt 0 && $balances -eq $reports && $unbalanced -eq 0 ]]
}

# The sums, over all reports of a check, of calls that reached the wrong one of threadmeter and the process's malloc.
cross_allocator_calls() { # LOG
  compgen -G "$1.report*" >/dev/null || return 0
  cat -- "$1".report* | awk '
    /^threadmeter: / { processes++ }
    / foreign frees, / { foreign += $1 + $4; intercepted += $7 + $10 }
    END { printf "%d processes, %d foreign, %d intercepted", processes, foreign, intercepted }'
}
