# shellcheck shell=bash
# SPDX-License-Identifier: BSD-3-Clause
# Functions that the scripts share; to be sourced.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

say() {
  printf '%s\n' "$*"
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Packages for building threadmeter, and for unpacking and building Debian's sources.
# shellcheck disable=SC2034
build_packages=(gcc g++ libc6-dev make meson ninja-build pkgconf libgoogle-perftools-dev dpkg-dev binutils)

# Further packages for building the threadmeter tool.
# shellcheck disable=SC2034
tool_packages=(zlib1g-dev libncurses-dev libmicrohttpd-dev)

# Installs the packages that are missing.
need_packages() {
  local package missing=() as_root=(env)
  command -v dpkg-query >/dev/null || die "this is not Debian: install what Debian calls $*"
  for package; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  [[ ${#missing[@]} -gt 0 ]] || return 0

  if [[ $EUID -ne 0 ]]; then
    command -v sudo >/dev/null || die "as root, please: apt-get install ${missing[*]}"
    as_root=(sudo env)
  fi
  as_root+=(DEBIAN_FRONTEND=noninteractive apt-get)
  say "installing ${missing[*]}"
  "${as_root[@]}" -qq update || die "apt-get update failed"
  "${as_root[@]}" -qq install -y --no-install-recommends "${missing[@]}" >/dev/null ||
    die "cannot install ${missing[*]}"
}

# Builds threadmeter, installs it into DIR/prefix, and sets variables so that pkg-config and programs find it there.
install_threadmeter() { # DIR [MESON-OPTION]...
  local directory=$1
  shift
  rm -rf "${directory:?}"/{build,prefix}
  mkdir -p "$directory"
  {
    meson setup "$directory/build" "$root" --prefix="$directory/prefix" --libdir=lib -Dtests=disabled -Dbench=false "$@" &&
      meson compile -C "$directory/build" &&
      meson install -C "$directory/build" --quiet
  } >"$directory/build.log" 2>&1 || {
    cat "$directory/build.log" >&2
    die "threadmeter does not build"
  }
  export PKG_CONFIG_PATH=$directory/prefix/lib/pkgconfig${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
  export LD_LIBRARY_PATH=$directory/prefix/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}
