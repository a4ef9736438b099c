# shellcheck shell=sh
# The hook of vmgo for every bash and zsh that reads /etc/profile.d. It is not
# active unless an administrator wants it:
#   ln -s /usr/share/vmgo/profile.sh /etc/profile.d/vmgo.sh
case $- in
*i*)
	if [ -n "${BASH_VERSION:-}" ]; then
		eval "$(/usr/bin/vmgo hook bash)"
	elif [ -n "${ZSH_VERSION:-}" ]; then
		eval "$(/usr/bin/vmgo hook zsh)"
	fi
	;;
esac
