package runconfig

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Limits are the time limits of a run that depend on the cluster, each named by the event that it waits for; LIMITS overrides them by the
// name in the tag. A limit says when to give up, never how long to wait: a wait ends with the event that decides it. What does not depend
// on the cluster stays beside its use: intervals of polling, the judges' thresholds, the limits of preflight's first requests and of making
// a kind cluster.
type Limits struct {
	// PodCreated runs from the moment the controller may create a pod until the pod exists.
	PodCreated time.Duration `limit:"pod-created"`
	// PodReady runs from a pod's creation until it is Running and Ready: claims bound, scheduled, image pulled, started.
	PodReady time.Duration `limit:"pod-ready"`
	// PodGone runs from a pod's deletion until the API no longer has it, including its grace period.
	PodGone time.Duration `limit:"pod-gone"`
	// ClaimBound runs from a claim's first use until it is Bound, including provisioning.
	ClaimBound time.Duration `limit:"claim-bound"`
	// ClaimGone runs from a claim's deletion by the retention policy until the API no longer has it.
	ClaimGone time.Duration `limit:"claim-gone"`
	// StatusSettled runs from the pods' last change until the set's status reflects it.
	StatusSettled time.Duration `limit:"status-settled"`
	// Collected runs from the deletion of an owner until the garbage collector has removed what it owned.
	Collected time.Duration `limit:"collected"`
	// DNSFollows runs from a change of endpoints until DNS answers accordingly, including caches, which commonly keep answers for
	// 30 seconds.
	DNSFollows time.Duration `limit:"dns-follows"`
	// Lag is how far the controller's informer cache may be behind the API server before an act on it counts as wrong.
	Lag time.Duration `limit:"controller-lag"`
	// ClockSkew is how far the clocks of nodes and control plane may differ.
	ClockSkew time.Duration `limit:"clock-skew"`
	// RecordingComplete runs from the end of a spec until the recording equals a list made then.
	RecordingComplete time.Duration `limit:"recording-complete"`
	// NamespaceReady runs from the creation of a namespace until its default service account exists, which pods need.
	NamespaceReady time.Duration `limit:"namespace-ready"`
	// NamespaceGone runs from the deletion of a namespace until the API no longer has it.
	NamespaceGone time.Duration `limit:"namespace-gone"`
	// Command bounds one command run inside a container.
	Command time.Duration `limit:"command"`
	// Probe runs from the creation of preflight's pods until they run, including the pull of their images.
	Probe time.Duration `limit:"probe"`
	// APIServerBack and NodeBack run from a restart until the control plane or the node serves again.
	APIServerBack time.Duration `limit:"api-server-back"`
	NodeBack      time.Duration `limit:"node-back"`
	// NodeLost runs from when a node stops answering until the control plane has marked its pods for deletion: its grace period,
	// 50 seconds by default, and then the pods' own tolerations.
	NodeLost time.Duration `limit:"node-lost"`
	// PodsTaken runs from when a lost node is declared out of service, or its Node object deleted, until its pods are removed; pod
	// garbage collection runs every 20 seconds, and waits 40 for a Node object that may come back.
	PodsTaken time.Duration `limit:"pods-taken"`
}

// DefaultLimits returns limits that fit a small busy cluster. They are generous, since a generous limit delays only the report of a
// failure.
func DefaultLimits() Limits {
	return Limits{
		PodCreated: 30 * time.Second, PodReady: 2 * time.Minute, PodGone: time.Minute,
		ClaimBound: time.Minute, ClaimGone: time.Minute, StatusSettled: 30 * time.Second, Collected: time.Minute,
		DNSFollows: time.Minute, Lag: 2 * time.Second, ClockSkew: time.Second,
		RecordingComplete: 20 * time.Second, NamespaceReady: time.Minute, NamespaceGone: 2 * time.Minute, Command: 20 * time.Second, Probe: time.Minute,
		APIServerBack: 2 * time.Minute, NodeBack: 3 * time.Minute, NodeLost: 3 * time.Minute, PodsTaken: 3 * time.Minute,
	}
}

// measuredFactor is how many times as long as before the first spec a cluster may take in one: specs act dozens side by side, on the same nodes and storage.
const measuredFactor = 4

// For returns limits for a cluster that took so long. None becomes shorter: a limit delays only the report of a failure. controller-lag stays as it is, since a
// longer one would hide faults; where the controller is behind by more, the judges see that in the histories.
func (l Limits) For(m Measured) Limits {
	for _, one := range []struct {
		limit *time.Duration
		took  float64
	}{
		{&l.PodCreated, m.Created},
		{&l.ClaimBound, max(m.Bound, m.Started)},
		{&l.PodReady, max(m.Started, m.Ready)},
		{&l.StatusSettled, m.Settled},
		{&l.DNSFollows, m.Resolved},
		{&l.PodGone, m.Ended},
	} {
		*one.limit = max(*one.limit, time.Duration(measuredFactor*one.took)*time.Second)
	}
	return l
}

// LimitNames returns the names of all limits, sorted.
func LimitNames() []string {
	var names []string
	for f := range reflect.TypeFor[Limits]().Fields() {
		names = append(names, f.Tag.Get("limit"))
	}
	slices.Sort(names)
	return names
}

// Override returns the limits with changes such as "pod-ready=5m" or "pod-ready=5m,dns-follows=1m" applied. Unknown names,
// malformed and non-positive durations are errors.
func (l Limits) Override(changes ...string) (Limits, error) {
	v := reflect.ValueOf(&l).Elem()
	for _, change := range strings.FieldsFunc(strings.Join(changes, ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		name, text, ok := strings.Cut(change, "=")
		if !ok {
			return Limits{}, fmt.Errorf("limit %q: expected name=duration, such as pod-ready=5m", change)
		}
		d, err := time.ParseDuration(text)
		if err != nil || d <= 0 {
			return Limits{}, fmt.Errorf("limit %q: expected a duration above zero, such as 90s or 5m, found %q", name, text)
		}
		found := false
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("limit") == name {
				v.Field(i).SetInt(int64(d))
				found = true
			}
		}
		if !found {
			return Limits{}, fmt.Errorf("no limit is named %q; there are %s", name, strings.Join(LimitNames(), ", "))
		}
	}
	return l, nil
}

// Changed lists the limits that differ from the defaults, as name=duration, sorted.
func (l Limits) Changed() []string {
	var out []string
	mine, std := reflect.ValueOf(l), reflect.ValueOf(DefaultLimits())
	for i := range mine.NumField() {
		if mine.Field(i).Int() != std.Field(i).Int() {
			out = append(out, fmt.Sprintf("%s=%v", mine.Type().Field(i).Tag.Get("limit"), time.Duration(mine.Field(i).Int())))
		}
	}
	slices.Sort(out)
	return out
}
