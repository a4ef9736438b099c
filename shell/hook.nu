# vmgo's hook for nushell: a line in config.nu saves it where nushell looks for
# files to load (vmgo help hook).
# nushell evaluates no text while it runs: the program answers with JSON, and
# these functions apply it. What they remember is in $env._vmgo, a record, which
# nushell does not export.

# Asks the program what to change, and does it. An answer that is cut short is no
# JSON, and nothing is done. The status 2 says that the program does not
# understand the question.
def --env _vmgo_update [] {
	let known = _vmgo_programs | where {|p| $p.0 | path exists }
	let found = if ($known | is-empty) { _vmgo_find } else { $known } | get -o 0
	if $found == null {
		_vmgo_lose @VMGO@ "is gone, and PATH has no other that only you and root can change"
		return
	}
	let program = $found.0
	let dir = $env.PWD
	let key = _vmgo_key
	let said = with-env { GOMAXPROCS: "1" } {
		try { ^$program $found.1 nushell $env._vmgo.flags $dir $key $env._vmgo.said "2" | complete }
	}
	if $said == null { return }
	print -e -n $said.stderr
	if $said.exit_code == 2 {
		_vmgo_lose $program "does not understand the hook of this shell, which is off now"
		$env._vmgo.watch = { off: true }
	}
	let answer = try { $said.stdout | from json }
	if $said.exit_code != 0 or $answer == null { return }
	_vmgo_apply $answer
	$env._vmgo = $env._vmgo | merge {
		flags: "", said: $answer.said, lost: false, undo: $answer.undo
		watch: (if $answer.watch != null { $answer.watch | insert dir $dir | insert key $key })
	}
}

# Makes the changes in an order that can stop anywhere: the journal knows both
# states of each variable. What nushell has by such a name and cannot export, a
# list for one, is kept meanwhile.
def --env _vmgo_apply [answer: record] {
	if ($answer.set | is-not-empty) or ($answer.unset | is-not-empty) or $answer.path != null {
		$env.__VMGO_SESSION = $answer.journal
	}
	for name in $answer.missing {
		let own = $env | get -o $name
		$env._vmgo.kept = $env._vmgo.kept | reject -o $name | merge (if $own != null { {($name): $own} } else { {} })
	}
	load-env $answer.set
	if $answer.path != null { $env.PATH = $answer.path }
	for name in $answer.unset { _vmgo_unset $name }
	if $answer.session == "" { _vmgo_unset __VMGO_SESSION } else { $env.__VMGO_SESSION = $answer.session }
}

# Gives a variable back as nushell had it, or has it hidden at the end: what a
# function hides comes back when it then sets something else (nushell 0.115).
def --env _vmgo_unset [name: string] {
	let own = $env._vmgo.kept | get -o $name
	if $own == null { $env._vmgo.gone ++= [$name] } else { load-env {($name): $own} }
	$env._vmgo.kept = $env._vmgo.kept | reject -o $name
}

# Reports whether everything is as the last answer found it.
def _vmgo_unchanged [] {
	let w = $env._vmgo.watch
	if $w == null { return false }
	if $w.off? == true { return true }
	try {
		($env.PWD == $w.dir and (_vmgo_key) == $w.key
			and (($w.equal | is-empty) or ($w.equal | transpose name value | all {|v| ($env | get -o $v.name | default "") == ($v.value | default "") }))
			and ($w.holds | all {|dir| $dir in $env.PATH })
			and not ($w.absent | path exists | any {|there| $there })
			and not ($w.levels | any {|l| _vmgo_appears $l })
			and ($w.present | path exists | all {|there| $there })
			and ($w.texts | all {|f| ($f.0 | path expand | path type) == file and (open --raw $f.0) == $f.1 })
			and ($w.lists | all {|d| (ls $d.0 | get name | path basename | sort) == ($d.1 | sort) })
			and ($w.links | all {|l| ($l.0 | path expand) == $l.1 }))
	} catch { false }
}

