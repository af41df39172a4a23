package folder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// Bounds in bytes and files: folders that people send may hold anything.
const (
	maxFile  = 256 << 20
	maxTotal = 1 << 30
	maxFiles = 100_000
)

// resource is a kind of object as the API server serves it.
type resource struct {
	path, kind string // such as apis/apps/v1/statefulsets
	namespaced bool
}

// resources are the kinds that a diagnosis looks at, by apiVersion and kind.
func resources() map[string]resource {
	out := map[string]resource{}
	for version, kinds := range map[string]string{
		"v1":             "Pod PersistentVolumeClaim Service Event ResourceQuota LimitRange ConfigMap Namespace- Node- PersistentVolume-",
		"apps/v1":        "StatefulSet Deployment",
		"autoscaling/v2": "HorizontalPodAutoscaler",
		"policy/v1":      "PodDisruptionBudget", "networking.k8s.io/v1": "NetworkPolicy", "discovery.k8s.io/v1": "EndpointSlice",
		"storage.k8s.io/v1": "StorageClass- CSINode-", "admissionregistration.k8s.io/v1": "ValidatingWebhookConfiguration- MutatingWebhookConfiguration-",
	} {
		for kind := range strings.FieldsSeq(kinds) {
			kind, cluster := strings.CutSuffix(kind, "-")
			plural := strings.ToLower(kind) + "s"
			switch kind {
			case "StorageClass":
				plural = "storageclasses"
			case "NetworkPolicy":
				plural = "networkpolicies"
			}
			base := "apis/" + version
			if version == "v1" {
				base = "api/v1"
			}
			out[version+" "+kind] = resource{base + "/" + plural, kind, !cluster}
		}
	}
	return out
}

// object is one object of the folder.
type object struct {
	meta  metav1.ObjectMeta
	value map[string]any
}

// Folder is what was read of a folder.
type Folder struct {
	kinds   map[string]resource
	objects map[string][]object // by a resource's path
	// listed are the namespaces of which a file lists a resource, "" if one holds several namespaces or the resource has none.
	listed map[string]map[string]bool
	has    map[string]bool // resource, namespace and name of each object
	taken  time.Time
	// Skipped are files that hold no objects that can be read, with why.
	Skipped []string
	// Inferred reports whether sets were inferred from their pods, as the folder holds no StatefulSets.
	Inferred bool
}

