package report_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

//nolint:gochecknoglobals // A flag of the test.
var update = flag.Bool("update", false, "write the rows of conformance.schema.json anew (make catalogue)")

// recordedRun copies the report folder of a run on a real cluster from testdata and saves its report there. Testdata holds
// "conformant", a complete run, "order-ignored", a few specs on a cluster whose controller manager does not wait, and "database", the spec that drains the
// nodes of a database.
func recordedRun(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	if err := recordedReport(t, name).Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// recordedReport returns the report of a recorded run.
func recordedReport(t *testing.T, name string) *report.Conformance {
	t.Helper()
	c, err := recordedReports[name]()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// recordedReports judge each recorded run once. Nothing may change the reports.
//
//nolint:gochecknoglobals // Read by all tests.
var recordedReports = map[string]func() (*report.Conformance, error){
	"conformant":    sync.OnceValues(func() (*report.Conformance, error) { return judgeFolder("testdata/conformant") }),
	"order-ignored": sync.OnceValues(func() (*report.Conformance, error) { return judgeFolder("testdata/order-ignored") }),
	"database":      sync.OnceValues(func() (*report.Conformance, error) { return judgeFolder("testdata/database") }),
}

// judgeFolder judges the histories of a report folder.
func judgeFolder(dir string) (*report.Conformance, error) {
	s, err := runconfig.Load(filepath.Join(dir, "settings.json"))
	if err != nil {
		return nil, err
	}
	run, err := verdict.JudgeFolder(dir, s.Level)
	if err != nil {
		return nil, err
	}
	return report.New(dir, &run, s, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), 4*time.Minute)
}

func TestReportsOfRealRunsFollowTheSchema(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]verdict.Overall{"conformant": verdict.Conformant, "order-ignored": verdict.NotConformant, "database": verdict.Conformant} {
		t.Run(name, func(t *testing.T) {
			dir := recordedRun(t, name)
			c, err := report.Load(dir)
			if err != nil {
				t.Fatal(err)
			}
			if c.Result != want {
				t.Errorf("expected a run that is %s, found %s: %v", want, c.Result, c.Troubles)
			}
			beside, err := os.ReadFile(filepath.Join(dir, report.SchemaFile))
			if err != nil || !json.Valid(beside) {
				t.Errorf("expected the schema beside the report, found %q, %v", beside, err)
			}
			said, err := os.ReadFile(filepath.Join(dir, report.File))
			if first, _, _ := strings.Cut(string(said), "\n"); err != nil || !strings.Contains(first, "$schema="+report.SchemaFile) {
				t.Errorf("expected a first line that names %s, found %q, %v", report.SchemaFile, first, err)
			}
		})
	}
}

// A mutation makes a valid report invalid.
type mutation struct {
	run    string
	change func(r map[string]any)
	// want is part of the error.
	want string
}

func row(r map[string]any, id contract.ID) map[string]any {
	for _, g := range r["guarantees"].([]any) {
		if g := g.(map[string]any); g["id"] == string(id) {
			return g
		}
	}
	panic("no row " + id)
}

