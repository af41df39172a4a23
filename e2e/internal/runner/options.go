package runner

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onsi/ginkgo/v2/types"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Options say what a run is to do.
type Options struct {
	Focus, Labels, Procs, Seed string
	Level                      contract.Level
	// ReportDir is absolute once the options are valid.
	ReportDir       string
	StorageClass    string
	Limits          runconfig.Limits
	LimitChanges    string           // as typed
	Images          runconfig.Images // those that the person named
	NamespacePrefix string
	Namespaces      []string // existing ones to use
	FailFast        bool     // the first spec that fails ends the run
	Retries         int      // how often a spec may be repeated that other clients disturbed
	TimeLimit       time.Duration
	Exploration     Exploration
	Scale           Scale
	Workload        Workload
	Advisory        Advisory

	// HeldTo is a version of Kubernetes, such as v1.34, whose promises the cluster is held to if it is later than its own.
	HeldTo string

	level, namespaces, timeLimit, retries string // as typed
	used                                  *apiclient.Usage
}

// DefaultNamespacePrefix begins the names of a run's namespaces if nobody chose another.
const DefaultNamespacePrefix = "sts"

// DefaultReportDir is the report folder that nobody named.
const DefaultReportDir = "report"

// AddFlags defines the flags of the options.
func (o *Options) AddFlags(f cli.Flags) {
	f.String(&o.Focus, "FOCUS", "", "run only specs whose text matches this `regexp`")
	f.String(&o.Labels, "LABELS", "", "run only specs that this Ginkgo label `filter` selects; a guarantee's label is its ID with a dot for the slash, such as ordering.create")
	f.String(&o.level, "LEVEL", string(contract.Extended), "highest `level` of guarantees to check")
	f.String(&o.Procs, "PROCS", "", "`number` of specs that run at once (default: to fit the machine)")
	f.String(&o.Seed, "SEED", "", "`number` that decides the order of the specs")
	f.String(&o.ReportDir, "REPORT_DIR", "", "`folder` of the report (default: "+DefaultReportDir+")")
	f.String(&o.StorageClass, "STORAGE_CLASS", "", "`name` of the StorageClass of claims (default: the cluster's default)")
	f.String(&o.LimitChanges, "LIMITS", "", "other time limits, as `name=duration`,...; the help of certify describes all")
	f.String(&o.timeLimit, "TIME_LIMIT", "1h", "`time` after which a run that has not ended is cut short, and so inconclusive; random acts may take theirs beside it")
	f.String(&o.retries, "RETRIES", "0", "`times` that a spec is repeated which other clients disturbed and which is inconclusive because of that; one that found something broken is never repeated")
	f.String(&o.HeldTo, "HELD_TO", "", "later `version` of Kubernetes, such as v1.34, whose promises the cluster is held to: shows which of its defects that version mended (default: the cluster's own)")
	o.Exploration.addFlags(f)
	o.Scale.addFlags(f)
	o.Workload.addFlags(f)
	o.Advisory.addFlags(f)
	f.String(&o.Images.Nginx, "NGINX_IMAGE", "", "nginx `image` of the pods")
	f.String(&o.Images.Busybox, "BUSYBOX_IMAGE", "", "busybox `image` of the pods")
	f.String(&o.Images.Etcd, "ETCD_IMAGE", "", "etcd `image` of the level workload (default: the one of the cluster's own control plane)")
	f.String(&o.Images.EarlierEtcd, "EARLIER_ETCD_IMAGE", "", "etcd `image` that a spec of the level workload updates to ETCD_IMAGE (default: on a cluster made here the version before that, else none, so that it changes flags only)")
	f.String(&o.Images.Postgres, "POSTGRES_IMAGE", "", "PostgreSQL `image` of the level workload")
	f.String(&o.NamespacePrefix, "NAMESPACE_PREFIX", DefaultNamespacePrefix, "`text` that the names of namespaces begin with")
	f.String(&o.namespaces, "NAMESPACES", "", "existing empty `namespaces` to use instead of making any, as a,b,...: the account then needs rights in them alone (manifests rbac-namespaced)")
}

// UseReportDir sets the default of the report folder: what ends up there does not mix with other runs.
func (o *Options) UseReportDir(parts ...string) {
	if o.ReportDir == "" {
		o.ReportDir = filepath.Join(append([]string{DefaultReportDir}, parts...)...)
	}
}

// SetLevel replaces the level that was chosen; Validate must follow.
func (o *Options) SetLevel(level contract.Level) { o.level = string(level) }

