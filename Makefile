# Developer and user entry points. `make demo` needs Go alone; `make test`, `make synth` and `make deploy` need Node as well.

GO ?= go
# What AWS runs: small, static, without the RPC mode of the go1.x runtime.
FUNCTION_FLAGS := -trimpath -tags lambda.norpc -ldflags "-s -w"

.PHONY: build console console-browser function host-function check function-size lint lint-templates test test-large suites load sim sim-next bench fuzz synth deploy demo emulators smoke smoke-sandbox module words release-files release-snapshot release release-proof clean help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  %-16s %s\n", $$1, $$2}'

build: host-function ## build the command and the function for this machine into bin/
	$(GO) build -trimpath -o bin/s3fanout ./cmd/s3fanout

# The sandbox runs the real function binary, so it is built for this machine too, next to the command. A further function goes
# to bin/NAME/bootstrap, and for AWS to build/NAME/.
host-function:
	CGO_ENABLED=0 $(GO) build $(FUNCTION_FLAGS) -o bin/bootstrap ./lambda
	CGO_ENABLED=0 $(GO) build $(FUNCTION_FLAGS) -o bin/adopt/bootstrap ./lambda/adopt
	CGO_ENABLED=0 $(GO) build $(FUNCTION_FLAGS) -o bin/reconcile/bootstrap ./lambda/reconcile

# The second one is there for adopted buckets alone, the third one with "reconcile" in cdk.json.
function: ## build the functions for AWS, for both of Lambda's processors, into build/function, build/adopt and build/reconcile
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build $(FUNCTION_FLAGS) -o build/function/arm64/bootstrap ./lambda
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build $(FUNCTION_FLAGS) -o build/function/x86_64/bootstrap ./lambda
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build $(FUNCTION_FLAGS) -o build/adopt/arm64/bootstrap ./lambda/adopt
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build $(FUNCTION_FLAGS) -o build/adopt/x86_64/bootstrap ./lambda/adopt
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build $(FUNCTION_FLAGS) -o build/reconcile/arm64/bootstrap ./lambda/reconcile
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build $(FUNCTION_FLAGS) -o build/reconcile/x86_64/bootstrap ./lambda/reconcile

demo: build ## run three Regions on this machine and show every object arrive everywhere
	bin/s3fanout demo

console: build ## run three Regions on this machine and show them in a browser
	bin/s3fanout sandbox --console --retry-wait 2s

node_modules: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch node_modules

# Without the race detector: jsii does not allow it, and a projection is one goroutine that computes. It also allocates, so that
# allocations are counted without it.
UNRACED := ./infra/... ./internal/proof/projection ./internal/proof/rename
# They begin first, and wait for most of their time, in which the others run.
LONGEST := ./internal/proof/e2e ./cmd/s3fanout
# A program under the race detector sleeps before it ends, for goroutines that still run: for a second, unless told otherwise.
# Tests are many such programs, and run many; none of theirs outlives them.
test: export GORACE := atexit_sleep_ms=10
test: node_modules ## run all tests, under the race detector where it can find something (needs Go and Node)
	$(GO) test $(UNRACED)
	$(GO) test -run 'TestAllocations|TestMemoryOfACopyUnderWay' ./lambda ./internal/function/replicator ./internal/operator/backfill
	GO="$(GO)" tools/race.sh -timeout 30m -- $(LONGEST) $$($(GO) list ./... | grep -vE '/(infra(/.*)?|projection|rename|e2e|cmd/s3fanout)$$')

test-large: ## run the tests that take minutes: 5 GiB and a byte, 10,000 parts, a million keys, storms in which everything is killed
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestFiveGiBAndAByte|TestTenThousandPartsInBoundedMemory|TestALargeRepairGoesOnWithTheNextTick' -v ./internal/proof/e2e
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestMemoryAndRequestsOfManyKeys' -v ./internal/operator/verify
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestMemoryOfManyKeys' -v ./lambda/reconcile
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestDryRunListsEveryLetterEveryTime' -v ./cmd/s3fanout
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestProjectionIsDocumented' -v ./internal/proof/projection
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestRenamedModuleBuilds' -v ./internal/proof/rename
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 30m -run 'TestNothingIsLostInManyStorms|TestBurstOfOneThousand|TestFollowedStormOfManyKeys|TestRegionJoinsASetThatFollows|TestRegionLeavesAnAccessPoint|TestFailoverWhileNobodyListsAccessPoints|TestRunbookOfARegionThatIsDown|TestFailoverPolicies|TestDrillWithARegionCutOff|TestInterruptedDrill' -v ./internal/proof/e2e

# Programs that others wrote, in directories of their own: Python's environment, and a Go command outside of this module.
build/clients: tools/clients.txt
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