func mutations() map[string]mutation {
	create := contract.OrderingCreate
	of := func(r map[string]any, path ...string) map[string]any {
		for _, name := range path {
			r = r[name].(map[string]any)
		}
		return r
	}
	return map[string]mutation{
		"a row is missing": {"conformant", func(r map[string]any) {
			r["guarantees"] = slices.DeleteFunc(r["guarantees"].([]any), func(g any) bool { return g.(map[string]any)["id"] == string(create) })
		}, "lacks rows of the contract: ordering/create"},
		"a row is there twice": {"conformant", func(r map[string]any) {
			r["guarantees"] = append(r["guarantees"].([]any), row(r, create))
		}, "maxItems"},
		"a row of no contract": {"conformant", func(r map[string]any) { row(r, create)["id"] = "ordering/creates" }, "ordering/create"},
		"no rows at all":       {"conformant", func(r map[string]any) { delete(r, "guarantees") }, "'guarantees'"},
		"an unknown verdict":   {"conformant", func(r map[string]any) { row(r, create)["verdict"] = "passed" }, "/verdict"},
		"a row without a verdict": {
			"conformant", func(r map[string]any) { delete(row(r, create), "verdict") }, "'verdict'",
		},
		"an unknown field":           {"conformant", func(r map[string]any) { row(r, create)["score"] = 1 }, "'score'"},
		"a count in words":           {"conformant", func(r map[string]any) { row(r, create)["specs"] = "many" }, "/specs"},
		"a negative count":           {"conformant", func(r map[string]any) { row(r, create)["transitions"] = -1 }, "/transitions"},
		"a pass that nothing showed": {"conformant", func(r map[string]any) { row(r, create)["transitions"] = 0 }, "/transitions"},
		"an unknown level":           {"conformant", func(r map[string]any) { row(r, create)["level"] = "optional" }, "/level"},
		"no source":                  {"conformant", func(r map[string]any) { row(r, create)["sources"] = []any{} }, "/sources"},
		"no link":                    {"conformant", func(r map[string]any) { row(r, create)["link"] = "the documents" }, "/link"},
		"another version": {"conformant", func(r map[string]any) {
			r["apiVersion"] = "statefulset-conformance.hero-academy.github.io/v3"
		}, "/apiVersion"},
		"another kind":              {"conformant", func(r map[string]any) { r["kind"] = "Report" }, "/kind"},
		"no start":                  {"conformant", func(r map[string]any) { delete(r, "start") }, "'start'"},
		"a start that is no time":   {"conformant", func(r map[string]any) { r["start"] = "yesterday" }, "/start"},
		"seconds in words":          {"conformant", func(r map[string]any) { r["seconds"] = "4m" }, "/seconds"},
		"a result that is no word":  {"conformant", func(r map[string]any) { r["result"] = true }, "/result"},
		"an exit code of another":   {"conformant", func(r map[string]any) { r["exitCode"] = 1 }, "/exitCode"},
		"conformant, with troubles": {"conformant", func(r map[string]any) { r["troubles"] = []any{"the API server was away"} }, "/troubles"},
		"a digest that is none":     {"conformant", func(r map[string]any) { of(r, "suite")["digest"] = "abc" }, "/suite/digest"},
		"no Kubernetes version":     {"conformant", func(r map[string]any) { delete(of(r, "cluster"), "kubernetesVersion") }, "'kubernetesVersion'"},
		"an unknown total":          {"conformant", func(r map[string]any) { of(r, "totals")["passed"] = 3 }, "passed"},
		"a spec in an unknown state": {"conformant", func(r map[string]any) {
			r["specs"].([]any)[0].(map[string]any)["state"] = "fine"
		}, "/specs/0/state"},
		"a history outside its folder": {"conformant", func(r map[string]any) {
			r["specs"].([]any)[0].(map[string]any)["history"] = "/etc/passwd"
		}, "/specs/0/history"},
		"specs that are no list":             {"conformant", func(r map[string]any) { r["specs"] = nil }, "/specs"},
		"a fail without a finding":           {"order-ignored", func(r map[string]any) { delete(row(r, create), "findings") }, "'findings'"},
		"a pass with a finding":              {"order-ignored", func(r map[string]any) { row(r, create)["verdict"] = "pass" }, "/findings"},
		"a broken cluster called conformant": {"order-ignored", func(r map[string]any) { r["result"], r["exitCode"] = "conformant", 0 }, "/totals"},
		"a finding without a history": {"order-ignored", func(r map[string]any) {
			delete(row(r, create)["findings"].([]any)[0].(map[string]any), "history")
		}, "'history'"},
		"a finding without words": {"order-ignored", func(r map[string]any) {
			row(r, create)["findings"].([]any)[0].(map[string]any)["text"] = ""
		}, "/text"},
	}
}

func TestMutatedReportsAreRejected(t *testing.T) {
	t.Parallel()
	valid := map[string][]byte{}
	for _, run := range []string{"conformant", "order-ignored"} {
		data, err := os.ReadFile(filepath.Join(recordedRun(t, run), report.File))
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Validate(data); err != nil {
			t.Fatalf("expected the report to be valid before it is changed: %v", err)
		}
		if valid[run], err = yaml.YAMLToJSON(data); err != nil {
			t.Fatal(err)
		}
	}
	for name, m := range mutations() {
		t.Run(name, func(t *testing.T) {
			var r map[string]any
			if err := json.Unmarshal(valid[m.run], &r); err != nil {
				t.Fatal(err)
			}
			m.change(r)
			changed, err := json.Marshal(r) // which is YAML as well
			if err != nil {
				t.Fatal(err)
			}
			err = report.Validate(changed)
			if err == nil {
				t.Fatal("expected the report to be rejected")
			}
			if !strings.Contains(err.Error(), m.want) {
				t.Errorf("expected an error that says %q, found: %v", m.want, err)
			}
			t.Log(err)
		})
	}
}

