# As loop.bash.
eval $HOOK
set what $argv[1]
set n $argv[2]
set here $argv[3]
cd $here; and emit fish_prompt; and emit fish_prompt
set start (date +%s%N)
switch $what
    case prompt
        for i in (seq $n)
            emit fish_prompt
        end
    case cd
        for i in (seq 2 2 $n)
            cd $argv[4]; and emit fish_prompt
            cd $here; and emit fish_prompt
        end
    case check
        cd $argv[4]; and emit fish_prompt; and go version
        cd $here; and emit fish_prompt; and go version
        exit
end
set end (date +%s%N)
math -s0 "($end - $start) / max(1, $n)"