VERSITYGW := v1.8.0
build/versitygw-$(VERSITYGW)/versitygw:
	GOBIN=$(CURDIR)/$(@D) $(GO) install github.com/versity/versitygw/cmd/versitygw@$(VERSITYGW)

# Without grpc, which only Google's storage would take, it has half the size.
RESTIC := v0.18.1
build/restic-$(RESTIC)/restic:
	GOBIN=$(CURDIR)/$(@D) CGO_ENABLED=0 $(GO) install -tags disable_grpc_modules github.com/restic/restic/cmd/restic@$(RESTIC)

suites: build/clients build/versitygw-$(VERSITYGW)/versitygw build/restic-$(RESTIC)/restic ## try the sandbox with versitygw's tests and with programs that others wrote (needs Python)
	S3FANOUT_CLIENTS=$(CURDIR)/build/clients/bin S3FANOUT_VERSITYGW=$(CURDIR)/build/versitygw-$(VERSITYGW)/versitygw \
	  S3FANOUT_RESTIC=$(CURDIR)/build/restic-$(RESTIC)/restic \
	  $(GO) test -count=1 -timeout 20m -run 'TestVersitygwSuite|TestRealClients|TestPrograms' -v ./internal/proof/e2e

console-browser: build node_modules ## try the console in Chromium, with axe-core; PICTURES=DIR takes its pictures (installs Chromium on Debian)
	cd tools/console && CHROMIUM=$$(./chromium.sh) PICTURES='$(PICTURES)' $(GO) test -count=1 -parallel 1 -timeout 20m ./...

load: ## upload 20,000 objects while S3 throttles and a Region is unavailable, and print the figures (8 minutes)
	S3FANOUT_E2E_LARGE=1 $(GO) test -timeout 45m -run 'TestBurstOfTwentyThousand' -v ./internal/proof/e2e

bench: build build/clients ## compare with other tools and with minimal implementations, into docs/internals/benchmarks.md (needs Python)
	CGO_ENABLED=0 $(GO) build $(FUNCTION_FLAGS) -o bin/hello ./internal/proof/bench/hello
	$(GO) run ./internal/proof/bench $(BENCH)
	$(GO) run ./internal/proof/bench -only backfill $(BENCH) -network none -write ""

SEEDS ?= 20000
FIRST ?= 1
sim: ## run SEEDS schedules against a model of AWS, then show that each deliberate bug is found
	$(GO) test -timeout 12h -run 'TestSchedules|TestFollowSchedules' -v ./internal/proof/sim -sim.seeds $(SEEDS) -sim.first $(FIRST)
	S3FANOUT_MUTANTS=1 $(GO) test -timeout 60m -run 'TestMutants$$|TestFollowMutants$$' -v ./internal/proof/sim

SCHEDULES ?= 20000
sim-next: ## run the next SCHEDULES of each mode of the simulation, and write them into docs/internals/schedules.csv
	GO=$(GO) tools/sim-next.sh $(SCHEDULES)

# Two targets at a time, with a worker each.
FUZZTIME ?= 1m
fuzz: ## run every fuzz target for FUZZTIME, a minute each unless said otherwise
	@$(GO) vet ./... # what does not compile is not listed
	@$(GO) list ./... | while read -r package; do \
	  $(GO) test -list '^Fuzz' "$$package" | grep '^Fuzz' | sed "s|^|$(FUZZTIME) $$package |"; \
	done | GO=$(GO) xargs -P 2 -L 1 tools/fuzz.sh

lint: ## run the linters, pinned in tools/go.mod, also on tools
	$(GO) tool -modfile=tools/go.mod golangci-lint run
	@for module in tools/console tools/recipes; do (cd $$module && echo $$module && $(GO) tool -modfile=../go.mod golangci-lint run) || exit 1; done

# AWS has no limit here, but every cold start loads it. The same program has a tenth more bytes on x86_64.
FUNCTION_MAX_arm64 := 9961472
FUNCTION_MAX_x86_64 := 11010048
ADOPT_MAX_arm64 := 8388608
ADOPT_MAX_x86_64 := 9437184
function-size: function ## fail if a function for AWS is over 9.5 MiB (arm64) or 10.5 MiB (x86_64), or that of adopted buckets over 8 or 9
	@for limit in function/arm64:$(FUNCTION_MAX_arm64) function/x86_64:$(FUNCTION_MAX_x86_64) adopt/arm64:$(ADOPT_MAX_arm64) adopt/x86_64:$(ADOPT_MAX_x86_64) \
	  reconcile/arm64:$(FUNCTION_MAX_arm64) reconcile/x86_64:$(FUNCTION_MAX_x86_64); do \
	  size=$$(wc -c < build/$${limit%:*}/bootstrap); echo "$${limit%:*}: $$size bytes of $${limit#*:}"; \
	  test "$$size" -le "$${limit#*:}" || exit 1; \
	done

