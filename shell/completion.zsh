#compdef vmgo
# Completion of vmgo for zsh; made by: vmgo completion zsh
_vmgo() {
    local -a candidates
    local line
    while IFS= read -r line; do
        candidates+=("${line/$'\t'/:}")
    done < <(command vmgo __complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)
    if (( ${#candidates} )); then
        _describe -V 'vmgo' candidates
    else
        _files
    fi
}
if [[ ${funcstack[1]-} == _vmgo ]]; then
    _vmgo "$@"
elif (( ${+functions[compdef]} )); then
    compdef _vmgo vmgo
fi
