module github.com/vmgo/vmgo/observe

go 1.25
