# Goshawk: everything a developer and CI does. `make` lists the targets.

GO ?= go
HEC := $(GO) -C test/hec

.DEFAULT_GOAL := help
.PHONY: help build run test test-deps generate lint bench record soak test-kernels fuzz image manifests chart \
	test-cluster cluster-up cluster-down

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

build: ## build bin/goshawk (needs Go alone)
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags "-s -w" -o bin/goshawk ./cmd/goshawk

run: build ## build and start the agent with the shipped rules (root)
	./bin/goshawk run

test-deps:
	@./test/install tests

test: test-deps build ## all tests, on the live kernel (root)
	$(GO) test -race -count=1 ./...
	$(HEC) test -race -count=1 ./...

generate: ## rebuild the kernel side's objects and what is generated from code
	@./test/install generate
	$(GO) generate ./...
	$(GO) test ./internal/field ./internal/agent/config ./rules -update

lint: ## format, vet, staticcheck, layers
	@./test/install lint
	@./test/lint

bench: build ## cost per call, events per second, allocations (root)
	$(GO) run ./test/bench

record: ## record anew the events that benchmarks of the matcher use (root, Debian)
	./test/record/workloads

soak: build ## ten minutes of mixed load: memory and accounts (root)
	$(GO) run ./test/soak -duration 10m

test-kernels: ## the kernel side on Debian's 5.10, 6.1 and 6.12 under emulation
	./test/kernels/run

test-cluster: ## the agent in a real Kubernetes, built and started here (root, Debian)
	@./test/install cluster
	$(GO) test -tags cluster -count=1 -timeout 45m -v ./test/cluster

cluster-up: ## start that Kubernetes to try things by hand; prints how to use it
	@./test/install cluster
	$(GO) run ./test/cluster/run up

cluster-down: ## take it away again
	$(GO) run ./test/cluster/run down

fuzz: ## fuzz every parser for a minute each
	./test/fuzz

image: ## build the image for amd64 and arm64, offline (buildah)
	./deploy/image/build

manifests: ## write the plain manifests from the chart (helm)
	./deploy/manifests/make

chart: ## pack the chart as bin/goshawk-VERSION.tgz (helm)
	./deploy/helm/run package deploy/helm/goshawk -d bin
