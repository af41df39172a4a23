package faults

import (
	"bytes"
	_ "embed"
	"fmt"
	"go/format"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"k8s.io/apimachinery/pkg/util/version"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/nodeimage"
)

// Versions are the versions of Kubernetes that the changes can be made to, the default first.
func Versions() []string { return []string{nodeimage.DefaultKubernetesVersion, "v1.36.3"} }

// Kind says how much of a fault there is to see.
type Kind string

// The kinds of faults.
const (
	Obvious Kind = "obvious" // whenever the guarantee is put to the test
	Subtle  Kind = "subtle"  // only under some further condition
	Legal   Kind = "legal"   // nothing: it looks like a fault and breaks no promise
)

// Fault is one way in which a cluster can break its promises.
type Fault struct {
	Name string
	// Breaks lists the IDs of the guarantees that it breaks, the one it is made for first.
	Breaks []contract.ID
	// Shows lists further guarantees whose specs have what it takes to see it.
	Shows []contract.ID
	Kind  Kind
	// Harm says what a user would suffer.
	Harm string
	// Replays names the issues of the Kubernetes project that reported it, if any did.
	Replays string
	// Edits change the controllers.
	Edits []Edit
	// Apply is a manifest of what is added to the cluster, Replace one of what is put in the place of something. nodeName in it becomes the
	// name of the control plane node.
	Apply, Replace string
	// Request makes an API server with a bug: it returns the body that the API server takes for that of a request of the suite's.
	Request func(r *http.Request, body []byte) []byte
	// Corefile goes to the top of CoreDNS's server block.
	Corefile string
	// NeedsNodeFault says that it shows only during node or control plane faults, or only where there are several nodes: it is tried at the
	// level disruptive, on a cluster with workers.
	NeedsNodeFault bool
	// NeedsDatabase says that it shows in a database: it is tried at the level workload.
	NeedsDatabase bool
}

// Planted reports whether the fault is one of the controllers.
func (f Fault) Planted() bool { return len(f.Edits) > 0 }

// Edit is one change of an upstream file: text put behind a place in it. Nothing is taken away, so that any number of faults can
// change the same place.
type Edit struct {
	File   string // within the module
	Anchor string // must be there exactly once, in the versions that has tells
	Insert string
}

// All returns every fault, family by family. The caller owns the result.
func All() []Fault {
	return slices.Concat(
		ordering(), termination(), identity(), dns(), storage(), update(), status(), lifecycle(), api(), apiServer(), outsideControllers(), disruption(), workload(), combinations(), further(), halfway(), seldom(),
	)
}

// In returns the faults that can be planted in one of Versions, and break something that it promises. The caller owns the result.
func In(kubernetes string) []Fault {
	running := version.MustParseGeneric(kubernetes)
	promised := func(id contract.ID) bool {
		g, _ := contract.Get(id)
		return g.Since == "" || running.AtLeast(version.MustParseGeneric(g.Since))
	}
	return slices.DeleteFunc(All(), func(f Fault) bool {
		return !slices.ContainsFunc(f.Breaks, promised) || (f.Planted() && len(in(kubernetes, f.Edits)) == 0)
	})
}

// The upstream files that are changed.
const (
	control   = "pkg/controller/statefulset/stateful_set_control.go"
	utils     = "pkg/controller/statefulset/stateful_set_utils.go"
	podsOf    = "pkg/controller/statefulset/stateful_pod_control.go"
	syncing   = "pkg/controller/statefulset/stateful_set.go"
	claiming  = "pkg/controller/controller_ref_manager.go"
	endpoints = "pkg/controller/endpointslice/endpointslice_controller.go"
	budgets   = "pkg/controller/disruption/disruption.go"
	garbage   = "pkg/controller/garbagecollector/garbagecollector.go"
	collects  = "pkg/controller/garbagecollector/operations.go"
	collector = "pkg/controller/podgc/gc_controller.go"
	tainter   = "pkg/controller/tainteviction/taint_eviction.go"
	protector = "pkg/controller/volume/pvcprotection/pvc_protection_controller.go"
	binder    = "pkg/controller/volume/persistentvolume/pv_controller.go"
)

// plantedPackage is where the helper package goes, below the module.
const plantedPackage = "pkg/controller/planted"

