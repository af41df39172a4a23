# Two commands do everything on a fresh machine: `make test` and `make e2e`. Each installs or builds what it lacks.
#
# make itself ends with 2 whatever went wrong; where the exit code matters (0 conformant, 1 not conformant, 2 wrong use,
# 3 inconclusive), run `make commands` once and then .bin/conformance or .bin/confdev with the same variables in the environment.

GO   ?= go
user := .bin/conformance
dev  := .bin/confdev

# What a person typed is handed on to the letter, in the environment: make would take the $ of a regular expression for its own, and a shell
# would run what the name of a report folder says. A recipe refers to a variable as $$NAME, never as $(NAME).
typed := $(foreach v,$(.VARIABLES),$(if $(findstring command,$(origin $v)),$v))
$(foreach v,$(typed),$(eval override $v := $$(value $v)))
export $(typed)

# A flag with the value of a variable that was typed, and not of one that the environment has.
flag = $(if $(filter $1,$(typed)),--$2="$$$1")
cleaned_cluster = $(call flag,KUBECONFIG,kubeconfig) $(call flag,CONTEXT,context) $(call flag,NAMESPACES,namespaces) \
	$(call flag,NAMESPACE_PREFIX,namespace-prefix) $(call flag,RUN,run) $(call flag,ALL,all) $(call flag,REPORT_DIR,report-dir)

.DEFAULT_GOAL := help
.PHONY: help commands $(user) $(dev) toolchain e2e explore certify cluster cluster-down judge report compare diagnose faults mutants disturbances matrix speed scale nightly test verify fmt catalogue coverage rbac pictures bench clean clean-cluster image images bundle plugin

