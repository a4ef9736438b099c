# vmgo's hook for fish: vmgo hook fish | source, in ~/.config/fish/config.fish.

# _vmgo_update puts a test for "nothing has changed" in its place.
function _vmgo_unchanged
    builtin return 1
end

# Asks the program what to change, and does it. The answer is one block: all of
# it is run or, if the program was killed, none.
function _vmgo_update
    builtin set -l program '@SHIM@'
    builtin set -l word hook
    if not builtin test -x $program
        set program '@VMGO@'
        set word __hook
        builtin test -x $program; or builtin return 0
    end
    GOMAXPROCS=1 command $program $word fish "$_vmgo_flags" "$PWD" "$VMGO_VERSION|$VMGO_ROOT|$VMGO_GOPATH|$VMGO_MODCACHE|$VMGO_GOTOOLCHAIN|$VMGO_GOROOT|$VMGO_SHOW|$GOWORK" "$_vmgo_said" | builtin source
    builtin return 0
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
    builtin set -l program '@VMGO@'
    if not builtin test -x $program
        set program (command --search vmgo); or set program '@VMGO@'
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
