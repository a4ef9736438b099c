# Completion of vmgo for elvish: vmgo completion elvish > ~/.config/elvish/lib/vmgo.elv,
# and in ~/.config/elvish/rc.elv: use vmgo
use str
set edit:completion:arg-completer[vmgo] = {|@words|
	(external vmgo) __complete -- (all $words[1..]) | from-lines | each {|line|
		var name @about = (str:split &max=2 "\t" $line)
		edit:complex-candidate $name &display=(str:join '  ' [$name $@about])
	}
}
