# Completion of vmgo for bash; made by: vmgo completion bash
_vmgo_complete() {
    local IFS=$'\n' word=${COMP_WORDS[COMP_CWORD]}
    local -a words=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    COMPREPLY=()
    local candidate
    while read -r candidate; do
        [[ $candidate == "$word"* ]] && COMPREPLY+=("$(printf '%q' "${candidate%%$'\t'*}")")
    done < <(command vmgo __complete -- "${words[@]}" "$word" 2>/dev/null)
}
complete -o nosort -o default -F _vmgo_complete vmgo
