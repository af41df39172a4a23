package framework

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/version"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Cluster is the cluster under test and the settings of the run.
type Cluster struct {
	Client   kubernetes.Interface
	Klient   klient.Client
	Settings runconfig.Settings
	Version  string // of the API server, such as v1.36.3
	// Used records which rights this process makes use of.
	Used *apiclient.Usage

	config *rest.Config
}

// OlderThan reports whether the cluster is held to the promises of a version before that minor one. Specs use it only where an issue names the
// version that fixed it.
func (c *Cluster) OlderThan(major, minor uint) bool {
	v, err := version.ParseGeneric(c.Promises())
	return err == nil && v.LessThan(version.MajorMinor(major, minor))
}

// Promises returns the version of Kubernetes whose promises count: the cluster's own, or a later one that the settings name.
func (c *Cluster) Promises() string { return contract.HeldTo(c.Version, c.Settings.HeldTo) }

// Connect builds the clients for a REST configuration. The clients do not throttle themselves: the API
// server's own priority and fairness limits them.
func Connect(config *rest.Config, s runconfig.Settings, serverVersion string) (*Cluster, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1
	// A request that is sent again is decoded first, which needs JSON.
	config.ContentType = runtime.ContentTypeJSON
	used := new(apiclient.Usage)
	config.Wrap(used.Record(config.Host))
	config.Wrap(apiclient.Restrict(config.Host, s.Rights()))
	config.Wrap(apiclient.Retry(config.Host, s.Limits.APIServerBack))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kl, err := klient.New(config)
	if err != nil {
		return nil, err
	}
	return &Cluster{Client: client, Klient: kl, Settings: s, Version: serverVersion, Used: used, config: config}, nil
}

// RESTConfig returns the configuration of the cluster's clients.
func (c *Cluster) RESTConfig() *rest.Config { return c.config }

// AwaitAPI waits until the API server is ready: one that only answers may not have loaded its authorization rules yet.
func (c *Cluster) AwaitAPI(ctx context.Context) error {
	limit := c.Settings.Limits.APIServerBack
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("not so within %s", limit))
	defer cancel()
	var last error
	err := wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(ctx context.Context) (bool, error) {
		_, last = c.Client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("expected the API server to be ready again (%w): %w", context.Cause(ctx), last)
	}
	return nil
}

// AwaitNamespacesGone waits until no namespace of this run is left, or nothing of it in those that NAMESPACES= names. An error
// names what is left.
func (c *Cluster) AwaitNamespacesGone(ctx context.Context) error {
	if len(c.Settings.Namespaces) > 0 {
		var errs []error
		for _, name := range c.Settings.Namespaces {
			errs = append(errs, c.awaitEmpty(ctx, name))
		}
		return errors.Join(errs...)
	}
	limit := c.Settings.Limits.NamespaceGone
	selector := runconfig.RunLabel + "=" + c.Settings.Run
	list, err := c.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return fmt.Errorf("looking for namespaces of this run: %w", err)
	}
	left := map[string]bool{}
	for _, ns := range list.Items {
		left[ns.Name] = true
	}
	if len(left) == 0 {
		return nil
	}
	err = WatchUntil(ctx, limit, list.ResourceVersion, func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
		o.LabelSelector = selector
		return c.Client.CoreV1().Namespaces().Watch(ctx, o)
	}, func(e watch.Event) bool {
		if ns, ok := e.Object.(*corev1.Namespace); ok && e.Type == watch.Deleted {
			delete(left, ns.Name)
		}
		return len(left) == 0
	})
	if err != nil {
		return fmt.Errorf("namespaces %v are still there (see status.conditions of `kubectl get namespace <name> -o yaml`); waited %v: %w",
			slices.Sorted(maps.Keys(left)), limit, err)
	}
	return nil
}
