package rbac

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Use is a request as an authorizer sees it: a verb on a resource.
type Use struct {
	Group    string `json:"group,omitempty"`
	Resource string `json:"resource"`
	Verb     string `json:"verb"`
}

// Usage notes what is made use of: a right that nothing in a whole run used is one too many. Its zero value has noted nothing. It may
// be used from many goroutines at a time.
type Usage struct {
	mu   sync.Mutex
	used map[Use]bool
}

// Note returns a wrapper of transports that notes what is sent. host is the API server's address.
func (u *Usage) Note(host string) func(http.RoundTripper) http.RoundTripper {
	base := basePath(host)
	return func(next http.RoundTripper) http.RoundTripper {
		return transport(func(req *http.Request) (*http.Response, error) {
			if group, resource, verb, ok := Of(req.Method, strings.TrimPrefix(req.URL.Path, base), req.URL.Query()); ok {
				u.add(Use{Group: group, Resource: resource, Verb: verb})
			}
			return next.RoundTrip(req)
		})
	}
}

func (u *Usage) add(use Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.used == nil {
		u.used = map[Use]bool{}
	}
	u.used[use] = true
}

// UsageFolder is where the processes of a run leave what they used, a file each, below the report folder.
const UsageFolder = "rights"

// Save writes what was noted so far into the report folder, as that of one process, in place of what it wrote before.
func (u *Usage) Save(reportDir, process string) error {
	u.mu.Lock()
	used := make([]Use, 0, len(u.used))
	for use := range u.used {
		used = append(used, use)
	}
	u.mu.Unlock()
	slices.SortFunc(used, func(a, b Use) int {
		return strings.Compare(a.Group+"/"+a.Resource+" "+a.Verb, b.Group+"/"+b.Resource+" "+b.Verb)
	})
	data, err := json.MarshalIndent(used, "", "  ")
	if err != nil {
		return err
	}
	dir := filepath.Join(reportDir, UsageFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, process+".json"), append(data, '\n'), 0o644)
}

// LoadUsage reads what all processes of a run used. That none left anything is an error: it would look like rights of which none is used.
func LoadUsage(reportDir string) ([]Use, error) {
	files, err := filepath.Glob(filepath.Join(reportDir, UsageFolder, "*.json"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("%s: expected a file of each process of the run, found none", filepath.Join(reportDir, UsageFolder))
	}
	var all []Use
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var used []Use
		if err := json.Unmarshal(data, &used); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, used...)
	}
	return all, nil
}

// Unused returns the rights that nothing made use of, each with the verbs that nothing did. What only a report needs is left out: most of
// it is used when a spec fails. So is the list of what was watched: an API server that does not begin a watch with all there is, is
// asked for that first.
func Unused(granted []Right, used []Use) []Right {
	var out []Right
	for _, r := range granted {
		r.Verbs = slices.DeleteFunc(slices.Clone(r.Verbs), func(verb string) bool {
			uses := func(verb string) bool {
				return slices.Contains(used, Use{Group: r.Group, Resource: r.Resource, Verb: verb})
			}
			return uses(verb) || (verb == "list" && uses("watch"))
		})
		if len(r.Verbs) > 0 && !r.ForReport {
			out = append(out, r)
		}
	}
	return out
}
