package preflight

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Target is the cluster that the kubeconfig names.
type Target struct {
	Context, Server string
	// Notes say how the connection lacks protection.
	Notes []string
}

// inCluster is the context's name when a pod uses its own service account.
const inCluster = "in-cluster"

// Kubeconfig finds the target in the kubeconfig, without a request.
func Kubeconfig(s runconfig.Settings) (Target, []Problem) {
	usage := func(format string, args ...any) (Target, []Problem) {
		return Target{}, []Problem{{Usage: true, Text: oneLine(fmt.Sprintf(format, args...))}}
	}
	if s.Kubeconfig == "" {
		config, err := s.RESTConfig()
		if err != nil {
			return usage("KUBECONFIG: expected a kubeconfig or a pod's service account, found neither (%v): name a file with KUBECONFIG=", err)
		}
		return Target{Context: inCluster, Server: config.Host}, nil
	}
	if err := readable(s.Kubeconfig); err != nil {
		return usage("KUBECONFIG: expected a kubeconfig that can be read, found: %v; name one with KUBECONFIG=", err)
	}
	raw, err := s.ClientConfig().RawConfig()
	if err != nil {
		return usage("KUBECONFIG: expected a kubeconfig in %s, found: %v; get it again", s.Kubeconfig, err)
	}
	have := "it has " + strings.Join(slices.Sorted(maps.Keys(raw.Contexts)), ", ")
	if len(raw.Contexts) == 0 {
		have = "it has none"
	}
	name := s.Context
	switch {
	case name == "" && raw.CurrentContext == "":
		return usage("CONTEXT: expected %s to have a current context, found none set; %s: name one with CONTEXT=", s.Kubeconfig, have)
	case name == "":
		name = raw.CurrentContext
	}
	if raw.Contexts[name] == nil {
		return usage("CONTEXT: expected a context of %s, found none named %q; %s: name one of them with CONTEXT=", s.Kubeconfig, name, have)
	}
	config, err := s.RESTConfig()
	if err != nil {
		return usage("KUBECONFIG: expected context %q of %s to be complete, found: %v; get the kubeconfig again", name, s.Kubeconfig, err)
	}
	return Target{Context: name, Server: config.Host, Notes: insecure(config)}, nil
}

// insecure says which protection the connection lacks. Over http nothing can be stolen: client-go then leaves the kubeconfig's credentials out.
func insecure(config *rest.Config) []string {
	if !config.Insecure {
		return nil
	}
	return []string{"KUBECONFIG: insecure-skip-tls-verify is set: whoever answers at that address is taken for the cluster, and receives the credentials; " +
		"name its certificate-authority instead"}
}

// readable returns why none of the files can be read; like kubectl, it allows some of a list to be missing.
func readable(list string) error {
	var first error
	for _, path := range filepath.SplitList(list) {
		_, err := os.ReadFile(path)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}