# Reports whether a directory of a chain has a file that should not be there.
def _vmgo_appears [level: list] {
	mut dir = $level.0
	for name in $level.1 {
		$dir = $"($dir)/($name)"
		let here = $dir
		if ($level.2 | any {|file| $"($here)/($file)" | path exists }) { return true }
	}
	false
}

# The values of the variables that decide.
def _vmgo_key [] { $"@KEY@" }

# The programs, and the word by which each is asked.
def _vmgo_programs [] { [[@SHIM@ hook] [@VMGO@ __hook]] }

# Finds a program on PATH. It is started without being asked for, so it must
# not be one of a project nor of go install, and it and the directories above it
# must belong to the user or root with nobody else able to write there.
def _vmgo_find [] {
	let uid = ^/usr/bin/id -u | str trim
	let data = $env.XDG_DATA_HOME? | default -e $"($env.HOME? | default '')/.local/share"
	let installed = $"($data)/vmgo/gobin" | path expand
	let mine = if $env.__VMGO_SESSION? == null { [] } else { [$env.GOROOT?] | append ($env.GOPATH? | default "" | split row ":") }
	for word in [[vmgo-shim hook] [vmgo __hook]] {
		for dir in ($env.PATH | where {|d| ($d | str starts-with "/") and ($d | path expand) != $installed and ($d | path dirname) not-in $mine }) {
			let program = $"($dir)/($word.0)"
			if ($program | path expand | path type) != file { continue }
			let paths = $program | path split | reduce -f [] {|part, at| $at | append ($at | last 1 | append $part | path join) }
			let others = (^/usr/bin/find -L ...$paths -maxdepth 0 "(" ! -user 0 ! -user $uid -o
				"(" -perm -002 -o -perm -020 ! -group $uid ")" ! "(" -type d -perm -1000 ")" ")" | complete)
			if $others.exit_code == 0 and $others.stdout == "" { return [[$program $word.1]] }
		}
	}
	[]
}

# Undoes what the program set, where it cannot be asked, and says why once.
def --env _vmgo_lose [program: string, why: string] {
	if not $env._vmgo.lost {
		print -e $"vmgo: ($program) ($why): what vmgo set in this shell is undone\nhint: which -a vmgo"
	}
	for v in $env._vmgo.undo.vars {
		if ($env | get -o $v.0) == $v.1 {
			if $v.2 == null { _vmgo_unset $v.0 } else { load-env {($v.0): $v.2} }
		}
	}
	for dir in $env._vmgo.undo.path {
		let at = $env.PATH | enumerate | where item == $dir | get -o 0.index
		if $at != null { $env.PATH = $env.PATH | drop nth $at }
	}
	_vmgo_unset __VMGO_SESSION
	$env._vmgo = $env._vmgo | merge { lost: true, watch: null, undo: { vars: [], path: [] } }
}

# "vmgo shell" changes this shell; everything else is the program's business.
def --env --wrapped vmgo [...words] {
	let program = if (@VMGO@ | path exists) { @VMGO@ } else { which -a vmgo | where type == external | get -o 0.path | default @VMGO@ }
	if $words.0? == shell {
		let answer = ^$program shell --emit=json ...($words | skip 1) | from json
		if $answer.VMGO_VERSION == null { hide-env -i VMGO_VERSION } else { load-env $answer }
	} else {
		^$program ...$words
	}
}

# f: the first prompt finds the environment as the start-up files left it.
$env._vmgo = { flags: "f", said: "", lost: false, watch: null, kept: {}, gone: [], undo: { vars: [], path: [] } }

# Registered once and last: what runs before it may have replaced PATH.
$env.config.hooks.pre_prompt = ($env.config.hooks.pre_prompt? | default [] | where {|h| ($h | describe) != string or $h != _vmgo_prompt } | append "_vmgo_prompt")
def --env _vmgo_prompt [] {
	let status = $env.LAST_EXIT_CODE? | default 0
	$env._vmgo.gone = []
	if not (_vmgo_unchanged) { _vmgo_update }
	$env.LAST_EXIT_CODE = $status
	hide-env -i ...$env._vmgo.gone
}
