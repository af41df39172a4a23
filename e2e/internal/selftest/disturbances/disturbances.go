package disturbances

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	apiwatch "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/watch"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/engine"
)

// Disturbance is a condition under which a correct cluster, or the suite, has to work.
type Disturbance struct {
	Name string
	// Summary says what happens.
	Summary string

	begin func(context.Context, *Env) (undo, error)
}

// undo ends a disturbance.
type undo func(context.Context) error

// Env is what a disturbance acts on.
type Env struct {
	// Kubeconfig is the file that the suite is to use; a disturbance may replace it.
	Kubeconfig string
	// Client reaches the API server without the disturbance.
	Client kubernetes.Interface
	// Namespaces is the label selector of the suite's namespaces.
	Namespaces string
	Engine     *engine.Engine
	// Node is the container of the cluster's only node.
	Node string
	// Kill kills the container of a component of the control plane, which is then started again.
	Kill func(ctx context.Context, component string) error
	// Dir is a folder for files that are needed as long as the disturbance lasts.
	Dir string
}

// All returns every disturbance. The caller owns the result.
func All() []Disturbance {
	return []Disturbance{
		{"busy-machine", "twice as many busy loops as the machine has processors", busyLoops},
		{"slow-connection", "requests of the suite to the API server take half a second longer", slowConnection},
		{"cut-connections", "every connection of the suite is cut after at most five seconds, watches included", cutConnections},
		{"api-server-restarts", "kube-apiserver is killed again and again", repeat(20*time.Second, restarts, killComponent("kube-apiserver"))},
		{"controller-restarts", "kube-controller-manager is killed again and again", repeat(20*time.Second, restarts, killComponent(controllerManager))},
		{"slow-controller", "kube-controller-manager's requests to the API server take a second longer: it acts on stale informer caches", slowController(500 * time.Millisecond)},
		{"lagging-controller", "kube-controller-manager's requests to the API server take five seconds longer", slowController(2500 * time.Millisecond)},
		{"slow-runtime", "the container runtime is stopped for five seconds out of ten, as if images came slowly", slowRuntime},
		{"killed-containers", "containers of the suite's pods are killed", repeat(2*time.Second, always, killContainer)},
		{"external-scaling", "another client changes the replicas of the suite's sets", repeat(2*time.Second, always, scale)},
		{"unrelated-sets", "other sets, pods and claims come, change and go in the suite's namespaces", repeat(time.Second, always, changeUnrelatedSet)},
		{"pod-deletions", "another client deletes pods of the suite's sets", repeat(5*time.Second, always, deletePod(metav1.DeleteOptions{}))},
		{"forced-pod-deletions", "another client deletes pods of the suite's sets without a grace period", repeat(5*time.Second, always, deletePod(metav1.DeleteOptions{GracePeriodSeconds: new(int64)}))},
		{"pod-evictions", "another client evicts pods of the suite's sets, as a descheduler does", repeat(5*time.Second, always, evictPod)},
		{"node-pressure", "pods of the suite's sets fail with the reason Evicted: the status is written as a kubelet under pressure does", repeat(5*time.Second, always, failPod)},
		{"claim-deletions", "another client deletes claims of the suite's sets", repeat(5*time.Second, always, deleteClaim)},
		{"set-deletions", "another client deletes the suite's sets", repeat(8*time.Second, always, deleteSet)},
		{"late-quotas", "quotas without room for another pod come and go in the suite's namespaces", repeat(3*time.Second, always, limitLate)},
		{"egress-denied", "NetworkPolicies deny all, and packets of pods to port 53 are dropped", denyEgress},
		{"mutating-policy", "MutatingAdmissionPolicies fill in fields of sets, templates and pods", mutating(fillIn())},
		{"added-container", "a MutatingAdmissionPolicy puts a container before those of each pod", mutating(addContainer())},
		{"stalled-watch", "watches of pods are held back for 15 seconds out of 30, while other requests pass", stallPods},
		{"spread-watches", "each watch lags by a time of its own, up to a second and a half", spreadWatches},
		{"clock-behind", "the clock of the node's kubelet is 30 seconds behind", clockOff(-30 * time.Second)},
		{"clock-ahead", "the clock of the node's kubelet is 30 seconds ahead", clockOff(30 * time.Second)},
		{"throttled", "the API server's priority and fairness serves one request of the suite at a time", throttle},
	}
}

// Begin starts the disturbance. The function it returns ends it, also after ctx has ended, and returns what went wrong meanwhile.
func (a Disturbance) Begin(ctx context.Context, s *Env) (func(context.Context) error, error) {
	undo, err := a.begin(ctx, s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", a.Name, err)
	}
	return undo, nil
}

// AwaitController returns once the StatefulSet controller acts: on a set without pods, made for that in the namespace default.
func (s *Env) AwaitController(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, controllerWithin, fmt.Errorf("the StatefulSet controller did not act within %s", controllerWithin))
	defer cancel()
	wanted := unrelatedSet("awaited")
	wanted.Spec.Replicas = new(int32)
	sets := s.Client.AppsV1().StatefulSets(metav1.NamespaceDefault)
	set, err := sets.Create(ctx, wanted, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = sets.Delete(context.WithoutCancel(ctx), set.Name, metav1.DeleteOptions{}) }()
	source := cache.NewListWatchFromClient(s.Client.AppsV1().RESTClient(), "statefulsets", set.Namespace, fields.OneTermEqualSelector("metadata.name", set.Name))
	_, err = watch.UntilWithSync(ctx, source, set, nil, func(e apiwatch.Event) (bool, error) {
		now, is := e.Object.(*appsv1.StatefulSet)
		return is && now.UID == set.UID && now.Status.ObservedGeneration >= set.Generation, nil
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// controllerWithin is far longer than a controller needs that has to wait until the lease of its predecessor ends, over a slow connection.
const controllerWithin = 3 * time.Minute

// restarts is how often a component is killed: a kubelet waits the longer with its restart the more often that was needed, minutes in the end.
const restarts = 3

// sh runs a script in the node.
func (s *Env) sh(ctx context.Context, script string) error {
	_, err := s.Engine.Output(ctx, "exec", s.Node, "sh", "-c", script)
	return err
}

// action is done once; it draws from chance.
type action func(ctx context.Context, s *Env, chance *rand.Rand) error

// always is for repeat: as often as there is time for.
const always = 0

// repeat runs an action about once per interval, until it is undone or has succeeded so many times. An action that fails is tried again
// the next time.
func repeat(every time.Duration, times int, do action) func(context.Context, *Env) (undo, error) {
	return func(ctx context.Context, s *Env) (undo, error) {
		ctx, cancel := context.WithCancel(ctx)
		done := make(chan struct{})
		var did int
		var last error
		go func() {
			defer close(done)
			chance := rand.New(rand.NewPCG(1, 1)) //nolint:gosec // the disturbance is to be the same each time
			for times == always || did < times {
				// Half to one and a half times as long, so that it falls into everything that a spec does.
				if !pause(ctx, every/2+time.Duration(chance.Int64N(int64(every)))) {
					return
				}
				if err := do(ctx, s, chance); err != nil {
					last = err
				} else {
					did++
				}
			}
		}()
		return func(context.Context) error {
			cancel()
			<-done
			if did == 0 {
				return errors.Join(errors.New("the disturbance never succeeded, so the run shows nothing"), last)
			}
			return nil
		}, nil
	}
}

// pause lets time pass, and reports whether all of it did before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
