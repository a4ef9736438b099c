module example.com/observe-sample

go 1.25

require github.com/vmgo/vmgo/observe v0.0.0

replace github.com/vmgo/vmgo/observe => ../../observe