check: lint ## gofmt, go vet, on Windows and macOS too, the linters, and the configuration of releases
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt: $$unformatted"; exit 1; }
	$(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	GOOS=darwin GOARCH=arm64 $(GO) vet ./...
	$(GORELEASER) check --quiet

synth: node_modules function ## synthesize the CloudFormation templates into cdk.out
	npx cdk synth --quiet

# A Python tool, in an environment of its own; nothing else here needs Python.
build/lint-templates: tools/requirements.txt
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@

lint-templates: synth build/lint-templates ## check the templates, of every feature too, with cfn-lint, and the recipes that deploy them (needs Python)
	npx cdk synth --quiet --output build/adopting --context s3fanout="$$(tr -d '\n' < infra/testdata/adopting.json)"
	npx cdk synth --quiet --output build/careful --context s3fanout="$$(tr -d '\n' < infra/testdata/careful.json)"
	npx cdk synth --quiet --output build/follow --context s3fanout="$$(tr -d '\n' < infra/testdata/follow.json)"
	npx cdk synth --quiet --output build/reconcile-templates --context s3fanout="$$(tr -d '\n' < infra/testdata/reconcile.json)"
	npx cdk synth --quiet --output build/access --context s3fanout="$$(tr -d '\n' < infra/testdata/access.json)"
	build/lint-templates/bin/cfn-lint --template cdk.out/*.template.json build/careful/*.template.json build/adopting/*.template.json build/follow/*.template.json build/reconcile-templates/*.template.json \
	  build/access/*.template.json docs/recipes/slack.json docs/recipes/pagerduty.json
	cd tools/recipes && $(GO) test -count=1 ./...

# Without a terminal the cdk command asks nobody and deploys nothing, unless APPROVAL says how much may go unapproved:
# never asks for none, broadening for what widens permissions.
deploy: node_modules function ## deploy every Region of cdk.json; APPROVAL=never works without a terminal
	npx cdk deploy --all $(if $(APPROVAL),--require-approval $(APPROVAL)) $(CDK_OPTIONS)

# What the suite is run with; further fields such as {"follow":["overwrites","deletions","tags"]} choose its steps.
REGIONS ?= us-east-1,eu-west-1,ap-northeast-1
CONFIG ?= {}

build/ministack: tools/ministack.txt
	python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --requirement $<
	@touch $@

emulators: build function node_modules build/ministack ## run the end-to-end suite on an emulator that others wrote (Linux; needs Python)
	$(GO) run ./internal/proof/suite -target emulator -config '$(CONFIG)' $(SUITE)

smoke: build function node_modules ## run the end-to-end suite on your AWS account: asks first, and leaves nothing
	$(GO) run ./internal/proof/suite -target account -regions '$(REGIONS)' -config '$(CONFIG)' $(SUITE)

smoke-sandbox: build function node_modules ## run what make smoke runs on the sandbox instead
	$(GO) run ./internal/proof/suite -target sandbox -regions '$(REGIONS)' -config '$(CONFIG)' $(SUITE)

module: ## give the module another path: make module MODULE=example.com/your/path
	$(GO) run ./internal/proof/rename '$(MODULE)'

words: ## print how many words each page has, and which of its sentences and words to replace
	@$(GO) test -count=1 -run TestPagesAreReadable -v ./internal/proof/prose

# Tools of a release have a module of their own, so that neither the product nor the linters grow by them.
GORELEASER := $(GO) tool -modfile=tools/release/go.mod goreleaser

# What is the same on every system, besides the programs.
release-files: function
	$(GO) run ./internal/release build/release

# PLATFORM=linux/amd64 makes it for that one alone. Checksums are signed if MINISIGN_KEY names the file with the key.
release-snapshot: ## make what a release has, for every system, into dist/, and publish nothing
	@mkdir -p build
	sed -e '' $(if $(PLATFORM),-e 's|goos: \[.*|goos: [$(word 1,$(subst /, ,$(PLATFORM)))]|' -e 's|goarch: \[.*|goarch: [$(word 2,$(subst /, ,$(PLATFORM)))]|') \
	  .goreleaser.yaml > build/goreleaser.yaml
	$(GORELEASER) release --config build/goreleaser.yaml --snapshot --clean $(if $(MINISIGN_KEY),,--skip=sign)

# What the release workflow runs on a tag.
release:
	$(GORELEASER) release --clean $(if $(MINISIGN_KEY),,--skip=sign)

release-proof: ## make a release for this machine, and use it as a new user does (Linux; needs Node)
	$(MAKE) --no-print-directory release-snapshot PLATFORM=linux/$$($(GO) env GOARCH)
	tools/release-proof.sh dist

clean: ## remove what the targets above made
	rm -rf bin build cdk.out dist node_modules
