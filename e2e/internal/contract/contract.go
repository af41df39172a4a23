package contract

import (
	"fmt"
	"slices"
	"strings"
)

// ID names one guarantee as "<family>/<name>", for example "ordering/create-halts".
type ID string

// Family returns the part of the ID before the slash, or "" if the ID has none.
func (id ID) Family() string {
	family, _, found := strings.Cut(string(id), "/")
	if !found {
		return ""
	}
	return family
}

// Level says which clusters must uphold a guarantee.
type Level string

const (
	// Core guarantees hold on every cluster.
	Core Level = "core"
	// Extended guarantees belong to an optional or versioned feature and are checked only where the cluster has it.
	Extended Level = "extended"
	// Workload guarantees can be checked only by running a database.
	Workload Level = "workload"
	// Disruptive guarantees can be checked only by disrupting a node or the control plane.
	Disruptive Level = "disruptive"
)

// Levels returns all levels, those that hold on most clusters first.
func Levels() []Level { return []Level{Core, Extended, Workload, Disruptive} }

// Includes reports whether a run at one level checks the guarantees of another: Workload and Disruptive each include Core and Extended, and not each
// other.
func (l Level) Includes(other Level) bool {
	return l == other || other == Core || other == Extended && l != Core
}

// Source says who promises a guarantee.
type Source string

const (
	// Docs is the Kubernetes documentation, mainly its StatefulSets concept page.
	Docs Source = "docs"
	// API is the documentation of the API fields.
	API Source = "api"
	// DNS is the specification of Kubernetes DNS-based service discovery.
	DNS Source = "dns"
	// Conf is Kubernetes' own end-to-end specs, mainly those of its conformance suite.
	Conf Source = "conf"
	// Lesson is the StatefulSets lesson whose example this project ships.
	Lesson Source = "lesson"
	// Impl is what the controller does although no document promises it.
	Impl Source = "impl"
)

// Guarantee is one promise about StatefulSets.
type Guarantee struct {
	// ID names the guarantee.
	ID ID
	// Level says which clusters must uphold it.
	Level Level
	// Must is the promise in one or two sentences, complete with its conditions.
	Must string
	// Sources lists who promises it, the strongest first.
	Sources []Source
	// Since is the Kubernetes minor ("1.32") from which every cluster has the behaviour; empty means always.
	// An older cluster may have it behind FeatureGate, so probe the cluster instead of comparing versions.
	Since string
	// FeatureGate is the gate that governs, or before Since governed, the behaviour; empty if none does.
	FeatureGate string
	// Link is the URL of the document that promises it, or, for a guarantee that only the implementation promises, of the code.
	Link string
	// Note holds documented exceptions and limits; empty if there are none.
	Note string
}

// ImplOnly reports whether the implementation is the only source, so that a failure is a deviation and leaves the
// cluster conformant. A guarantee that a document promises in part is not ImplOnly: its Note says which part.
func (g Guarantee) ImplOnly() bool {
	if len(g.Sources) == 0 {
		return false
	}
	return !slices.ContainsFunc(g.Sources, func(s Source) bool { return s != Impl })
}

// The minors of Kubernetes 1 that clusters are judged from. From wholeMinor on a cluster is held to the whole contract: what it lacks of the rows
// with a later Since, specs find out by asking it. An older one is held to the rows whose Since is not later than its version.
const (
	OldestMinor = 29
	wholeMinor  = 33
)

// HeldInPart reports whether a cluster of that version of Kubernetes, such as "v1.30.4", is held to a part of the contract only.
func HeldInPart(kubernetes string) bool {
	minor, known := minorOf(kubernetes)
	return known && minor < wholeMinor
}

// HeldTo returns the version of Kubernetes whose promises a cluster of a version is held to: its own, or a later one that is wanted.
func HeldTo(own, wanted string) string {
	has, known := minorOf(own)
	if minor, later := minorOf(wanted); later && (!known || minor > has) {
		return wanted
	}
	return own
}

// TooOld returns why a guarantee does not apply to a cluster of that version of Kubernetes, "" if it does or if the cluster is to be asked.
func (g Guarantee) TooOld(kubernetes string) string {
	minor, _ := minorOf(kubernetes)
	if since, dated := minorOf(g.Since); !dated || minor >= since || !HeldInPart(kubernetes) {
		return ""
	}
	return fmt.Sprintf("Kubernetes %s is older than %s, since which version every cluster upholds it", kubernetes, g.Since)
}

// minorOf returns the minor of a version of Kubernetes 1.
func minorOf(version string) (minor int, known bool) {
	_, err := fmt.Sscanf(strings.TrimPrefix(version, "v"), "1.%d", &minor)
	return minor, err == nil
}

// All returns every guarantee in the order of the contract. The caller owns the result.
func All() []Guarantee {
	var all []Guarantee
	for _, rows := range byFamily() {
		all = append(all, rows...)
	}
	return all
}

// Get returns the guarantee with the given ID, and whether there is one.
func Get(id ID) (Guarantee, bool) {
	for _, rows := range byFamily() {
		for _, g := range rows {
			if g.ID == id {
				return g, true
			}
		}
	}
	return Guarantee{}, false
}

// Families returns the names of the families in the order of the contract. The caller owns the result.
func Families() []string {
	var families []string
	for _, rows := range byFamily() {
		families = append(families, rows[0].ID.Family())
	}
	return families
}

// byFamily builds the rows anew for each call, so that callers cannot change each other's.
func byFamily() [][]Guarantee {
	return [][]Guarantee{
		identity(),
		dns(),
		storage(),
		ordering(),
		termination(),
		update(),
		status(),
		lifecycle(),
		api(),
		workload(),
		disruption(),
	}
}
