# Prints the nanoseconds that one of N prompts costs, or one of N changes of
# directory with its prompt: bash -i loop.bash prompt|cd N DIR [OTHER].
# HOOK is what the tool wants evaluated.
unset PROMPT_COMMAND
eval "$HOOK"
prompt() {
	local command
	for command in "${PROMPT_COMMAND[@]}"; do eval "$command"; done
}
what=$1 n=$2 here=$3 there=${4-}
cd "$here" && prompt && prompt
start=${EPOCHREALTIME/./}
case $what in
prompt) for ((i = 0; i < n; i++)); do prompt; done ;;
cd) for ((i = 0; i < n; i += 2)); do cd "$there" && prompt; cd "$here" && prompt; done ;;
check) cd "$there" && prompt && go version && cd "$here" && prompt && go version && exit ;;
esac
end=${EPOCHREALTIME/./}
echo $(((end - start) * 1000 / (n ? n : 1)))
exit