// Read reads a folder.
func Read(dir string) (*Folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	f := &Folder{kinds: resources(), objects: map[string][]object{}, listed: map[string]map[string]bool{}, has: map[string]bool{}}
	files, total := 0, int64(0)
	err = fs.WalkDir(root.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Name() == "timestamp" && entry.Type().IsRegular() {
			f.timestamp(root, path)
		}
		if err != nil || !entry.Type().IsRegular() || !slices.Contains([]string{".json", ".yaml", ".yml"}, filepath.Ext(path)) {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if files, total = files+1, total+info.Size(); files > maxFiles || total > maxTotal {
			return fmt.Errorf("expected at most %d files and %d bytes of JSON and YAML", maxFiles, maxTotal)
		}
		if err := f.file(root, path); err != nil {
			f.Skipped = append(f.Skipped, path+": "+strings.Join(strings.Fields(err.Error()), " "))
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if len(f.objects) == 0 && len(f.listed) == 0 {
		return nil, fmt.Errorf("%s: expected objects of a cluster in JSON or YAML files, found none", dir)
	}
	if len(f.objects["apis/apps/v1/statefulsets"]) == 0 {
		f.infer()
	}
	return f, nil
}

// Taken is when the newest of the objects was last touched, as far as they tell: about the time at which they were collected.
func (f *Folder) Taken() time.Time { return f.taken }

func (f *Folder) file(root *os.Root, path string) error {
	file, err := root.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	data, err := reportdir.ReadAll(file, maxFile)
	if err != nil {
		return err
	}
	if first := bytes.TrimSpace(data); len(first) > 0 && first[0] == '{' {
		read, err := f.stream(path, data)
		if err == nil || read > 0 || filepath.Ext(path) == ".json" {
			return err
		}
	}
	var failed []error
	for document := range strings.SplitSeq("\n"+string(data), "\n---") {
		var value map[string]any
		if err := yaml.Unmarshal([]byte(document), &value); err != nil {
			failed = append(failed, err)
			continue
		}
		f.add(path, value)
	}
	return errors.Join(failed...)
}

// dumpedLog is a container's log among the objects of what kubectl cluster-info dump prints if it is given no folder.
var dumpedLog = regexp.MustCompile(`(?s)\n==== START logs for .*?\n==== END logs for [^\n]*`)

// stream takes the objects of a file that holds one after another in JSON, and says how many there were.
func (f *Folder) stream(path string, data []byte) (read int, err error) {
	in := json.NewDecoder(bytes.NewReader(dumpedLog.ReplaceAll(data, nil)))
	for {
		var value map[string]any
		switch err := in.Decode(&value); {
		case errors.Is(err, io.EOF):
			return read, nil
		case err != nil:
			return read, err
		}
		f.add(path, value)
		read++
	}
}

// inspected is the folder of a must-gather that has each object that is in no namespace in a file of its own.
const inspected = "cluster-scoped-resources"

// add takes the object of a file, or those of a list.
func (f *Folder) add(path string, value map[string]any) {
	version, _ := value["apiVersion"].(string)
	own, _ := value["kind"].(string)
	of, isList := strings.CutSuffix(own, "List")
	if items, _ := value["items"].([]any); isList {
		f.list(path, version, of, items)
		return
	}
	f.take(value, "", slices.Contains(strings.Split(filepath.ToSlash(path), "/"), inspected))
}

// take takes an object. kind is what the items of a list are that do not say so themselves, and whole says that all others of its kind, in its namespace
// if it has one, are there too.
func (f *Folder) take(value map[string]any, kind string, whole bool) {
	version, _ := value["apiVersion"].(string)
	own, _ := value["kind"].(string)
	if own == "" {
		version, own, _ = strings.Cut(kind, " ")
	}
	r, known := f.kinds[version+" "+own]
	if !known {
		return
	}
	var o object
	if err := remarshal(value["metadata"], &o.meta); err != nil || o.meta.Name == "" || (o.meta.UID == "" && o.meta.CreationTimestamp.IsZero()) {
		return // A manifest that was to be applied is no object of a cluster.
	}
	if !isName(o.meta.Name) || (o.meta.Namespace != "" && !isName(o.meta.Namespace)) {
		return // No API server has it, and a diagnosis prints commands with names in them.
	}
	if whole && r.namespaced {
		f.lists(r.path, o.meta.Namespace)
	} else if whole {
		f.lists(r.path, "")
	}
	key := r.path + "/" + o.meta.Namespace + "/" + o.meta.Name
	if f.has[key] {
		return
	}
	f.has[key] = true
	value["apiVersion"], value["kind"] = version, own
	o.value = value
	f.objects[r.path] = append(f.objects[r.path], o)
	f.touched(value)
}

// list takes the items of a list, and notes which namespaces it covers.
func (f *Folder) list(path, version, kind string, items []any) {
	namespaces := map[string]bool{}
	for _, item := range items {
		value, is := item.(map[string]any)
		if !is {
			continue
		}
		if meta, is := value["metadata"].(map[string]any); is {
			if name, is := meta["namespace"].(string); is {
				namespaces[name] = true
			}
		}
		f.take(value, version+" "+kind, true)
	}
	r, known := f.kinds[version+" "+kind]
	switch {
	case !known: // a List of several kinds: its objects count one by one
	case !r.namespaced || len(namespaces) > 1:
		f.lists(r.path, "")
	default:
		for part := range strings.SplitSeq(filepath.ToSlash(filepath.Dir(path)), "/") {
			f.lists(r.path, part)
		}
	}
}

// Partial returns the resources of which the folder has some objects in a namespace, and perhaps not all: that one is not there says nothing. "" is for
// those that are in no namespace.
func (f *Folder) Partial(namespace string) []string {
	var out []string
	for _, r := range f.kinds {
		if r.kind != "StatefulSet" && f.part(r, namespace) && !f.whole(r, namespace) {
			out = append(out, r.path[strings.LastIndexByte(r.path, '/')+1:])
		}
	}
	slices.Sort(out)
	return out
}

// part reports whether the folder has objects of a resource in a namespace, "" being none.
func (f *Folder) part(r resource, namespace string) bool {
	return slices.ContainsFunc(f.objects[r.path], func(o object) bool { return r.namespaced == (namespace != "") && o.meta.Namespace == namespace })
}

func (f *Folder) lists(path, namespace string) {
	if f.listed[path] == nil {
		f.listed[path] = map[string]bool{}
	}
	f.listed[path][namespace] = true
}

// touched keeps the newest time in an object.
func (f *Folder) touched(value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, inner := range v {
			// What is asked for, or is to come, is no time at which something was done.
			if !slices.Contains([]string{"deletionTimestamp", "spec", "data", "annotations", "labels"}, name) {
				f.touched(inner)
			}
		}
	case []any:
		for _, inner := range v {
			f.touched(inner)
		}
	case string:
		if len(v) < len("2006-01-02T15:04:05Z") || v[4] != '-' {
			return
		}
		if t, err := time.Parse(time.RFC3339, v); err == nil && t.After(f.taken) {
			f.taken = t
		}
	}
}

// moment is a time as must-gather writes it.
var moment = regexp.MustCompile(`(?m)^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d+)?(?: ([+-]\d{4}))?`)

// timestamp reads when must-gather began and ended.
func (f *Folder) timestamp(root *os.Root, path string) {
	file, err := root.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	data, err := reportdir.ReadAll(file, 1<<10)
	if err != nil {
		return
	}
	for _, m := range moment.FindAllStringSubmatch(string(data), -1) {
		zone := m[2]
		if zone == "" {
			zone = "+0000"
		}
		if t, err := time.Parse("2006-01-02 15:04:05 -0700", m[1]+" "+zone); err == nil && t.After(f.taken) {
			f.taken = t
		}
	}
}

// isName reports whether an API server takes a name for objects of the kinds that a diagnosis looks at.
func isName(name string) bool { return len(validation.IsDNS1123Subdomain(name)) == 0 }

func remarshal(value, into any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, into)
}
