\builtin 'emulate' 'zsh' '-o' 'no_aliases' '-o' 'no_xtrace' '-c' '# vmgo hook for zsh: eval "$(vmgo hook zsh)" in ~/.zshrc.
# All of it runs under the default options of zsh, without aliases.

# At a prompt and after cd. _vmgo_update puts a test for "nothing has changed"
# in its place.
function _vmgo_hook {
	_vmgo_update
	return 0
}

# Asks the program what to change, and does it. The answer is one compound
# command: all of it is run or, if the program was killed, none.
function _vmgo_update {
	local _vmgo_program='\''@SHIM@'\'' _vmgo_word=hook _vmgo_answer _vmgo_next
	if [[ ! -x $_vmgo_program ]]; then
		_vmgo_program='\''@VMGO@'\'' _vmgo_word=__hook
		[[ -x $_vmgo_program ]] || return 0
	fi
	_vmgo_answer="$(GOMAXPROCS=1 exec "$_vmgo_program" "$_vmgo_word" zsh "$_vmgo_flags" "$PWD" "${VMGO_VERSION-}|${VMGO_ROOT-}|${VMGO_GOPATH-}|${VMGO_MODCACHE-}|${VMGO_GOTOOLCHAIN-}|${VMGO_GOROOT-}|${VMGO_SHOW-}|${GOWORK-}" "$_vmgo_said")" || return 0
	builtin eval "$_vmgo_answer"
	return 0
}

# "vmgo shell" changes this shell; everything else is the program, called with
# the options of the user in force again.
function vmgo {
	local _vmgo_program='\''@VMGO@'\'' _vmgo_answer
	if [[ ! -x $_vmgo_program ]]; then
		_vmgo_program="$(whence -p vmgo)" || _vmgo_program='\''@VMGO@'\''
	fi
	if [[ "${1-}" == shell ]]; then
		_vmgo_answer="$("$_vmgo_program" shell --emit=zsh "${@:2}")" || return
		builtin eval "$_vmgo_answer"
	else
		"$_vmgo_program" "$@"
	fi
}

# f: the first prompt finds the environment as the start-up files left it.
typeset -g _vmgo_said= _vmgo_flags=f

# Registered once and last: what runs before us may have replaced PATH.
typeset -ga precmd_functions chpwd_functions
precmd_functions=("${(@)precmd_functions:#_vmgo_hook}" _vmgo_hook)
chpwd_functions=("${(@)chpwd_functions:#_vmgo_hook}" _vmgo_hook)
'
