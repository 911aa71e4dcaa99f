# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Debian's memcached, built redirected, and under load; to be sourced after common.sh.

: "${root:?}"

# Packages that are needed in addition to build_packages.
# shellcheck disable=SC2034
memcached_packages=(libevent-dev python3)

# Builds the sources in DIR with this compiler.
build_memcached() { # DIR COMPILER LOG
  (
    cd "$1"
    [[ -f Makefile ]] || ./configure CFLAGS="-O2 -g" --disable-docs
    make -j2 memcached CC="$2" CFLAGS="-O2 -g -pthread $(pkg-config --cflags threadmeter-redirect)" \
      LIBS="$(pkg-config --libs threadmeter-redirect) -levent"
  ) >"$3" 2>&1 || {
    tail -n 20 "$3" >&2
    die "memcached does not build"
  }
}

# Runs the server under load, on a socket in a directory of its own, and stops it; its report goes to REPORT.
serve_load() { # DIR REPORT SECONDS POLLS
  local place server user=() status=0
  place=$(mktemp -d)
  [[ $EUID -ne 0 ]] || user=(-u root)
  rm -f "$2"
  THREADMETER_REPORT=$2 "$1/memcached" "${user[@]}" -s "$place/socket" -t 4 -m 64 2>"$place/errors" &
  server=$!
  # shellcheck disable=SC2064
  trap "kill $server 2>/dev/null" EXIT
  "$root/scripts/lib/memcached-load" "$place/socket" "$3" "$4" || status=$?
  kill -INT "$server"
  wait "$server" || true
  trap - EXIT
  [[ $status -eq 0 ]] || cat "$place/errors" >&2
  rm -rf "$place"
  [[ $status -eq 0 ]] || die "the clients failed"
}
