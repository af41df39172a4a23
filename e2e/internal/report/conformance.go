package report

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/figures"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// File is the machine-readable result of a run, below the report folder.
const File = "conformance.yaml"

// The version and kind in each result. A change that breaks readers makes a new version. Version 2 says "not selected" where version 1
// said "not asked"; Load reads both.
const (
	APIVersion = "statefulset-conformance.hero-academy.github.io/v2"
	Kind       = "ConformanceReport"
)

// Conformance is the machine-readable result of a run. Its JSON Schema is conformance.schema.json beside this file.
type Conformance struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	Result     verdict.Overall `json:"result"`
	// Partial says that the run was narrowed, judged with wide tolerances, or of a version that is held to a part of the contract.
	Partial  bool                    `json:"partial"`
	ExitCode int                     `json:"exitCode"`
	Totals   map[verdict.Verdict]int `json:"totals"`
	Start    time.Time               `json:"start"`
	Seconds  float64                 `json:"seconds"`
	Suite    Suite                   `json:"suite"`
	Cluster  Cluster                 `json:"cluster"`
	Settings Settings                `json:"settings"`
	// Lag is what the run shows of how far the StatefulSet controller was behind; reports of older suites lack it.
	Lag *Lag `json:"lag,omitempty"`
	// Databases are what those of the level workload went through.
	Databases []Database `json:"databases,omitempty"`
	// Figures are what the cluster took, and no part of conformance; reports of older suites lack them.
	Figures []figures.Figure `json:"figures,omitempty"`
	// Objectives are what came of a person's objectives for them.
	Objectives []figures.Objective `json:"objectives,omitempty"`
	// KnownIssues are those that a person named, with the verdicts, which they have no part in.
	KnownIssues []verdict.Known `json:"knownIssues,omitempty"`
	// Guarantees is the whole contract: a report that lacks a row is invalid.
	Guarantees []Guarantee `json:"guarantees"`
	Specs      []Spec      `json:"specs"`
	// Changes counts what was changed of sets while they were in which phase; reports of older suites lack it.
	Changes Changes `json:"changes,omitempty"`
	// SpecsSHA256 is the SHA-256 of specs.json, which holds the outcomes of the specs; reports of older suites lack it.
	SpecsSHA256 string   `json:"specsSHA256,omitempty"`
	Troubles    []string `json:"troubles,omitempty"`
}

// Suite identifies the suite that judged.
type Suite struct {
	Version string `json:"version"`
	// Digest is the SHA-256 of the suite's binary.
	Digest string `json:"digest,omitempty"`
}

// Cluster describes the cluster that was judged.
type Cluster struct {
	KubernetesVersion string   `json:"kubernetesVersion"`
	Nodes             []string `json:"nodes,omitempty"` // version and OS image of each
	StorageClass      string   `json:"storageClass,omitempty"`
	Provisioner       string   `json:"provisioner,omitempty"`
	DNSZone           string   `json:"dnsZone,omitempty"`
	// CNI is a guess from the daemon sets of kube-system: no API reports it.
	CNI string `json:"cni,omitempty"`
	// Measured is how long the cluster took before the first spec.
	Measured runconfig.Measured `json:"measured,omitzero"`
}

// Lag says how far the informer caches of the StatefulSet controller may be behind for a violation to count, and how long the controller took to
// show in a set's status that it had seen a change of the set's spec, in seconds.
type Lag struct {
	Bound     float64 `json:"bound"`
	Responses int     `json:"responses"` // how many were seen
	Median    float64 `json:"median"`
	Longest   float64 `json:"longest"`
}

