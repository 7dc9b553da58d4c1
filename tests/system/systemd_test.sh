#!/usr/bin/env bash
# The units: valid, hardened and, where systemd is process 1, started: ready, reloaded with a good and a bad configuration, a wrong one not retried.
#
# usage: systemd_test.sh BUILD_DIR       a release build; its programs and units are installed below a scratch folder
# Exits 0 when all was tested, 77 when systemd does not run here (what could be tested was), 1 when something is wrong.
set -euo pipefail
build=$(readlink -f "$1")
scratch=$(mktemp -d /run/marrowlink-unit-test-XXXXXX)
units=()
cleanup() {
    for unit in "${units[@]}"; do
        systemctl stop "$unit" 2>/dev/null || true
        systemctl clean --what=state,runtime "$unit" 2>/dev/null || true
        rm -f "/run/systemd/system/$unit"
    done
    [ ${#units[@]} = 0 ] || { systemctl daemon-reload; systemctl reset-failed "${units[@]}" 2>/dev/null || true; }
    rm -rf "$scratch"
}
trap cleanup EXIT
wrong() { echo "systemd_test: $*" >&2; exit 1; }

DESTDIR=$scratch cmake --install "$build" --prefix /usr >/dev/null
chmod 755 "$scratch"
for name in gateway central; do
    cmp -s "$scratch/usr/share/doc/marrowlink/$name.toml" "$scratch/etc/marrowlink/$name.toml" || wrong "the default $name.toml was not installed"
    echo '# mine' >"$scratch/etc/marrowlink/$name.toml"
done
DESTDIR=$scratch cmake --install "$build" --prefix /usr >/dev/null
for name in gateway central; do
    [ "$(cat "$scratch/etc/marrowlink/$name.toml")" = '# mine' ] || wrong "installing again overwrote the configuration $name.toml"
    cp "$scratch/usr/share/doc/marrowlink/$name.toml" "$scratch/etc/marrowlink/$name.toml"
done

command -v systemd-analyze >/dev/null || { echo "systemd is not installed here: the units were installed, not checked"; exit 77; }
mkdir "$scratch/units"
for name in gateway central; do
    installed=$scratch/usr/lib/systemd/system/marrowlink-$name.service
    unit=$scratch/units/marrowlink-$name-test.service
    # Everything as installed but the places: programs and configuration from the scratch folder, directories of the test's own.
    sed -e "s#/usr/bin/marrowlink#$scratch/usr/bin/marrowlink#g; s#/etc/marrowlink/#$scratch/etc/marrowlink/#g" \
        -e "s#^\(State\|Runtime\)Directory=.*#\1Directory=marrowlink-unit-test-$name#" -e 's#^\(User\|Group\)=.*#\1=daemon#' \
        "$installed" >"$unit"
    systemd-analyze verify "$unit" || wrong "marrowlink-$name.service is not valid"
    # 0 is best, 10 is worst.
    systemd-analyze security --offline=yes --threshold=20 --no-pager "$installed" >"$scratch/security" ||
        { grep ✗ "$scratch/security"; wrong "marrowlink-$name.service is exposed more than 2.0"; }
    tail -n 1 "$scratch/security"
done
systemd-sysusers --dry-run "$scratch/usr/lib/sysusers.d/marrowlink.conf" >/dev/null 2>&1 || wrong "the sysusers file is not valid"
systemd-tmpfiles --root="$scratch" --create "$scratch/usr/lib/tmpfiles.d/marrowlink.conf" || wrong "the tmpfiles file is not valid"
[ -d "$scratch/etc/marrowlink/conf.d" ] || wrong "the tmpfiles file made no conf.d"

if [ "$(cat /proc/1/comm)" != systemd ] || [ "$(id -u)" != 0 ]; then
    echo "systemd is not process 1 here, or this is not root: the units were checked, not started"
    exit 77
fi

show() { systemctl show --value -p "$2" "$1"; }
await() {  # UNIT PROPERTY VALUE: within 20 s
    for _ in $(seq 200); do
        [ "$(show "$1" "$2")" = "$3" ] && return 0
        sleep 0.1
    done
    journalctl -u "$1" --no-pager -n 40
    wrong "$1: $2 is $(show "$1" "$2"), expected $3"
}
configuration_gateway() {
    cat <<TOML
site = "test"
gateway = "unit"
[outbox]
directory = "/var/lib/marrowlink-unit-test-gateway"
[broker]
host = "127.0.0.1"
port = 9
[page]
listen = "127.0.0.1:0"
socket = "/run/marrowlink-unit-test-gateway/gateway.sock"
TOML
}
configuration_central() {
    cat <<TOML
database = "/var/lib/marrowlink-unit-test-central/central.db"
[broker]
host = "127.0.0.1"
port = 9
[page]
listen = "127.0.0.1:0"
TOML
}
for name in gateway central; do
    unit=marrowlink-$name-test.service
    configuration=$scratch/etc/marrowlink/$name.toml
    # Directories and addresses of the test's own; no broker answers there, which must not matter (field 13).
    "configuration_$name" >"$configuration"
    cp "$scratch/units/$unit" /run/systemd/system/
    units+=("$unit")
    systemctl daemon-reload
    systemctl start "$unit" || { journalctl -u "$unit" --no-pager -n 40; wrong "$unit did not become ready without a broker (field 13)"; }
    await "$unit" ActiveState active
    pid=$(show "$unit" MainPID)

    systemctl reload "$unit" || wrong "$unit refused to reload the configuration that it runs with"
    cp "$configuration" "$scratch/good"
    echo 'brokr = "x"' >"$configuration"
    systemctl reload "$unit" 2>/dev/null && wrong "$unit reloaded a configuration with a misspelt key (field 55)"
    journalctl -u "$unit" --no-pager -o cat | grep -q 'did you mean "broker"' || wrong "the journal of $unit does not name the mistake (field 53)"
    await "$unit" MainPID "$pid"
    await "$unit" ActiveState active

    kill -9 "$pid"
    for _ in $(seq 100); do [ "$(show "$unit" NRestarts)" -ge 1 ] && break; sleep 0.1; done
    await "$unit" ActiveState failed   # it restarts after SIGKILL, and stays down on the wrong configuration
    [ "$(show "$unit" ExecMainStatus)" = 78 ] || wrong "$unit: exit status $(show "$unit" ExecMainStatus), expected 78"
    restarts=$(show "$unit" NRestarts)
    sleep 5
    [ "$(show "$unit" NRestarts)" = "$restarts" ] || wrong "$unit was started again with a configuration that it had refused (field 60)"
    cp "$scratch/good" "$configuration"
    systemctl start "$unit"
    await "$unit" ActiveState active
    systemctl stop "$unit"
    await "$unit" ActiveState inactive
    [ "$(show "$unit" Result)" = success ] || wrong "$unit: stopping ended with $(show "$unit" Result)"
    echo "$unit: started, reloaded, refused a mistake, restarted, stopped"
done
