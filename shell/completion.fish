# Completion of vmgo for fish; made by: vmgo completion fish
function __vmgo_complete
    set -l words (commandline -opc) (commandline -ct)
    command vmgo __complete -- $words[2..-1] 2>/dev/null
end
complete -c vmgo -f -k -a '(__vmgo_complete)'
