package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/onsi/ginkgo/v2/types"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// asked is what a person asked of a run, from the environment: that is how make hands its variables on.
type asked struct {
	focus, labels, procs, seed string
	level                      contract.Level
	reportDir                  string
	storageClass               string
	limits                     runconfig.Limits
	images                     nodeimage.Workload
	namespacePrefix            string
	keep                       bool
	reportInLog                bool
	imageMirror                string
	namespaces                 []string
	failFast                   bool // the first spec that fails ends the run
	// used notes which rights this process itself makes use of.
	used *apiclient.Usage
}

// readAsked returns what was asked and everything that is wrong with it. levels are those that can be asked here.
func readAsked(getenv func(string) string, levels ...contract.Level) (asked, []preflight.Problem) {
	a := asked{
		focus: getenv("FOCUS"), labels: getenv("LABELS"), procs: getenv("PROCS"), seed: getenv("SEED"),
		level: contract.Level(getenv("LEVEL")), storageClass: getenv("STORAGE_CLASS"), namespacePrefix: getenv("NAMESPACE_PREFIX"),
		images: nodeimage.Workload{Nginx: getenv("NGINX_IMAGE"), Busybox: getenv("BUSYBOX_IMAGE")},
		keep:   getenv("KEEP_CLUSTER") == "1", reportInLog: getenv("REPORT_IN_LOG") == "1", imageMirror: getenv("IMAGE_MIRROR"),
		used: new(apiclient.Usage),
	}
	var problems []preflight.Problem
	wrong := func(format string, args ...any) {
		problems = append(problems, preflight.Problem{Usage: true, Text: strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")})
	}
	var err error
	if a.limits, err = runconfig.DefaultLimits().Override(getenv("LIMITS")); err != nil {
		wrong("LIMITS: %v", err)
	}
	if a.level == "" {
		a.level = contract.Extended
	}
	if !slices.Contains(levels, a.level) {
		wrong("LEVEL=%s: expected one of %v", a.level, levels)
	}
	if n, err := strconv.Atoi(a.procs); a.procs != "" && (err != nil || n < 1) {
		wrong("PROCS=%s: expected a number of processes, 1 or more; leave it out to fit the machine", a.procs)
	}
	if _, err := strconv.ParseInt(a.seed, 10, 64); a.seed != "" && err != nil {
		wrong("SEED=%s: expected a whole number, such as one that an earlier run printed", a.seed)
	}
	if _, err := regexp.Compile(a.focus); err != nil {
		wrong("FOCUS=%s: expected a regular expression, found: %v", a.focus, err)
	}
	if _, err := types.ParseLabelFilter(a.labels); err != nil {
		wrong("LABELS=%s: expected a Ginkgo label filter, such as \"ordering.create || dns.pod\"; found one that cannot be read", a.labels)
	}
	a.namespaces = strings.FieldsFunc(getenv("NAMESPACES"), func(r rune) bool { return r == ',' || r == ' ' })
	for i, name := range a.namespaces {
		if len(validation.IsDNS1123Label(name)) > 0 || slices.Contains(a.namespaces[:i], name) {
			wrong("NAMESPACES=%s: expected names of namespaces with commas between them, each once, found %q", getenv("NAMESPACES"), name)
		}
	}
	switch n, _ := strconv.Atoi(a.procs); {
	case len(a.namespaces) == 0:
	case a.procs == "":
		a.procs = strconv.Itoa(len(a.namespaces))
	case n > len(a.namespaces):
		wrong("PROCS=%s: expected at most one process for each of the %d NAMESPACES; name more of them, or leave PROCS out", a.procs, len(a.namespaces))
	}
	if a.namespacePrefix == "" {
		a.namespacePrefix = "sts"
	}
	// The API server makes a name of the prefix, a dash and five letters.
	if len(validation.IsDNS1123Label(a.namespacePrefix+"-abcde")) > 0 {
		wrong("NAMESPACE_PREFIX=%s: expected lower-case letters, digits and dashes, at most %d, beginning with a letter or digit",
			a.namespacePrefix, validation.DNS1123LabelMaxLength-len("-abcde"))
	}
	dir := getenv("REPORT_DIR")
	if dir == "" {
		dir = "report"
	}
	if a.reportDir, err = filepath.Abs(dir); err == nil {
		err = writable(a.reportDir)
	}
	if err != nil {
		wrong("REPORT_DIR=%s: expected a folder that can be written, found: %v; name another", dir, err)
	}
	return a, problems
}

// writable tries the folder, or the nearest one above it that is there, and leaves nothing behind.
func writable(dir string) error {
	for {
		_, err := os.Stat(dir)
		if err == nil || dir == filepath.Dir(dir) {
			break
		}
		if !os.IsNotExist(err) {
			return err
		}
		dir = filepath.Dir(dir)
	}
	probe, err := os.CreateTemp(dir, ".conformance-*")
	if err != nil {
		return err
	}
	_ = probe.Close()
	return os.Remove(probe.Name())
}

// settings are those of a run of that name with these images; the cluster is the caller's to fill in.
func (a asked) settings(run string, images nodeimage.Workload) runconfig.Settings {
	return runconfig.Settings{
		Run: run, Level: a.level, StorageClass: a.storageClass, NamespacePrefix: a.namespacePrefix, ReportDir: a.reportDir, Limits: a.limits,
		Namespaces: a.namespaces,
		Images:     runconfig.Images{Nginx: images.Nginx, Busybox: images.Busybox}, Focus: a.focus, Labels: a.labels,
	}
}

// unfit turns preflight's problems into one error, with the exit code that fits the worst.
func unfit(problems []preflight.Problem) error {
	code := verdict.ExitUsage
	lines := make([]string, 0, len(problems))
	for _, p := range problems {
		if !p.Usage {
			code = verdict.ExitInconclusive
		}
		lines = append(lines, p.Text)
	}
	if len(lines) > 1 {
		lines[0] = fmt.Sprintf("%d problems\n%s", len(lines), lines[0])
	}
	return preflightError{text: strings.Join(lines, "\n"), code: code}
}

type preflightError struct {
	text string
	code int
}

func (e preflightError) Error() string { return e.text }

// ExitCode is the process's exit code.
func (e preflightError) ExitCode() int { return e.code }
