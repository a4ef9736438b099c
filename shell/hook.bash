# shellcheck shell=bash disable=SC2128,SC2178,SC2317
# vmgo's hook for bash: eval "$(vmgo hook bash)" in ~/.bashrc.
# Every builtin is called in a way that no alias and no function can be in between.

# Makes each prompt ask the program. Its answer puts a test for "nothing has
# changed" in the place of the function.
function _vmgo_reset {
	function _vmgo_hook {
		\builtin local _vmgo_status="$?"
		_vmgo_update
		\builtin return "$_vmgo_status"
	}
}
_vmgo_reset

# Asks the program what to change, and does it. The answer is one compound
# command: all of it is run or, if the program was killed, none. The status 2
# says that the program does not understand the question. It needs PATH, which a
# shell need not export.
function _vmgo_update {
	\builtin local _vmgo_program=@SHIM@ _vmgo_word=hook _vmgo_answer _vmgo_next _vmgo_value _vmgo_name _vmgo_refused
	[[ -x $_vmgo_program ]] || _vmgo_program=@VMGO@ _vmgo_word=__hook
	if [[ ! -x $_vmgo_program ]] && ! _vmgo_find vmgo-shim hook && ! _vmgo_find vmgo __hook; then
		_vmgo_lose @VMGO@ "is gone, and PATH has no other that only you and root can change"
		_vmgo_reset
		\builtin return 0
	fi
	_vmgo_answer=$(
		# shellcheck disable=SC2034 # the program reads it
		\builtin export PATH GOMAXPROCS=1 2>/dev/null
		\builtin exec "$_vmgo_program" "$_vmgo_word" bash "$_vmgo_flags" "$PWD" "@KEY@" "$_vmgo_said" 2
	) || {
		if [[ $? == 2 ]]; then
			_vmgo_lose "$_vmgo_program" "does not understand the hook of this shell, which is off now"
			function _vmgo_hook { \builtin return "$?"; }
		fi
		\builtin return 0
	}
	_vmgo_lost=
	\builtin eval "$_vmgo_answer"
}

# Finds the program on PATH. It is started without being asked for, so it must
# not be one of a project nor of go install, and it and the directories above it
# must belong to the user or root with nobody else able to write there.
function _vmgo_find {
	\builtin local _vmgo_rest=$PATH: _vmgo_dir _vmgo_path
	\builtin local -a _vmgo_paths
	while [[ -n $_vmgo_rest ]]; do
		_vmgo_dir=${_vmgo_rest%%:*} _vmgo_rest=${_vmgo_rest#*:}
		[[ $_vmgo_dir == /* && -f $_vmgo_dir/$1 && -x $_vmgo_dir/$1 ]] || \builtin continue
		[[ ! $_vmgo_dir -ef ${XDG_DATA_HOME:-${HOME-}/.local/share}/vmgo/gobin ]] || \builtin continue
		if [[ -n ${__VMGO_SESSION-} ]]; then
			[[ ":${GOROOT-}:${GOPATH-}:" != *":${_vmgo_dir%/bin}:"* ]] || \builtin continue
		fi
		_vmgo_path=$_vmgo_dir/$1 _vmgo_paths=(/)
		while [[ -n $_vmgo_path ]]; do
			_vmgo_paths+=("$_vmgo_path") _vmgo_path=${_vmgo_path%/*}
		done
		_vmgo_path=$(\builtin command -p find -L "${_vmgo_paths[@]}" -maxdepth 0 \( ! -user 0 ! -user "$EUID" -o \
			\( -perm -002 -o -perm -020 ! -group "$EUID" \) ! \( -type d -perm -1000 \) \) 2>&1) || \builtin continue
		[[ -z $_vmgo_path ]] || \builtin continue
		_vmgo_program=$_vmgo_dir/$1 _vmgo_word=$2
		\builtin return 0
	done
	\builtin return 1
}

# Undoes what the program set, where it cannot be asked, and says why once.
function _vmgo_lose {
	[[ -n $_vmgo_lost ]] || \builtin printf 'vmgo: %s %s: what vmgo set in this shell is undone\nhint: type -a vmgo\n' "$1" "$2" >&2
	_vmgo_lost=1
	_vmgo_undo
}

# An answer puts what there is to undo in its place.
function _vmgo_undo { \builtin :; }

# "vmgo shell" changes this shell; everything else is the program's business.
function vmgo {
	\builtin local _vmgo_program=@VMGO@ _vmgo_answer
	if [[ ! -x $_vmgo_program ]]; then
		_vmgo_program=$(\builtin type -P vmgo) || _vmgo_program=@VMGO@
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
_vmgo_said='' _vmgo_lost='' _vmgo_flags=f
if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)); then
	_vmgo_flags=fs
fi

# Registered once and last: what runs before us may have replaced PATH. An
# exported PROMPT_COMMAND reaches shells that have no hook: there the entry does
# nothing. After "&&" a status other than 0 is handed on without calling the ERR
# trap or, with set -e, ending the shell.
_vmgo_next=$(\builtin declare -p PROMPT_COMMAND 2>/dev/null) || \builtin :
_vmgo_value=${_vmgo_next#declare -} _vmgo_value=${_vmgo_value%% *} # its attributes
[[ $_vmgo_next != *_vmgo_hook* ]] || _vmgo_value=registered
case $_vmgo_value in
registered) ;;
*r*) \builtin printf 'vmgo: PROMPT_COMMAND is readonly: the hook cannot run\nhint: grep -n PROMPT_COMMAND ~/.bashrc ~/.profile /etc/bash.bashrc\n' >&2 ;;
*a*)
	if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
		# shellcheck disable=SC2016 # the shell expands it at the prompt
		PROMPT_COMMAND+=('case ${_vmgo_said+x} in x) _vmgo_hook ;; esac && :')
	else # only the first element counts
		PROMPT_COMMAND[0]="${PROMPT_COMMAND[0]:+${PROMPT_COMMAND[0]}$'\n'}case \${_vmgo_said+x} in x) _vmgo_hook ;; esac && :"
	fi
	;;
*) PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}case \${_vmgo_said+x} in x) _vmgo_hook ;; esac && :" ;;
esac
\builtin unset -v _vmgo_next _vmgo_value
