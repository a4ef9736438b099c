# make help lists the targets. Everything real is in test.sh and the go command.
.DEFAULT_GOAL := help
# As releases and install.sh have them: TestBuilds_haveTheSameTags.
tags := urfave_cli_no_docs,urfave_cli_no_suggest
.PHONY: help build test quick long update lint bench recording release

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build all programs into .cache/bin
	go build -trimpath -tags $(tags) -o .cache/bin/ . ./shims/vmgo-shim $(addprefix ./,$(wildcard cmd/vmgo-*))

test: ## all checks and tests, as continuous integration runs them
	./test.sh

quick: ## what takes neither long nor the network
	./test.sh --quick

lint: ## gofmt, vet, staticcheck, shellcheck, deadcode
	./test.sh --lint

update: ## rewrite golden files and generated pages; look at the diff
	go test . -run 'TestScripts' -update
	go test ./internal/doctor -run Docs -update
	go test ./internal/harden -run TestDocument -update
	go test ./cmd -run 'TestReference|TestSchemas' -update

bench: ## compare with other tools (docs/performance.md)
	go run -tags bench ./internal/bench prompt

recording: build ## run the session of the README with real releases, draw it
	PATH="$(CURDIR)/.cache/bin:$$PATH" go run ./docs/recording >docs/recording.svg.new && mv docs/recording.svg.new docs/recording.svg

release: ## build the release VERSION from its tag into dist, signed with KEY (docs/releasing.md)
	packaging/release.sh --out dist $(if $(KEY),--key $(KEY)) $(VERSION)
