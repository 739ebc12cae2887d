# packages - Debian packages that stoker needs, and how they get here. Sourced
# by quickstart and check; nothing is installed that is there already.

BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config python3 sqlite3
    libsqlite3-dev libjansson-dev libyaml-dev libsodium-dev libmicrohttpd-dev libcurl4-openssl-dev liboath-dev libpq-dev)
CHECK_PACKAGES=(clang-14 libclang-rt-14-dev clang-format-14 libcmocka-dev python3-pytest python3-pytest-xdist
    python3-aiosmtpd curl procps git nginx postgresql python3-psycopg2 pgbouncer iproute2 iptables krb5-kdc krb5-admin-server krb5-user
    slurmctld slurmd slurm-client munge)
TEST_SERVERS=(nginx postgresql pgbouncer krb5-kdc krb5-admin-server slurmctld slurmd munge)
# Node.js comes with an npm of its own where it is not Debian's.
command -v npm >/dev/null || CHECK_PACKAGES+=(nodejs npm)

install_packages() {
    local missing=() name
    for name in "$@"; do
        dpkg-query -W -f='${Status}' "$name" 2>/dev/null | grep -q 'install ok installed' || missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    local as=()
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null || {
            echo "stoker needs these Debian packages; please install them: ${missing[*]}" >&2
            return 69
        }
        as=(sudo)
    fi
    echo "installing: ${missing[*]}"
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -qq
    "${as[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
    quiet_services "${missing[@]}"
}

# A server that was installed for the tests is started by them, with a
# configuration of theirs: what its package has started is stopped again.
quiet_services() {
    local name
    for name in "$@"; do
        case " ${TEST_SERVERS[*]} " in *" $name "*) ;; *) continue ;; esac
        if [ -d /run/systemd/system ]; then
            "${as[@]}" systemctl disable --quiet --now "$name" || true
        elif [ -x "/etc/init.d/$name" ]; then
            "${as[@]}" "/etc/init.d/$name" stop >/dev/null || true
        fi
    done
}
