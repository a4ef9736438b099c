# vmgo's hook for fish: vmgo hook fish | source, in ~/.config/fish/config.fish.

# _vmgo_update puts a test for "nothing has changed" in its place.
function _vmgo_unchanged
    builtin return 1
end

# Asks the program what to change, and does it. The answer is one block: all of
# it is run or, if the program was killed, none. The status 2 says that the
# program does not understand the question. It needs PATH, which a shell need
# not export.
function _vmgo_update
    builtin set -l program @SHIM@
    builtin set -l word hook
    if not builtin test -x $program
        set program @VMGO@
        set word __hook
    end
    if not builtin test -x $program
        if set program (_vmgo_find vmgo-shim)
            set word hook
        else if not set program (_vmgo_find vmgo)
            _vmgo_lose @VMGO@ "is gone, and PATH has no other that only you and root can change"
            function _vmgo_unchanged
                builtin return 1
            end
            builtin return 0
        end
    end
    builtin set -g _vmgo_lost
    PATH="$PATH" GOMAXPROCS=1 command $program $word fish "$_vmgo_flags" "$PWD" "@KEY@" "$_vmgo_said" 2 | builtin source
    if builtin test $pipestatus[1] = 2
        _vmgo_lose $program "does not understand the hook of this shell, which is off now"
        function _vmgo_unchanged
        end
    end
    builtin return 0
end

# Finds the program on PATH. It is started without being asked for, so it must
# not be one of a project nor of go install, and it and the directories above it
# must belong to the user or root with nobody else able to write there.
function _vmgo_find
    builtin set -l uid (/usr/bin/id -u)
    builtin set -l data $XDG_DATA_HOME
    builtin test -n "$data"; or set data $HOME/.local/share
    builtin set -l installed (builtin realpath $data/vmgo/gobin 2>/dev/null)
    for dir in $PATH
        builtin test -f $dir/$argv[1] -a -x $dir/$argv[1]; and builtin string match -q '/*' -- $dir; or continue
        builtin set -l root (builtin string replace -r '/bin$' '' -- $dir)
        builtin test (builtin realpath -- $dir) = "$installed"; and continue
        builtin set -q __VMGO_SESSION; and builtin contains -- $root $GOROOT (builtin string split : -- "$GOPATH"); and continue
        builtin set -l paths /
        builtin set -l at
        for name in (builtin string split -n / -- $dir/$argv[1])
            set at "$at/$name"
            set paths $paths $at
        end
        builtin set -l others (/usr/bin/find -L $paths -maxdepth 0 \( ! -user 0 ! -user $uid -o \
            \( -perm -002 -o -perm -020 ! -group $uid \) ! \( -type d -perm -1000 \) \) 2>&1); and builtin test -z "$others"; or continue
        builtin string join / -- $dir $argv[1]
        builtin return 0
    end
    builtin return 1
end

# Undoes what the program set, where it cannot be asked, and says why once.
function _vmgo_lose
    builtin test -n "$_vmgo_lost"; or builtin printf 'vmgo: %s %s: what vmgo set in this shell is undone\nhint: type -a vmgo\n' $argv >&2
    builtin set -g _vmgo_lost 1
    _vmgo_undo
end

# An answer puts what there is to undo in its place.
function _vmgo_undo
end

function _vmgo_dir --on-variable PWD
    _vmgo_unchanged; or _vmgo_update
end

# At the first prompt the function is defined again: fish calls the functions of
# an event in the order in which they came, and what runs before us may replace PATH.
function _vmgo_prompt --on-event fish_prompt
    builtin functions --erase _vmgo_prompt
    function _vmgo_prompt --on-event fish_prompt
        _vmgo_unchanged; or _vmgo_update
    end
    _vmgo_unchanged; or _vmgo_update
end

# "vmgo shell" changes this shell; everything else is the program's business.
function vmgo
    builtin set -l program @VMGO@
    if not builtin test -x $program
        set program (command --search vmgo); or set program @VMGO@
    end
    if builtin test "$argv[1]" = shell
        builtin set -l answer (command $program shell --emit=fish $argv[2..-1])
        or builtin return
        builtin string join \n -- $answer | builtin source
    else
        command $program $argv
    end
end

# f: the first prompt finds the environment as the start-up files left it.
builtin set -g _vmgo_said ''
builtin set -g _vmgo_flags f
builtin set -g _vmgo_lost
