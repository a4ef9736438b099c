# shellcheck shell=bash disable=SC2128,SC2178,SC2317
# vmgo's hook for bash: eval "$(vmgo hook bash)" in ~/.bashrc.
# Every builtin is called in a way that no alias and no function can be in between.

# At a prompt. _vmgo_update puts a test for "nothing has changed" in its place.
function _vmgo_hook {
	\builtin local _vmgo_status="$?"
	_vmgo_update
	\builtin return "$_vmgo_status"
}

# Asks the program what to change, and does it. The answer is one compound
# command: all of it is run or, if the program was killed, none.
function _vmgo_update {
	\builtin local _vmgo_program='@SHIM@' _vmgo_word=hook _vmgo_answer _vmgo_next
	if [[ ! -x $_vmgo_program ]]; then
		_vmgo_program='@VMGO@' _vmgo_word=__hook
		[[ -x $_vmgo_program ]] || \builtin return 0
	fi
	_vmgo_answer=$(GOMAXPROCS=1 \builtin exec "$_vmgo_program" "$_vmgo_word" bash "$_vmgo_flags" "$PWD" "${VMGO_VERSION-}|${VMGO_ROOT-}|${VMGO_GOPATH-}|${VMGO_MODCACHE-}|${VMGO_GOTOOLCHAIN-}|${VMGO_GOROOT-}|${VMGO_SHOW-}|${GOWORK-}" "$_vmgo_said") || \builtin return 0
	\builtin eval "$_vmgo_answer"
}

# "vmgo shell" changes this shell; everything else is the program's business.
function vmgo {
	\builtin local _vmgo_program='@VMGO@' _vmgo_answer
	if [[ ! -x $_vmgo_program ]]; then
		_vmgo_program=$(\builtin type -P vmgo) || _vmgo_program='@VMGO@'
	fi
	if [[ ${1-} == shell ]]; then
		_vmgo_answer=$("$_vmgo_program" shell --emit=bash "${@:2}") || \builtin return
		\builtin eval "$_vmgo_answer"
	else
		"$_vmgo_program" "$@"
	fi
}

# f: the first prompt finds the environment as the start-up files left it.
# s: before 4.4 bash compares times by the second.
_vmgo_said='' _vmgo_flags=f
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
	_vmgo_flags=fs
fi

# Registered once and last: what runs before us may have replaced PATH. After
# "&&" a status other than 0 is handed on without calling the ERR trap or, with
# set -e, ending the shell.
case "$(\builtin declare -p PROMPT_COMMAND 2>/dev/null)" in
*_vmgo_hook*) ;;
'declare -a'*)
	if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
		PROMPT_COMMAND+=('_vmgo_hook && :')
	else # only the first element counts
		PROMPT_COMMAND[0]="${PROMPT_COMMAND[0]:+${PROMPT_COMMAND[0]}$'\n'}_vmgo_hook && :"
	fi
	;;
*) PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}_vmgo_hook && :" ;;
esac
