package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/preflight"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// clusterOptions choose the cluster.
type clusterOptions struct {
	kubeconfig, context, as, asGroups, requestTimeout string
}

func (o *clusterOptions) addFlags(f cli.Flags) {
	f.String(&o.kubeconfig, "KUBECONFIG", "", "`file` that leads to the cluster (default: kubectl's; inside a pod its service account)")
	f.String(&o.context, "CONTEXT", "", "`name` of the kubeconfig's context (default: the current one)")
	// AS is the name of the assembler to make and to compilers.
	f.OfCommandLine().String(&o.as, "AS", "", "`name` of a user to impersonate, as of kubectl")
	f.OfCommandLine().String(&o.asGroups, "AS_GROUPS", "", "`groups` of that user, as a,b,...")
	f.OfCommandLine().String(&o.requestTimeout, "REQUEST_TIMEOUT", "", "`time` that a single request may take, as of kubectl: 0 for any (default: what suits the request)")
}

// within is how long a request may take that usually may take so long.
func (o *clusterOptions) within(usual time.Duration) time.Duration {
	const anyTime = time.Hour
	limit, err := clientcmd.ParseTimeout(o.requestTimeout)
	switch {
	case o.requestTimeout == "" || err != nil:
		return usual
	case limit == 0:
		return anyTime
	}
	return limit
}

// choose puts the choice of the cluster into the settings and returns what it leads to, or what is wrong with it.
func (o *clusterOptions) choose(s *runconfig.Settings) (preflight.Target, []preflight.Problem, error) {
	var err error
	s.Context, s.As = o.context, o.as
	s.AsGroups = strings.FieldsFunc(o.asGroups, func(r rune) bool { return r == ',' })
	if s.RequestTimeout, err = clientcmd.ParseTimeout(cmp.Or(o.requestTimeout, "0")); err != nil || s.RequestTimeout < 0 {
		return preflight.Target{}, nil, cli.UsageError{Err: fmt.Errorf("--request-timeout=%s: expected a time such as 10s or 2m, a number of seconds, or 0 for no limit", o.requestTimeout)}
	}
	if s.As == "" && len(s.AsGroups) > 0 {
		return preflight.Target{}, nil, cli.UsageError{Err: errors.New("--as-groups: expected a user with --as beside it, as of kubectl")}
	}
	if s.Kubeconfig, err = kubeconfigPath(o.kubeconfig); err != nil {
		return preflight.Target{}, nil, cli.UsageError{Err: fmt.Errorf("KUBECONFIG: %w", err)}
	}
	target, wrong := preflight.Kubeconfig(*s)
	return target, wrong, nil
}

// kubeconfigPath returns the files that kubectl would read, absolute since the suite's processes run elsewhere. It is empty for a
// pod's own service account.
func kubeconfigPath(named string) (string, error) {
	if named == "" {
		if _, err := os.Stat(clientcmd.RecommendedHomeFile); err != nil && os.Getenv("KUBERNETES_SERVICE_HOST") != "" {
			return "", nil
		}
		return clientcmd.RecommendedHomeFile, nil
	}
	list := ""
	for _, path := range slices.DeleteFunc(filepath.SplitList(named), func(p string) bool { return p == "" }) {
		full, err := filepath.Abs(ofHome(path))
		if err != nil {
			return "", err
		}
		if list != "" {
			list += string(filepath.ListSeparator)
		}
		list += full
	}
	return list, nil
}

// ofHome returns a path with the home directory in place of a leading ~/, which shells leave as it is behind make's equals sign.
func ofHome(path string) string {
	rest, tilde := strings.CutPrefix(path, "~/")
	home, err := os.UserHomeDir()
	if !tilde || err != nil {
		return path
	}
	return filepath.Join(home, rest)
}
