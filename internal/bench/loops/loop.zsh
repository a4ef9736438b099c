# As loop.bash.
zmodload zsh/datetime
eval "$HOOK"
prompt() {
	local name
	for name in $precmd_functions; do $name; done
}
what=$1 n=$2 here=$3 there=${4-}
cd $here && prompt && prompt
start=$EPOCHREALTIME
case $what in
prompt) for ((i = 0; i < n; i++)); do prompt; done ;;
cd) for ((i = 0; i < n; i += 2)); do cd $there && prompt; cd $here && prompt; done ;;
check) cd $there && prompt && go version && cd $here && prompt && go version && exit ;;
esac
printf '%.0f\n' $(((EPOCHREALTIME - start) * 1e9 / (n ? n : 1)))
exit
