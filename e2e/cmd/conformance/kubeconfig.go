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
	kubeconfig, context, server, tlsServerName string
	as, asUID, asGroups, requestTimeout        string
	asGroup                                    []string
}

func (o *clusterOptions) addFlags(f cli.Flags) {
	f.String(&o.kubeconfig, "KUBECONFIG", "", "`file` that leads to the cluster (default: kubectl's; inside a pod its service account)")
	f.String(&o.context, "CONTEXT", "", "`name` of the kubeconfig's context (default: the current one)")
	f.OfCommandLine().String(&o.server, "SERVER", "", "`address` of the API server, as of kubectl (default: that of the context)")
	f.OfCommandLine().String(&o.tlsServerName, "TLS_SERVER_NAME", "", "`name` that the API server's certificate must have, as of kubectl (default: that of its address)")
	// AS is the name of the assembler to make and to compilers.
	f.OfCommandLine().String(&o.as, "AS", "", "`name` of a user to impersonate, as of kubectl")
	f.OfCommandLine().String(&o.asGroups, "AS_GROUPS", "", "`groups` of that user, as a,b,...")
	f.OfCommandLine().Strings(&o.asGroup, "AS_GROUP", "`group` of that user, as of kubectl; several times for several")
	f.OfCommandLine().String(&o.asUID, "AS_UID", "", "`UID` of that user, as of kubectl")
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
	s.Context, s.Server, s.TLSServerName, s.As, s.AsUID = o.context, o.server, o.tlsServerName, o.as, o.asUID
	s.AsGroups = append(strings.FieldsFunc(o.asGroups, func(r rune) bool { return r == ',' }), o.asGroup...)
	if s.RequestTimeout, err = clientcmd.ParseTimeout(cmp.Or(o.requestTimeout, "0")); err != nil || s.RequestTimeout < 0 {
		return preflight.Target{}, nil, cli.UsageError{Err: fmt.Errorf("--request-timeout=%s: expected a time such as 10s or 2m, a number of seconds, or 0 for no limit", o.requestTimeout)}
	}
	if s.As == "" && len(s.AsGroups)+len(s.AsUID) > 0 {
		return preflight.Target{}, nil, cli.UsageError{Err: errors.New("--as-group, --as-groups, --as-uid: expected a user with --as beside them, as of kubectl")}
	}
	if s.Kubeconfig, err = kubeconfigPath(o.kubeconfig); err != nil {
		return preflight.Target{}, nil, cli.UsageError{Err: fmt.Errorf("KUBECONFIG: %w", err)}
	}
	if s.Kubeconfig == "" && s.Server+s.TLSServerName != "" {
		return preflight.Target{}, nil, cli.UsageError{Err: errors.New("--server, --tls-server-name: expected a kubeconfig, whose cluster they change, found a pod's service account")}
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
