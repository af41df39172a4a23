package simulator

import (
	"math/rand/v2"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/explore"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history/historytest"
)

// History returns the history of that seed.
func History(seed uint64) *history.History { return run(seed, func(*cluster) {}) }

// HistoryWithOutsiders returns the history of that seed when clients other than the test delete pods, claims and sets, too.
func HistoryWithOutsiders(seed uint64) *history.History {
	return run(seed, func(cl *cluster) { cl.nextOutsider(rand.New(rand.NewPCG(seed, 0x0d))) })
}

// run simulates a cluster that prepare changes before anything happens in it.
func run(seed uint64, prepare func(*cluster)) *history.History {
	cl := &cluster{
		rng:     rand.New(rand.NewPCG(seed, 0x5e7)),
		builder: historytest.New().Pace(time.Millisecond),
		alive:   map[types.UID]bool{}, stopping: map[types.UID]bool{},
		requested: map[string]*explore.Template{}, numbers: map[string]int{}, budgets: map[string]string{}, startedOnce: map[types.UID]bool{},
		service: "web",
	}
	cl.user = cl.runUser
	cl.begin = cl.builder.History().Header.Start
	cl.options = cl.randomOptions()
	cl.choosesStrategy = rand.New(rand.NewPCG(seed, 0x4ec4))
	cl.options.recreate = cl.options.version == "v1.37.2" && cl.choosesStrategy.IntN(2) == 0
	cl.controller = newController(cl)
	prepare(cl)
	cl.startVariations()
	cl.builder.ByOthers(cl.user) // its controller reports by withReports
	h := cl.builder.History()
	h.Header.Spec = "a legal history"
	h.Header.Version = cl.options.version
	endpoints := cl.endpoints(h, seed)
	return cl.asRecorded(withEndpoints(cl.withReports(cl.withWatchSkew(h), seed), endpoints))
}

// options are the properties of one simulated cluster.
type options struct {
	version string
	// cacheLag is the most by which an informer cache may lag; with watchSkew it is below the lag that the judges allow.
	cacheLag time.Duration
	// watchSkew is the most by which one watch of the recorder may lag behind another.
	watchSkew time.Duration
	// startTime and stopTime are how long a pod usually takes to start and to stop.
	startTime, stopTime time.Duration
	// failureRate is the probability that a pod fails after it became Ready.
	failureRate float64
	// slowRate is the probability that a pod or claim takes much longer than usual.
	slowRate float64
	// waitsForOwnWrites: the controller syncs a set only when its cache has what it wrote for it.
	waitsForOwnWrites bool
	// completesOnDelete: under OnDelete, too, the current revision becomes the update revision when every pod is updated and Ready.
	completesOnDelete bool
	// maxUnavailable: the feature gate MaxUnavailableStatefulSet is on.
	maxUnavailable bool
	// recreate: the feature gate StatefulSetRecreateStrategy is on.
	recreate bool
}

func (cl *cluster) randomOptions() options {
	version := pick(cl.rng, "v1.37.2", "v1.37.2", "v1.36.3", "v1.34.4", "")
	return options{
		waitsForOwnWrites: version == "v1.37.2" || version == "v1.36.3", version: version,
		completesOnDelete: version == "v1.37.2",
		cacheLag:          pick[time.Duration](cl.rng, 20, 20, 200, 200, 1400) * time.Millisecond,
		watchSkew:         pick[time.Duration](cl.rng, 0, 0, 50, 350) * time.Millisecond,
		startTime:         pick[time.Duration](cl.rng, 100, 500, 2000) * time.Millisecond,
		stopTime:          pick[time.Duration](cl.rng, 50, 300, 2000) * time.Millisecond,
		failureRate:       pick(cl.rng, 0, 0, 0, 0.05, 0.3),
		slowRate:          pick(cl.rng, 0, 0.05, 0.2),
		maxUnavailable:    cl.chance(0.3) || version == "v1.37.2",
	}
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
