# Programs of another Debian suite in a folder of their own, each with its own libc, nothing installed on the host.
# To be sourced by bash scripts that run as root on Debian; uses the machine's Debian mirror only.

# need COMMAND:PACKAGE...: installs the packages of the commands that are missing.
need() {
  local needed=() pair
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || needed+=("${pair##*:}")
  done
  if ((${#needed[@]})); then install_packages "${needed[@]}"; fi
}

install_packages() {
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=600 update
  apt-get -qq -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 install -y --no-install-recommends "$@" >/dev/null
}

mirror() {
  sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -1 | grep . ||
    sed -n 's/^deb  *\(\[[^]]*\] *\)\?\([^ ]*\).*/\2/p' /etc/apt/sources.list | head -1
}

# unpack FOLDER SUITE PACKAGE...: the suite's packages, with all that they need, under FOLDER/sysroot. A mirror may be
# behind: what it has must be signed, not young.
unpack() {
  local folder=$1 suite=$2 package
  shift 2
  rm -rf "$folder"
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/cache/archives/partial" "$folder/sysroot"
  : >"$folder/apt/status" # as if nothing were installed: the whole closure is fetched, libc too
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $suite main" >"$folder/apt/sources.list"
  cat >"$folder/apt/apt.conf" <<C
Dir::State "$folder/apt"; Dir::State::lists "$folder/apt/lists"; Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt/cache"; Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
Acquire::Check-Valid-Until "false"; Acquire::Languages "none"; Acquire::Retries "3"; APT::Sandbox::User "root";
C
  apt-get -c "$folder/apt/apt.conf" -qq update
  apt-get -c "$folder/apt/apt.conf" -qq install -y -d --no-install-recommends "$@"
  for package in "$folder"/apt/cache/archives/*.deb; do dpkg-deb -x "$package" "$folder/sysroot"; done
  rm -rf "$folder/apt"
}

# adopt FOLDER PROGRAM...: each program under FOLDER/sysroot runs with the libraries there.
adopt() {
  local folder=$1 program loader
  shift
  # Of the suite's own libc; before usr-merge it lay in /lib.
  loader=$(find "$folder/sysroot" -name 'ld-linux*.so*' -path '*-linux-gnu*' ! -path '*/sysroot/lib64/*' -print -quit)
  local triplet=${loader%/*}
  triplet=${triplet##*/}
  for program in "$@"; do
    # --force-rpath: DT_RPATH also serves the libraries' own dependencies.
    patchelf --set-interpreter "$(readlink -f "$loader")" --force-rpath \
      --set-rpath "$folder/sysroot/usr/lib/$triplet:$folder/sysroot/lib/$triplet" "$folder/sysroot/$program"
  done
}