# A recipe ends with exec, so that a signal which make passes on reaches the program and not a shell that dies in front of it.
##
## The suite
e2e: $(dev)          ; @exec $(dev) e2e                      ## hold the example and every guarantee to a kind cluster, made here if none is kept
explore: $(dev)      ; @exec $(dev) explore                  ## do random things to sets on a kind cluster, judge them, and shrink what is found broken (EXPLORE=5m, EPISODE=file)
certify: $(user)     ; @exec $(user) certify                 ## hold an existing cluster to every guarantee (KUBECONFIG, CONTEXT)
clean-cluster: $(user) ; @exec $(user) clean $(cleaned_cluster) ## list what ended runs left on that cluster (KUBECONFIG=), and remove it (RUN=name or ALL=1)
image: $(dev)        ; @exec $(dev) image                    ## build the suite's container image, dist/suite.tar, to certify from inside (e2e/deploy/job.yaml)
images: $(user)      ; @exec $(user) images                  ## list every image that a run on a cluster of yours uses, by digest
bundle: $(dev)       ; @exec $(dev) bundle                   ## pack program, images and manifests into one archive, for machines without network and Go
plugin: $(dev)       ; @exec $(dev) plugin                   ## pack the program as a plugin of kubectl below dist, with krew's manifest
cluster: $(dev)      ; @exec $(dev) cluster up               ## make a kind cluster for work, or check the existing one; e2e then uses it
cluster-down: $(dev) ; @exec $(dev) cluster down             ## remove it
judge: $(user)       ; @exec $(user) judge "$${REPORT:-report}" ## judge a saved report again, without a cluster (REPORT=folder)
report: $(user)      ; @exec $(user) report "$${REPORT:-report}" ## render the pages of a saved report again (REPORT=folder)
compare: $(user)     ; @exec $(user) compare "$${BEFORE:-}" "$${AFTER:-report}" ## say what two reports differ in, such as before and after an upgrade (BEFORE=folder, AFTER=folder)
diagnose: $(user)    ; @exec $(user) diagnose                ## say why a StatefulSet is in trouble (NAMESPACE=, SET=, KUBECONFIG, CONTEXT)
faults: $(dev)       ; @exec $(dev) faults                   ## plant faults in a cluster of its own and show that each is caught (FAULT=name, update-* or uncaught)
mutants: $(dev)      ; @exec $(dev) mutants                  ## change the controller in one place after another, by rule, and show what the suite notices (MUTANT=names, SAMPLE=n)
disturbances: $(dev) ; @exec $(dev) disturbances             ## disturb a correct cluster and show that no guarantee is found broken (DISTURBANCE=name, BY=explore)
matrix: $(dev)       ; @exec $(dev) matrix                   ## run the suite on clusters of other versions, address families, zones and storage (MATRIX=name, BY=explore)
speed: $(dev)        ; @exec $(dev) speed                    ## measure how long the suite takes on a kept cluster (RUNS=5, LEVEL=core)
scale: $(dev)        ; @exec $(dev) scale                    ## run the specs of scale on simulated nodes, and show what the controller and the suite take (SIZES=10,100,1000)
nightly: $(dev)      ; @exec $(dev) nightly                  ## run the suite RUNS times in random order, and distinguish regressions from flakes (RUNS=3)
##
## The project
test: toolchain   ; @exec hack/check test                ## every check that needs no cluster: verify, go vet, unit tests
verify: toolchain ; @exec hack/check check               ## style, lint, generated files: reports every failure, edits nothing
fmt: toolchain    ; @exec hack/check fmt                 ## format the code and tidy the modules
catalogue: toolchain ; @exec $(GO) test ./e2e/specs ./e2e/internal/report -count=1 -run '^(TestCatalogue|TestSchemaNamesEveryRow)$$' -update ## write e2e/CATALOGUE.md and the rows of the report's schema from the contract
coverage: toolchain ; @REPORT="$$(realpath "$${REPORT:-report}")" exec $(GO) test ./e2e/internal/report -count=1 -run '^TestCoverage$$' -update ## write e2e/COVERAGE.md from the report of a whole run (REPORT=folder)
rbac: toolchain   ; @exec $(GO) test ./e2e/internal/rbac -count=1 -run '^TestManifest' -update ## write e2e/deploy/rbac*.yaml from the suite's rights
pictures: toolchain ; @exec $(GO) test ./e2e/internal/report -count=1 -run '^TestPictures$$' -update ## take the README's pictures anew, of recorded runs
bench: toolchain  ; @exec $(GO) test ./e2e/internal/... -run '^$$' -bench . -benchmem ## measure the judges and the history
clean: $(dev)     ; @$(dev) clean && rm -rf .bin report dist ## remove all that this project left on this machine, reports included
help:             ; @exec awk -f hack/help.awk Makefile   ## this text
##
## Settings, as NAME=value behind any target of the suite
##   FOCUS=regexp LABELS=filter     only some specs; a guarantee's label is its ID with a dot for the slash
##   LEVEL=core|extended|workload|disruptive    levels checked (extended)    PROCS=n SEED=n      processes, order of the specs
##   REPORT_DIR=folder              where the report goes (report)   KEEP_CLUSTER=1      keep a cluster whose run failed
##   STORAGE_CLASS=name             instead of the cluster's default LIMITS=name=time,.. other time limits
##   RUNS=n FAULTS=weekly|always|never TREND=file       of nightly: runs, planted faults, file that keeps a line a night
##   K8S_VERSION=v1.x.y             of the cluster                   CLUSTER_NAME=name   another cluster beside
##   KUBECONFIG=file CONTEXT=name   which cluster to certify       NAMESPACE_PREFIX=x  names of its namespaces (sts)
##   RUN=name ALL=1                 which runs clean-cluster removes; it takes the cluster from the command line alone
##   TIME_LIMIT=time                ends a run that takes longer (1h)
##   RETRIES=n                      repeats a spec that other clients disturbed, never one that found something broken (0)
##   OBJECTIVE=pod-ready.p95=30s,.. what figures may be at most: shown met or not, and no part of conformance
##   KNOWN_ISSUES=file              guarantees known to be broken, with reason and expires: shown, and no verdict changes
##   HELD_TO=v1.x                   holds the cluster to the promises of a later version, which show what an upgrade mends
##   EXPLORE=time EXPLORE_NAMESPACES=n    random acts after the specs, for that time in so many namespaces (0, 3; 1 at disruptive)
##   SCALE=n                        specs that create, scale, update and delete n pods, judged as they are (0)
##   EPISODE=file COVERAGE=file     a saved episode of acts to carry out again; what was tried so far
##   RESULTS_DIR=folder             receives e2e.log and junit_01.xml of certify, as hydrophone names them
##   NAMESPACES=a,b,...             empty ones that certify is to use, instead of making its own: needs rights in them alone
##   IMAGE_MIRROR=registry/path     where certify's images come from, instead of their own registry
##   POD_PATCH=file                 a strategic merge patch for all pods, for what policies and pools of nodes ask of them
##   NODE_SELECTOR=a=b TOLERATIONS=key=value:effect PRIORITY_CLASS=name RUNTIME_CLASS=name    the same, typed here
##   CLAIM_SIZE=size PULL_SECRET=file    least size of claims (16Mi); credentials of registries, as docker login writes them
##   NAMESPACE_LABELS=a=b,.. NAMESPACE_ANNOTATIONS=a=b,..    further ones of the namespaces that a run makes
##   NODE_IMAGE= NGINX_IMAGE= BUSYBOX_IMAGE= ETCD_IMAGE= EARLIER_ETCD_IMAGE= POSTGRES_IMAGE=  images to use as they are, from a private mirror for instance
##   IMAGE_ARCH=amd64|arm64         what image and bundle are made for, where nodes are of another architecture than this machine

commands: $(user) $(dev)

$(user) $(dev): toolchain
	@test -x $@ || echo "$(@F): building the command; the first time this takes a minute or two"
	@exec $(GO) build -buildvcs=false -o $@ ./e2e/cmd/$(@F)

toolchain:
	@command -v $(GO) >/dev/null || { \
		echo "Go is missing: install Go $(shell sed -n 's/^go //p' go.mod) or newer (https://go.dev/doc/install) and put its bin folder on PATH"; exit 2; } >&2
	@found=$$($(GO) list -m 2>&1) || { \
		echo "Go $(shell sed -n 's/^go //p' go.mod) or newer is needed (https://go.dev/doc/install), and this one does not do:"; \
		$(GO) version; echo "$$found"; exit 2; } >&2
