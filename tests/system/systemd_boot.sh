#!/usr/bin/env bash
# systemd_test.sh on a machine where systemd is not process 1: boots a fresh Debian 12 in a container and runs it there.
#
# usage: systemd_boot.sh BUILD_DIR       a release build in this repository
#
# Needs root, debootstrap and systemd-nspawn (package systemd-container).
set -euo pipefail
here=$(cd "$(dirname "$(readlink -f "$0")")/../.." && pwd)
build=$(readlink -f "$1")
suite=bookworm
for program in debootstrap systemd-nspawn; do
    command -v $program >/dev/null || { echo "systemd_boot.sh: $program is not installed" >&2; exit 69; }
done
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' | awk -v suite=$suite '$2 == suite && $3 == "main" {print $1; exit}')
[ -n "$mirror" ] || { echo "systemd_boot.sh: apt of this machine has no source for $suite main; apt-get update?" >&2; exit 69; }

logs=$here/build/debootstrap
mkdir -p "$logs/packages"
root=$(mktemp -d "${TMPDIR:-/var/tmp}/marrowlink-boot-XXXXXX")
chmod 755 "$root"  # it becomes "/"
trap 'rm -rf --one-file-system "$root"' EXIT
debootstrap --variant=minbase --include=systemd,systemd-sysv,cmake,libfmt9,libmodbus5,libmosquitto1,libsqlite3-0,libssl3 --cache-dir="$logs/packages" \
    $suite "$root" "$mirror" >"$logs/boot.log" 2>&1 || { tail "$logs/boot.log"; exit 69; }

cat >"$root/etc/systemd/system/unit-test.service" <<UNIT
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c '"$here/tests/system/systemd_test.sh" "$build" >/result 2>&1; echo \$? >/status; systemctl poweroff --no-block'
[Install]
WantedBy=multi-user.target
UNIT
ln -s /lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../unit-test.service "$root/etc/systemd/system/multi-user.target.wants/"
timeout 300 systemd-nspawn -q -D "$root" --register=no --keep-unit --bind="$here" --boot --console=pipe </dev/null >>"$logs/boot.log" 2>&1 || true
cat "$root/result" 2>/dev/null || { echo "the container did not come to the test; log in $logs/boot.log"; exit 70; }
exit "$(cat "$root/status")"