// Validate completes the options and returns everything that is wrong with them. levels are those that the command allows.
func (o *Options) Validate(levels ...contract.Level) []preflight.Problem {
	o.used = new(apiclient.Usage)
	var problems []preflight.Problem
	wrong := func(format string, args ...any) {
		problems = append(problems, preflight.Problem{Usage: true, Text: strings.Join(strings.Fields(fmt.Sprintf(format, args...)), " ")})
	}
	var err error
	if o.Limits, err = runconfig.DefaultLimits().Override(o.LimitChanges); err != nil {
		wrong("LIMITS: %v", err)
	}
	if o.TimeLimit, err = time.ParseDuration(o.timeLimit); err != nil || o.TimeLimit < time.Minute {
		wrong("TIME_LIMIT=%s: expected a time of a minute or more, such as 90m or 2h", o.timeLimit)
	}
	if o.Level = contract.Level(o.level); !slices.Contains(levels, o.Level) {
		wrong("LEVEL=%s: expected one of %v", o.Level, levels)
	}
	if o.Retries, err = strconv.Atoi(o.retries); err != nil || o.Retries < 0 || o.Retries > maxRetries {
		wrong("RETRIES=%s: expected a number of times, from 0 to %d", o.retries, maxRetries)
	}
	if _, err := version.ParseGeneric(o.HeldTo); o.HeldTo != "" && err != nil {
		wrong("HELD_TO=%s: expected a version of Kubernetes, such as v1.34", o.HeldTo)
	}
	if n, err := strconv.Atoi(o.Procs); o.Procs != "" && (err != nil || n < 1) {
		wrong("PROCS=%s: expected a number of processes, 1 or more; leave it out to fit the machine", o.Procs)
	}
	if _, err := strconv.ParseInt(o.Seed, 10, 64); o.Seed != "" && err != nil {
		wrong("SEED=%s: expected a whole number, such as one that an earlier run printed", o.Seed)
	}
	if _, err := regexp.Compile(o.Focus); err != nil {
		wrong("FOCUS=%s: expected a regular expression, found: %v", o.Focus, err)
	}
	if _, err := types.ParseLabelFilter(o.Labels); err != nil {
		wrong("LABELS=%s: expected a Ginkgo label filter, such as \"ordering.create || dns.pod\"; found one that cannot be read", o.Labels)
	}
	o.validateNamespaces(wrong)
	o.Exploration.validate(o.Level, wrong)
	o.Scale.validate(wrong)
	o.Workload.validate(len(o.Namespaces) > 0, wrong)
	o.Advisory.validate(time.Now(), wrong)
	o.TimeLimit += o.Exploration.longest()
	o.UseReportDir()
	dir := o.ReportDir
	if o.ReportDir, err = filepath.Abs(dir); err == nil {
		err = writable(o.ReportDir)
	}
	if err != nil {
		wrong("REPORT_DIR=%s: expected a folder that can be written, found: %v; name another", dir, err)
	}
	return problems
}

func (o *Options) validateNamespaces(wrong func(format string, args ...any)) {
	o.Namespaces = strings.FieldsFunc(o.namespaces, func(r rune) bool { return r == ',' || r == ' ' })
	for i, name := range o.Namespaces {
		if len(validation.IsDNS1123Label(name)) > 0 || slices.Contains(o.Namespaces[:i], name) {
			wrong("NAMESPACES=%s: expected names of namespaces with commas between them, each once, found %q", o.namespaces, name)
		}
	}
	switch n, _ := strconv.Atoi(o.Procs); {
	case len(o.Namespaces) == 0:
	case o.Procs == "":
		o.Procs = strconv.Itoa(len(o.Namespaces))
	case n > len(o.Namespaces):
		wrong("PROCS=%s: expected at most one process for each of the %d NAMESPACES; name more of them, or leave PROCS out", o.Procs, len(o.Namespaces))
	}
	// The API server makes a name of the prefix, a dash and five letters.
	if len(validation.IsDNS1123Label(o.NamespacePrefix+"-abcde")) > 0 {
		wrong("NAMESPACE_PREFIX=%s: expected lower-case letters, digits and dashes, at most %d, beginning with a letter or digit",
			o.NamespacePrefix, validation.DNS1123LabelMaxLength-len("-abcde"))
	}
}

// writable tries the folder, or the nearest existing one above it, and leaves nothing behind.
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

// Settings are those of a run of that name with these images; the cluster is the caller's to fill in.
func (o *Options) Settings(run string, images runconfig.Images) runconfig.Settings {
	images.Etcd, images.Postgres = cmp.Or(o.Images.Etcd, images.Etcd), cmp.Or(o.Images.Postgres, images.Postgres)
	images.EarlierEtcd = cmp.Or(o.Images.EarlierEtcd, images.EarlierEtcd)
	if o.Level != contract.Workload {
		images.Postgres, images.EarlierEtcd = "", ""
	}
	return runconfig.Settings{
		Run: run, Level: o.Level, StorageClass: o.StorageClass, NamespacePrefix: o.NamespacePrefix, ReportDir: o.ReportDir, Limits: o.Limits,
		Namespaces: o.Namespaces, Retries: o.Retries, Images: images, NamedImages: o.Images, Scale: o.Scale.settings(o.TimeLimit), Focus: o.Focus, Labels: o.Labels, HeldTo: o.HeldTo, ID: string(uuid.NewUUID()),
		// A run that is cut short still cleans up.
		LastsAtMost: o.TimeLimit + gracePeriod + killDelay, TimeLimit: o.TimeLimit,
		Objectives: o.Advisory.Objectives, KnownIssues: o.Advisory.KnownIssues,
		PodPatch: o.Workload.PodPatch, ClaimSize: o.Workload.ClaimSize, PullSecret: o.Workload.PullSecret,
		NamespaceLabels: o.Workload.NamespaceLabels, NamespaceAnnotations: o.Workload.NamespaceAnnotations,
	}
}
