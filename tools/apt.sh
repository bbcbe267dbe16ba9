# Sourced by the scripts beside it: `install_packages NAME…`, for a machine with apt (Debian, Ubuntu).

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: as we are, or by sudo, which asks for a password only where somebody can type one.
as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif [ -t 0 ]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

apt_get() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Installs packages; where the package lists are missing or old, it brings them up to date and tries once more.
install_packages() {
  have apt-get || return 1
  [ "$(id -u)" -eq 0 ] || have sudo || return 1
  echo "installing: $*" >&2
  apt_get install --no-install-recommends "$@" >/dev/null 2>&1 ||
    { apt_get update && apt_get install --no-install-recommends "$@" >/dev/null; }
}
