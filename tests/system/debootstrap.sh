#!/usr/bin/env bash
# From nothing to green: a fresh Debian 12 with git only, a clone of this repository in it, and there `./dev demo --once` and `./dev test`.
#
# usage: debootstrap.sh [--keep] ["VERB ARGUMENTS"…]     default: "demo --once" "test"
#
# Needs root and debootstrap. Uses the Debian mirror that this machine's apt is configured for. The clone holds what is committed. Logs stay in
# build/debootstrap; the new root is removed unless --keep. All mounts live in a mount namespace of their own and go when this script goes, however
# it ends; so does every process started inside.
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
logs=$here/build/debootstrap
suite=bookworm

if [ "${1:-}" != --inside ]; then
    [ "$(id -u)" = 0 ] || { echo "debootstrap.sh: needs root" >&2; exit 69; }
    command -v debootstrap >/dev/null || { echo "debootstrap.sh: debootstrap is not installed" >&2; exit 69; }
    keep=no
    [ "${1:-}" != --keep ] || { keep=yes; shift; }
    mkdir -p "$logs"
    root=$(mktemp -d "${TMPDIR:-/var/tmp}/marrowlink-root-XXXXXX")
    chmod 755 "$root"  # it becomes "/"
    status=0
    unshare --mount --pid --fork --kill-child -- "$0" --inside "$root" "$@" || status=$?
    if [ $keep = yes ]; then echo "kept: $root"; else rm -rf --one-file-system "$root"; fi
    exit $status
fi
root=$2
shift 2
[ $# -gt 0 ] || set -- "demo --once" "test"
mount --make-rprivate /

sources() {  # URI SUITE of every Debian source of this machine's apt
    apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
        awk -v suite=$suite '$3 == "main" && ($2 == suite || $2 == suite "-updates" || $2 == suite "-security") {print $1, $2}' | sort -u
}

step() {  # NAME COMMAND…: runs it with its own log, tells how it went and how long it took
    local name=$1 began=$SECONDS status=0
    shift
    "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$?
    printf '%-12s exit %d after %d s, log in %s\n' "$name" $status $((SECONDS - began)) "$logs/$name.log"
    [ $status = 0 ] || tail -n 40 "$logs/$name.log"
    return $status
}

[ -n "$(sources)" ] || apt-get update -q >"$logs/apt-update.log" 2>&1
mirror=$(sources | awk -v suite=$suite '$2 == suite {print $1; exit}')
[ -n "$mirror" ] || { echo "debootstrap.sh: apt of this machine has no source for $suite main" >&2; exit 69; }
mkdir -p "$logs/packages"
step debootstrap debootstrap --variant=minbase --include=git,ca-certificates --cache-dir="$logs/packages" "$suite" "$root" "$mirror"

# The new machine reaches the network as this one does.
sources | sed 's/.*/deb & main/' >"$root/etc/apt/sources.list"
{ grep -lsr '^Acquire::.*[Pp]roxy' /etc/apt/apt.conf.d || true; } | xargs -r cp -t "$root/etc/apt/apt.conf.d"
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
if compgen -G '/usr/local/share/ca-certificates/*.crt' >/dev/null; then
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/"
    chroot "$root" update-ca-certificates >"$logs/certificates.log" 2>&1
fi
environment=(HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 CI="${CI:-}" http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}"
    NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)

mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t sysfs -o ro sysfs "$root/sys"
git clone -q --no-hardlinks "$here" "$root/root/marrowlink"
samples=${MARROWLINK_SHARED:-$here/../shared}
if [ -d "$samples" ]; then
    mkdir "$root/root/shared"
    mount --bind -o ro "$samples" "$root/root/shared"
fi

failed=0
for line in "$@"; do
    read -ra words <<<"$line"
    step "${words[0]}" chroot "$root" env -i "${environment[@]}" /root/marrowlink/dev "${words[@]}" || failed=1
done
exit $failed
