# vmgo's hook for elvish: eval (vmgo hook elvish | slurp) in ~/.config/elvish/rc.elv.
# The program answers with JSON, and these functions apply it: nothing of an
# answer is evaluated.

use path
use str

var flags said lost off = f '' $false $false
var watch = $nil
var undo = [&vars=[] &path=[]]

fn value {|name| if (has-env $name) { get-env $name } else { put '' } }

# The values of the variables that decide.
fn key { str:join '|' [(each $value~ [@KEY@])] }

fn is-file {|path| path:is-regular &follow-symlink=$true $path }
fn is-there {|path| or (is-file $path) (path:is-dir &follow-symlink=$true $path) }

# Sets a variable, or unsets it for $nil.
fn put-env {|name value| if (eq $value $nil) { unset-env $name } else { set-env $name $value } }

# Reports whether a directory of a chain has a file that should not be there.
fn appears {|level|
	var dir = $level[0]
	for name $level[1] {
		set dir = $dir/$name
		for file $level[2] {
			if (is-there $dir/$file) { put $true; return }
		}
	}
	put $false
}

# Reports whether everything is as the last answer found it.
fn is-unchanged {
	if $off { put $true; return }
	if (or (eq $watch $nil) (not-eq $pwd $watch[dir]) (not-eq (key) $watch[key])) { put $false; return }
	for name [(keys $watch[equal])] {
		var now = $nil
		if (has-env $name) { set now = (get-env $name) }
		if (not-eq $now $watch[equal][$name]) { put $false; return }
	}
	for dir $watch[holds] { if (not (has-value $paths $dir)) { put $false; return } }
	for path $watch[absent] { if (is-there $path) { put $false; return } }
	for level $watch[levels] { if (appears $level) { put $false; return } }
	for path $watch[present] { if (not (is-there $path)) { put $false; return } }
	for f $watch[texts] {
		if (not (is-file $f[0])) { put $false; return }
		if (not-eq (slurp < $f[0]) $f[1]) { put $false; return }
	}
	for d $watch[lists] {
		if (not-eq [(each $path:base~ [$d[0]/*[nomatch-ok]] | order)] [(order $d[1])]) { put $false; return }
	}
	for l $watch[links] { if (not-eq (path:eval-symlinks $l[0]) $l[1]) { put $false; return } }
	put $true
}

# Finds a program on PATH. It is started without being asked for, so it must
# not be one of a project nor of go install, and it and the directories above it
# must belong to the user or root with nobody else able to write there.
fn find {|name|
	var data = (value XDG_DATA_HOME)
	if (eq $data '') { set data = (value HOME)/.local/share }
	var installed = ''
	try { set installed = (path:eval-symlinks $data/vmgo/gobin) } catch { }
	var mine = []
	if (has-env __VMGO_SESSION) { set mine = [(value GOROOT) (str:split : (value GOPATH))] }
	for dir $paths {
		if (not (and (str:has-prefix $dir /) (is-file $dir/$name))) { continue }
		if (or (eq (path:eval-symlinks $dir) $installed) (has-value $mine (path:dir $dir))) { continue }
		var above at = [/] ''
		for part [(str:split / $dir/$name)] {
			if (not-eq $part '') { set at = $at/$part; set above = [$@above $at] }
		}
		var uid = (/usr/bin/id -u)
		var others = failed
		try {
			set others = (/usr/bin/find -L $@above -maxdepth 0 '(' ! -user 0 ! -user $uid -o ^
				'(' -perm -002 -o -perm -020 ! -group $uid ')' ! '(' -type d -perm -1000 ')' ')' 2>&1 | slurp)
		} catch { }
		if (eq $others '') { put $dir/$name; return }
	}
	put $nil
}

# The program and the word by which it is asked; the program is $nil if there is none.
fn program {
	for pair [[@SHIM@ hook] [@VMGO@ __hook]] { if (is-file $pair[0]) { put $pair; return } }
	for pair [[vmgo-shim hook] [vmgo __hook]] {
		var found = (find $pair[0])
		if (not-eq $found $nil) { put [$found $pair[1]]; return }
	}
	put [$nil '']
}

# Undoes what the program set, where it cannot be asked, and says why once.
fn lose {|program why|
	if (not $lost) { print "vmgo: "$program" "$why": what vmgo set in this shell is undone\nhint: which -a vmgo\n" >&2 }
	for v $undo[vars] {
		var now = $nil
		if (has-env $v[0]) { set now = (get-env $v[0]) }
		if (eq $now $v[1]) { put-env $v[0] $v[2] }
	}
	for dir $undo[path] {
		var rest found = [] $false
		for entry $paths {
			if (and (not $found) (eq $entry $dir)) { set found = $true } else { set rest = [$@rest $entry] }
		}
		set paths = $rest
	}
	unset-env __VMGO_SESSION
	set lost watch undo = $true $nil [&vars=[] &path=[]]
}

# Makes the changes in an order that can stop anywhere: the journal knows both
# states of each variable.
fn apply {|answer|
	if (or (> (+ (count $answer[set]) (count $answer[unset])) 0) (not-eq $answer[path] $nil)) {
		set-env __VMGO_SESSION $answer[journal]
	}
	for name [(keys $answer[set])] { set-env $name $answer[set][$name] }
	for name $answer[unset] { unset-env $name }
	if (not-eq $answer[path] $nil) { set-env PATH (str:join : $answer[path]) }
	if (eq $answer[session] '') { unset-env __VMGO_SESSION } else { set-env __VMGO_SESSION $answer[session] }
}

# Asks the program what to change, and does it. An answer that is cut short is no
# JSON, and nothing is done. The status 2 says that the program does not
# understand the question.
fn update {
	var program word = (all (program))
	if (eq $program $nil) {
		lose @VMGO@ "is gone, and PATH has no other that only you and root can change"
		return
	}
	var dir key text = $pwd (key) ''
	var procs = $nil
	if (has-env GOMAXPROCS) { set procs = (get-env GOMAXPROCS) }
	set-env GOMAXPROCS 1
	try {
		set text = ((external $program) $word elvish $flags $dir $key $said 2 | slurp)
	} catch e {
		try { set off = (eq $e[reason][exit-status] 2) } catch { }
	} finally {
		put-env GOMAXPROCS $procs
	}
	if $off { lose $program "does not understand the hook of this shell, which is off now" }
	if (eq $text '') { return }
	var answer = (print $text | from-json)
	apply $answer
	set flags lost said undo watch = '' $false $answer[said] $answer[undo] $answer[watch]
	if (not-eq $watch $nil) { set watch = (assoc (assoc $watch dir $dir) key $key) }
}

# What is caught is Ctrl-C, or a file that went while it was compared.
fn prompt {
	var same = $false
	try { set same = (is-unchanged) } catch { }
	if (not $same) { try { update } catch { } }
}

# "vmgo shell" changes this shell; everything else is the program's business.
edit:add-var vmgo~ {|@words|
	var program = @VMGO@
	if (not (is-file $program)) { set program = (search-external vmgo) }
	if (and (> (count $words) 0) (eq $words[0] shell)) {
		var answer = ((external $program) shell --emit=json (all $words[1..]) | from-json)
		put-env VMGO_VERSION $answer[VMGO_VERSION]
	} else {
		(external $program) $@words
	}
}

# Registered once and last: what runs before it may have replaced PATH.
var at-prompt = { prompt }
var texts = [(each {|f| put $f[body] } $edit:before-readline)]
if (not (has-value $texts $at-prompt[body])) {
	set edit:before-readline = [$@edit:before-readline $at-prompt]
	set after-chdir = [$@after-chdir {|_| prompt }]
}