// lagOf is the lag that the histories show, nil where they show none.
func lagOf(histories []verdict.JudgedHistory) *Lag {
	var all []time.Duration
	var bound time.Duration
	for _, j := range histories {
		all, bound = append(all, j.Responses...), max(bound, j.Lag)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	milliseconds := func(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
	return &Lag{Bound: milliseconds(bound), Responses: len(all), Median: milliseconds(all[len(all)/2]), Longest: milliseconds(all[len(all)-1])}
}

// String says it in a sentence.
func (l *Lag) String() string {
	return fmt.Sprintf("up to %g s are allowed for; %s of sets showed in the status after %g s (median), the last to show after %g s",
		l.Bound, count(l.Responses, "change", "changes"), l.Median, l.Longest)
}

// Guarantee is one row of the contract with its verdict.
type Guarantee struct {
	ID      contract.ID       `json:"id"`
	Level   contract.Level    `json:"level"`
	Sources []contract.Source `json:"sources"`
	Must    string            `json:"must"`
	Link    string            `json:"link"`
	Verdict verdict.Verdict   `json:"verdict"`
	// Specs counts the specs that exercised it, Transitions how often in all, Excused how often something broke it as it is written and
	// accuses nobody, Excuses the same by reason.
	Specs       int           `json:"specs"`
	Transitions int           `json:"transitions"`
	Excused     int           `json:"excused,omitempty"`
	Excuses     judge.Excuses `json:"excuses,omitempty"`
	Reasons     []string      `json:"reasons,omitempty"`
	Findings    []Finding     `json:"findings,omitempty"`
	Notes       []string      `json:"notes,omitempty"`
}

// Finding is one violation, or one case that could not be decided.
type Finding struct {
	Text    string `json:"text"`
	Spec    string `json:"spec"`
	History string `json:"history"`
	// Records are the sequence numbers of its evidence in that history.
	Records []int `json:"records,omitempty"`
}

// Spec is one spec and its history.
type Spec struct {
	Text    string  `json:"text"`
	State   string  `json:"state"`
	Seconds float64 `json:"seconds"`
	// ClusterSeconds is the time from the first recorded event to the last.
	ClusterSeconds float64 `json:"clusterSeconds,omitempty"`
	Message        string  `json:"message,omitempty"`
	History        string  `json:"history,omitempty"`
	SHA256         string  `json:"sha256,omitempty"` // of the history file
	// Repeats is, for another attempt, the text of the spec that it repeats, and Attempt its number.
	Repeats string `json:"repeats,omitempty"`
	Attempt int    `json:"attempt,omitempty"`
	// Disturbance is why the spec was repeated; Superseded says that a later attempt passed, so that only violations of this one would count.
	Disturbance string `json:"disturbance,omitempty"`
	Superseded  bool   `json:"superseded,omitempty"`
}

// New returns the report of a run. dir is the report folder with the histories, took how long the run took.
func New(dir string, run *verdict.Run, s runconfig.Settings, start time.Time, took time.Duration) (*Conformance, error) {
	c := &Conformance{
		APIVersion: APIVersion, Kind: Kind, Result: run.Overall, Partial: run.Partial, ExitCode: run.ExitCode(),
		Totals: map[verdict.Verdict]int{}, Start: start.UTC().Truncate(time.Second), Seconds: seconds(took), Troubles: run.Troubles,
		Suite: Suite(s.Suite),
		Cluster: Cluster{
			KubernetesVersion: s.Facts.KubernetesVersion, Nodes: s.Facts.Nodes, StorageClass: s.Facts.StorageClass,
			Provisioner: s.Facts.Provisioner, CNI: s.Facts.CNI, DNSZone: run.Zone, Measured: s.Facts.Measured,
		},
		Specs:      []Spec{}, // written as an empty list, not null
		Changes:    changesOf(run.Histories),
		Lag:        lagOf(run.Histories),
		Figures:    run.Figures(),
		Objectives: run.Objectives, KnownIssues: run.Known,
		Databases: databasesOf(run.Histories),
		Settings:  SettingsOf(s),
	}
	var err error
	if c.SpecsSHA256, err = fileDigest(dir, verdict.SpecsFile); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, r := range run.Rows {
		c.Totals[r.Verdict]++
		g := Guarantee{
			ID: r.ID, Level: r.Level, Sources: r.Sources, Must: r.Must, Link: r.Link, Verdict: r.Verdict,
			Specs: r.Specs, Transitions: r.Transitions, Excused: r.Excused.Total(), Excuses: r.Excused, Reasons: unique(r.Reasons), Notes: unique(r.Notes),
		}
		for _, f := range r.Findings {
			g.Findings = append(g.Findings, Finding{Text: f.Text, Spec: f.Spec, History: f.File, Records: f.Seqs})
		}
		c.Guarantees = append(c.Guarantees, g)
	}
	active := map[string]time.Duration{}
	for _, j := range run.Histories {
		active[j.File] = j.Active
	}
	for _, spec := range run.Specs {
		if !spec.Selected {
			continue
		}
		out := Spec{
			Text: spec.Text, State: spec.State, Seconds: spec.Seconds, Message: spec.Message,
			Repeats: spec.Repeats, Attempt: spec.Attempt, Disturbance: spec.Disturbance, Superseded: spec.Superseded,
		}
		if took, recorded := active[spec.History]; recorded {
			sum, err := fileDigest(dir, spec.History)
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				return nil, err
			}
			out.History, out.SHA256, out.ClusterSeconds = spec.History, sum, seconds(took)
		}
		c.Specs = append(c.Specs, out)
	}
	return c, nil
}

func seconds(d time.Duration) float64 {
	return float64(d.Round(100*time.Millisecond).Milliseconds()) / 1000
}

func fileDigest(dir, name string) (string, error) {
	f, err := reportdir.Open(dir, name)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// Save writes the report and its schema into the report folder. A report that the schema rejects is written all the same, and is an error.
func (c *Conformance) Save(dir string) error {
	data, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return errors.Join(
		reportdir.Write(dir, SchemaFile, func(w io.Writer) error { _, err := w.Write(schema); return err }),
		reportdir.Write(dir, File, func(w io.Writer) error { _, err := w.Write(append([]byte(modeline), data...)); return err }),
		Validate(data),
	)
}

// Load reads the report of a folder. A report that does not follow the schema is an error. A row of the contract that it lacks was not in the
// contract of then.
func Load(dir string) (*Conformance, error) {
	path := filepath.Join(dir, File)
	data, err := reportdir.Read(dir, File, reportdir.MaxText)
	if err != nil {
		return nil, err
	}
	if err := validate(data, false); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	c := &Conformance{}
	if err := yaml.UnmarshalStrict(data, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