func TestLoadRejectsAnInvalidReport(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "conformant")
	path := filepath.Join(dir, report.File)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(data), "verdict: pass", "verdict: passed", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Load(dir); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "/verdict") {
		t.Errorf("expected an error that names the file and the place, found %v", err)
	}
}

func TestLoadReadsVersion1(t *testing.T) {
	t.Parallel()
	dir := recordedRun(t, "order-ignored")
	want, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, report.File)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	old := strings.NewReplacer(report.APIVersion, strings.TrimSuffix(report.APIVersion, "2")+"1", string(verdict.NotSelected), "not asked").Replace(string(data))
	if err := os.WriteFile(path, []byte(old), 0o644); err != nil {
		t.Fatal(err)
	}
	got, err := report.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if n := want.Totals[verdict.NotSelected]; n == 0 || got.Totals[verdict.NotSelected] != n {
		t.Errorf("expected %d guarantees that were not selected, found %v", n, got.Totals)
	}
	if diffs := got.Compare(want, false); len(diffs) > 0 {
		t.Errorf("expected the same verdicts as those of version 2, found %q", diffs)
	}
}

// TestSchemaNamesEveryRow compares the schema's list of rows with the contract; -update writes it.
func TestSchemaNamesEveryRow(t *testing.T) {
	t.Parallel()
	old, err := os.ReadFile(report.SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	all := contract.All()
	var lines []string
	for _, g := range all {
		lines = append(lines, fmt.Sprintf(`        {"contains": {"properties": {"id": {"const": %q}}}}`, g.ID))
	}
	list := regexp.MustCompile(`(?s)("minItems": )\d+(,\s+"maxItems": )\d+(,\s+"allOf": \[\n).*?(\n      \])`)
	if n := len(list.FindAll(old, -1)); n != 1 {
		t.Fatalf("expected one list of rows in %s, found %d", report.SchemaFile, n)
	}
	count := fmt.Sprint(len(all))
	now := list.ReplaceAllString(string(old), "${1}"+count+"${2}"+count+"${3}"+strings.Join(lines, ",\n")+"${4}")
	if now == string(old) {
		return
	}
	if !*update {
		t.Fatalf("the rows of %s are not those of the contract: run make catalogue", report.SchemaFile)
	}
	if err := os.WriteFile(report.SchemaFile, []byte(now), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestSchemaKnowsEveryField compares the schema's fields with those of the types that a report is written from.
func TestSchemaKnowsEveryField(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(report.SchemaFile)
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		shape
		Defs map[string]shape `json:"$defs"`
	}
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		written any
		schema  shape
	}{
		{report.Conformance{}, root.shape},
		{report.Suite{}, root.Properties["suite"]},
		{report.Cluster{}, root.Properties["cluster"]},
		{report.Settings{}, root.Properties["settings"]},
		{report.Guarantee{}, root.Defs["guarantee"]},
		{report.Finding{}, root.Defs["finding"]},
		{report.Spec{}, root.Defs["spec"]},
	} {
		var always, all []string
		typ := reflect.TypeOf(tt.written)
		for field := range typ.Fields() {
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			all = append(all, name)
			if options == "" {
				always = append(always, name)
			}
		}
		var known []string
		for name := range tt.schema.Properties {
			known = append(known, name)
		}
		for _, pair := range [][2][]string{{all, known}, {always, tt.schema.Required}} {
			slices.Sort(pair[0])
			slices.Sort(pair[1])
			if !slices.Equal(pair[0], pair[1]) {
				t.Errorf("%s is written with %v, the schema knows %v", typ, pair[0], pair[1])
			}
		}
		if tt.schema.Additional {
			t.Errorf("%s: expected a schema that knows no further fields", typ)
		}
	}
}

// shape is a schema's list of fields.
type shape struct {
	Properties map[string]shape `json:"properties"`
	Required   []string         `json:"required"`
	Additional open             `json:"additionalProperties"`
}

// open says whether further fields are allowed: JSON Schema takes false or a schema.
type open bool

func (o *open) UnmarshalJSON(data []byte) error {
	*o = string(data) != "false"
	return nil
}
