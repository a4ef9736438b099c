# vmgo hook for zsh: eval "$(vmgo hook zsh)" in ~/.zshrc.
# All of it runs under the default options of zsh, without aliases.

# Makes each prompt and each cd ask the program. Its answer puts a test for
# "nothing has changed" in the place of the function.
function _vmgo_reset {
	function _vmgo_hook {
		_vmgo_update
		return 0
	}
}
_vmgo_reset

# Asks the program what to change, and does it. The answer is one compound
# command: all of it is run or, if the program was killed, none. The status 2
# says that the program does not understand the question. It needs PATH, which a
# shell need not export.
function _vmgo_update {
	local _vmgo_program=@SHIM@ _vmgo_word=hook _vmgo_answer= _vmgo_next= _vmgo_value= _vmgo_name= _vmgo_refused=
	[[ -x $_vmgo_program ]] || _vmgo_program=@VMGO@ _vmgo_word=__hook
	if [[ ! -x $_vmgo_program ]] && ! _vmgo_find vmgo-shim hook && ! _vmgo_find vmgo __hook; then
		_vmgo_lose @VMGO@ "is gone, and PATH has no other that only you and root can change"
		_vmgo_reset
		return 0
	fi
	_vmgo_answer="$(
		[[ ${(t)GOMAXPROCS} == *readonly* ]] || export GOMAXPROCS=1
		(( ! ${+PATH} )) || typeset -gx PATH
		exec "$_vmgo_program" "$_vmgo_word" zsh "$_vmgo_flags" "$PWD" "@KEY@" "$_vmgo_said" 2
	)" || {
		if [[ $? == 2 ]]; then
			_vmgo_lose "$_vmgo_program" "does not understand the hook of this shell, which is off now"
			function _vmgo_hook { return 0 }
		fi
		return 0
	}
	typeset -g _vmgo_lost=
	builtin eval "$_vmgo_answer"
	return 0
}

# Finds the program on PATH. It is started without being asked for, so it must
# not be one of a project nor of go install, and it and the directories above it
# must belong to the user or root with nobody else able to write there.
function _vmgo_find {
	local _vmgo_dir= _vmgo_path=
	local -a _vmgo_paths
	for _vmgo_dir in "${path[@]}"; do
		[[ $_vmgo_dir == /* && -f $_vmgo_dir/$1 && -x $_vmgo_dir/$1 ]] || continue
		[[ ! $_vmgo_dir -ef ${XDG_DATA_HOME:-${HOME-}/.local/share}/vmgo/gobin ]] || continue
		if [[ -n ${__VMGO_SESSION-} ]]; then
			[[ ":${GOROOT-}:${GOPATH-}:" != *":${_vmgo_dir%/bin}:"* ]] || continue
		fi
		_vmgo_path=$_vmgo_dir/$1 _vmgo_paths=(/)
		while [[ -n $_vmgo_path ]]; do
			_vmgo_paths+=("$_vmgo_path") _vmgo_path=${_vmgo_path%/*}
		done
		_vmgo_path="$(command -p find -L "${_vmgo_paths[@]}" -maxdepth 0 \( ! -user 0 ! -user $EUID -o \
			\( -perm -002 -o -perm -020 ! -group $EUID \) ! \( -type d -perm -1000 \) \) 2>&1)" || continue
		[[ -z $_vmgo_path ]] || continue
		_vmgo_program=$_vmgo_dir/$1 _vmgo_word=$2
		return 0
	done
	return 1
}

# Undoes what the program set, where it cannot be asked, and says why once.
function _vmgo_lose {
	[[ -n $_vmgo_lost ]] || builtin printf 'vmgo: %s %s: what vmgo set in this shell is undone\nhint: type -a vmgo\n' "$1" "$2" >&2
	typeset -g _vmgo_lost=1
	_vmgo_undo
}

# An answer puts what there is to undo in its place.
function _vmgo_undo { : }

# "vmgo shell" changes this shell; everything else is the program, called with
# the options of the user active again.
function vmgo {
	local _vmgo_program=@VMGO@ _vmgo_answer
	if [[ ! -x $_vmgo_program ]]; then
		_vmgo_program="$(whence -p vmgo)" || _vmgo_program=@VMGO@
	fi
	if [[ "${1-}" == shell ]]; then
		_vmgo_answer="$("$_vmgo_program" shell --emit=zsh "${@:2}")" || return
		builtin eval "$_vmgo_answer"
	else
		"$_vmgo_program" "$@"
	fi
}

# f: the first prompt finds the environment as the start-up files left it.
typeset -g _vmgo_said= _vmgo_lost= _vmgo_flags=f

# Registered once and last: what runs before us may have replaced PATH.
if [[ ${(t)precmd_functions}${(t)chpwd_functions} == *readonly* ]]; then
	builtin printf 'vmgo: precmd_functions or chpwd_functions is readonly: the hook cannot run\nhint: grep -n _functions ~/.zshrc ~/.zshenv /etc/zsh/zshrc\n' >&2
else
	typeset -ga precmd_functions chpwd_functions
	precmd_functions=("${(@)precmd_functions:#_vmgo_hook}" _vmgo_hook)
	chpwd_functions=("${(@)chpwd_functions:#_vmgo_hook}" _vmgo_hook)
fi
