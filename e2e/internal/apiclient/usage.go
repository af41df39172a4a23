package apiclient

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// Usage records which rights were used, so that a right which no run uses can be removed. Its zero value is empty. It is safe for concurrent
// use.
type Usage struct {
	mu   sync.Mutex
	used map[Attributes]bool
}

// Record returns a wrapper of transports that records the requests. host is the API server's address.
func (u *Usage) Record(host string) func(http.RoundTripper) http.RoundTripper {
	base := basePath(host)
	return func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			if a, _, ok := attributesOf(req, base); ok {
				u.add(a)
			}
			return next.RoundTrip(req)
		})
	}
}

func (u *Usage) add(a Attributes) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.used == nil {
		u.used = map[Attributes]bool{}
	}
	u.used[a] = true
}

func (u *Usage) sorted() []Attributes {
	u.mu.Lock()
	defer u.mu.Unlock()
	used := make([]Attributes, 0, len(u.used))
	for a := range u.used {
		used = append(used, a)
	}
	slices.SortFunc(used, func(a, b Attributes) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Resource, b.Resource), cmp.Compare(a.Verb, b.Verb))
	})
	return used
}

// UsageFolder is the folder in the report folder with a file of used rights for each process of a run.
const UsageFolder = "rights"

// Save writes the file of one process, in place of its previous one.
func (u *Usage) Save(reportDir, process string) error {
	data, err := json.MarshalIndent(u.sorted(), "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Join(reportDir, UsageFolder)
	if err := os.MkdirAll(dir, reportdir.FolderMode); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, process+".json"), append(data, '\n'), reportdir.FileMode)
}

// LoadUsage reads the files of all processes of a run. That there is none is an error, since it would pass for a run that used no right.
func LoadUsage(reportDir string) ([]Attributes, error) {
	files, err := reportdir.Names(reportDir, UsageFolder, 1000)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: expected a file of each process of the run, found none", filepath.Join(reportDir, UsageFolder))
	}
	var all []Attributes
	for _, file := range files {
		data, err := reportdir.Read(reportDir, file, reportdir.MaxText)
		if err != nil {
			return nil, err
		}
		var used []Attributes
		if err := json.Unmarshal(data, &used); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, used...)
	}
	return all, nil
}

// Unused returns the rights that were not used, each with the verbs that were not. It leaves out the rights of the report, since most of
// them are used only when a spec fails; list where watch was used, since a client lists first where an API server cannot begin a watch
// with the objects that exist; and of streams both verbs where one was used, since which of the two is, depends on what gets through.
func Unused(rights []rbac.Right, used []Attributes) []rbac.Right {
	var out []rbac.Right
	for _, r := range rights {
		r.Verbs = slices.DeleteFunc(slices.Clone(r.Verbs), func(verb string) bool {
			uses := func(verb string) bool {
				return slices.Contains(used, Attributes{Group: r.Group, Resource: r.Resource, Verb: verb})
			}
			return uses(verb) || (verb == "list" && uses("watch")) || (isStream(r.Resource) && (uses("create") || uses("get")))
		})
		if len(r.Verbs) > 0 && !r.ForReport {
			out = append(out, r)
		}
	}
	return out
}
