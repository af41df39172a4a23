package simulator

import (
	"math/rand/v2"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Variation is one way in which a correct cluster may differ from the one that History simulates.
type Variation struct {
	Name string
	// Legal says why it breaks no promise.
	Legal string
	// MayStayOpen says that it takes away what shows whose act something was, or that the controller was at work, so that judges may leave
	// questions open.
	MayStayOpen bool

	enable func(*variations)
}

// variations are the variations of one simulated cluster. Where none is on, no further random number is drawn, so that History gives for a
// seed what it gave without them.
type variations struct {
	slow, paused, eager                                                                        bool
	statusBefore, statusTwice, statusInSteps, statusLate, countsOwnActs                        bool
	claimsEarly, claimsInAnyOrder, claimsOwnedAtOnce                                           bool
	parallelInAnyOrder, parallelInTurn, recreatesAtOnce, adoptsLate                            bool
	otherRevisionNames, otherRevisionNumbers, trimsLate, trimsEarly                            bool
	webhook, lateKubelet, flapping, unrelatedChanges, severalFields                            bool
	watchBehind, watchStalls, answered, answeredBeforeWatch, doubledEvents, otherTexts, silent bool
}

// Variations lists all of them.
func Variations() []Variation {
	return append(variationsOfController(), variationsOfOthers()...)
}

// variationsOfController lists those of the StatefulSet controller.
func variationsOfController() []Variation {
	const noOrder = "podManagementPolicy Parallel: pods are created and deleted without any order"
	return []Variation{
		{Name: "slow", Legal: "no document says how fast the controller is", enable: func(v *variations) { v.slow = true }},
		{
			Name: "paused", MayStayOpen: true, Legal: "leader election: nobody acts until another instance holds the lease",
			enable: func(v *variations) { v.paused = true },
		},
		{Name: "eager", Legal: "what a document makes an act wait for is a state of pods, no time", enable: func(v *variations) { v.eager = true }},
		{
			Name: "status before the act", Legal: "status: the most recently observed state, whenever it is written",
			enable: func(v *variations) { v.statusBefore = true },
		},
		{Name: "status twice", Legal: "an update may change nothing that a client reads", enable: func(v *variations) { v.statusTwice = true }},
		{
			Name: "status in steps", Legal: "each count of the status is described for itself; no document says that they are written together",
			enable: func(v *variations) { v.statusInSteps = true },
		},
		{Name: "status late", Legal: "no document says how soon the status follows", enable: func(v *variations) { v.statusLate = true }},
		{
			Name: "counts own acts", Legal: "status.replicas: pods created by the controller, which knows of them before its cache does",
			enable: func(v *variations) { v.countsOwnActs = true },
		},
		{
			Name: "claims early", Legal: "volumeClaimTemplates: a claim for each pod; the order of pods says nothing of claims",
			enable: func(v *variations) { v.claimsEarly = true },
		},
		{Name: "claims in any order", Legal: "volumeClaimTemplates: no order among a pod's claims", enable: func(v *variations) { v.claimsInAnyOrder = true }},
		{
			Name: "claims owned at once", Legal: "persistentVolumeClaimRetentionPolicy: an owner may be set with the creation",
			enable: func(v *variations) { v.claimsOwnedAtOnce = true },
		},
		{Name: "Parallel in any order", Legal: noOrder, enable: func(v *variations) { v.parallelInAnyOrder = true }},
		{
			Name: "Parallel one after another", Legal: noOrder + ", and waits for no pod; requests still follow one another",
			enable: func(v *variations) { v.parallelInTurn = true },
		},
		{
			Name: "recreates at once", Legal: "a pod that is gone may be replaced in the moment of its end",
			enable: func(v *variations) { v.recreatesAtOnce = true },
		},
		{Name: "adopts late", Legal: "no document says how soon an orphan is adopted", enable: func(v *variations) { v.adoptsLate = true }},
		{
			Name: "other revision names", Legal: "status.updateRevision is a name; no document says how it is made, nor how data are encoded",
			enable: func(v *variations) { v.otherRevisionNames = true },
		},
		{
			Name: "other revision numbers", Legal: "ControllerRevision.revision orders revisions; no document says that none is left out",
			enable: func(v *variations) { v.otherRevisionNumbers = true },
		},
		{Name: "trims late", Legal: "revisionHistoryLimit: no document says when revisions are removed", enable: func(v *variations) { v.trimsLate = true }},
		{Name: "trims early", Legal: "revisionHistoryLimit: no document says when revisions are removed", enable: func(v *variations) { v.trimsEarly = true }},
	}
}

// variationsOfOthers lists those of other components and of the recording.
func variationsOfOthers() []Variation {
	return []Variation{
		{
			Name: "webhook", Legal: "admission may add labels and containers to pods, and labels to claims",
			enable: func(v *variations) { v.webhook = true },
		},
		{
			Name: "late kubelet", Legal: "lastTransitionTime is when a condition changed, not when the kubelet reported it",
			enable: func(v *variations) { v.lateKubelet = true },
		},
		{Name: "flapping", Legal: "a readiness probe may fail at any time", enable: func(v *variations) { v.flapping = true }},
		{
			Name: "unrelated changes", Legal: "any client may change metadata, or what is not recorded",
			enable: func(v *variations) { v.unrelatedChanges = true },
		},
		{
			Name: "several fields at once", Legal: "a request may change any of the fields that may be changed",
			enable: func(v *variations) { v.severalFields = true },
		},
		{Name: "watch behind", Legal: "the API promises no order across resources", enable: func(v *variations) { v.watchBehind = true }},
		{
			Name: "watch stalls", MayStayOpen: true, Legal: "a connection may hold back what was sent for seconds",
			enable: func(v *variations) { v.watchStalls = true },
		},
		{Name: "answered", Legal: "an answer may come after the watch has shown the change", enable: func(v *variations) { v.answered = true }},
		{
			Name: "answered before the watch", Legal: "an answer may come before the watch shows the change",
			enable: func(v *variations) { v.answeredBeforeWatch = true },
		},
		{Name: "doubled events", Legal: "a version may be delivered twice", enable: func(v *variations) { v.doubledEvents = true }},
		{
			Name: "other texts", MayStayOpen: true, Legal: "messages of Events are for people: they need not name the pod",
			enable: func(v *variations) { v.otherTexts = true },
		},
		{
			Name: "no reports", MayStayOpen: true, Legal: "Events are kept as far as possible, and may be dropped",
			enable: func(v *variations) { v.silent = true },
		},
	}
}

// HistoryWith returns the history of that seed with these variations.
func HistoryWith(seed uint64, all ...Variation) *history.History {
	return run(seed, func(cl *cluster) {
		for _, v := range all {
			v.enable(&cl.varied)
		}
	})
}

// VariedHistory returns the history of that seed with some of the variations that leave no question open, which the seed decides.
func VariedHistory(seed uint64) *history.History {
	rng := rand.New(rand.NewPCG(seed, 0x1e9a1))
	var chosen []Variation
	for _, v := range Variations() {
		if !v.MayStayOpen && rng.IntN(4) == 0 {
			chosen = append(chosen, v)
		}
	}
	return HistoryWith(seed, chosen...)
}