//go:embed planted/planted.go
var planted []byte

//go:embed planted/pods.go
var plantedPods []byte

//go:embed planted/legal.go
var plantedLegal []byte

// helpers are the files of the package that changes use, by name.
func helpers() map[string][]byte {
	return map[string][]byte{"planted.go": planted, "pods.go": plantedPods, "legal.go": plantedLegal}
}

// helperTexts are their texts, in the order of the names.
func helperTexts() []string {
	var out []string
	files := helpers()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		out = append(out, string(files[name]))
	}
	return out
}

// always are changes that belong to no fault: they record, and name, what faults read.
func always() []Edit {
	return []Edit{
		{control, "status.CollisionCount = new(int32)\n", "\tplanted.See(set, pods)\n"},
		{control, updateTarget, "\t\ttarget := target\n"},
		{control, budgetTarget, "\t\ttarget := target\n"},
		{control, parallelTarget, "\t\t\ttarget := target\n"},
		{control, eachReplica, "\t\tmonotonic := monotonic\n"},
	}
}

// edits are all changes of a version, in order.
func edits(kubernetes string) []Edit {
	all := always()
	for _, f := range slices.Concat(All(), Variations()) {
		all = append(all, f.Edits...)
	}
	return in(kubernetes, all)
}

// recipe is all that the program of a version depends on beside that.
func recipe(kubernetes string) []string {
	inputs := helperTexts()
	for _, e := range edits(kubernetes) {
		inputs = append(inputs, e.File, e.Anchor, e.Insert)
	}
	return inputs
}

// plant makes all changes to a tree of k8s.io/kubernetes of a version.
func plant(kubernetes, tree string) error {
	changed, err := change(kubernetes, tree)
	if err != nil {
		return err
	}
	return write(tree, changed)
}

// write puts changed files into a tree, and the helper package that they use.
func write(tree string, changed map[string][]byte) error {
	for name, text := range helpers() {
		changed[filepath.Join(plantedPackage, name)] = text
	}
	for name, text := range changed {
		path := filepath.Join(tree, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		// The file may be a link into the module cache, which must not change: a new one takes its place.
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// change returns the changed files of a version's tree, by their name in it.
func change(kubernetes, tree string) (map[string][]byte, error) {
	byFile := map[string][]Edit{}
	for _, e := range edits(kubernetes) {
		byFile[e.File] = append(byFile[e.File], e)
	}
	changed := map[string][]byte{}
	for file, list := range byFile {
		text, err := os.ReadFile(filepath.Join(tree, file))
		if err != nil {
			return nil, err
		}
		if changed[file], err = apply(file, text, list); err != nil {
			return nil, err
		}
	}
	return changed, nil
}

// insertion is text that goes into a file at an offset in bytes.
type insertion struct {
	at   int
	text string
}

// apply makes the changes of one file.
func apply(file string, text []byte, list []Edit) ([]byte, error) {
	var inserts []insertion
	for _, e := range list {
		if n := bytes.Count(text, []byte(e.Anchor)); n != 1 {
			return nil, fmt.Errorf("%s: expected %q once, found it %d times", file, e.Anchor, n)
		}
		inserts = append(inserts, insertion{bytes.Index(text, []byte(e.Anchor)) + len(e.Anchor), e.Insert})
	}
	return insert(file, text, inserts)
}

// insert puts texts into a file, those for one place in their order, and has the file import what they use.
func insert(file string, text []byte, inserts []insertion) ([]byte, error) {
	const imports = "\nimport (\n"
	at := bytes.Index(text, []byte(imports))
	if at < 0 {
		return nil, fmt.Errorf("%s: no imports found", file)
	}
	inserts = append(inserts, insertion{at + len(imports), "\t\"k8s.io/kubernetes/" + plantedPackage + "\"\n"})
	sort.SliceStable(inserts, func(i, j int) bool { return inserts[i].at < inserts[j].at })
	var out strings.Builder
	from := 0
	for _, i := range inserts {
		out.Write(text[from:i.at])
		out.WriteString(i.text)
		from = i.at
	}
	out.Write(text[from:])
	formatted, err := format.Source([]byte(out.String()))
	if err != nil {
		return nil, fmt.Errorf("%s, as changed: %w", file, err)
	}
	return formatted, nil
}
